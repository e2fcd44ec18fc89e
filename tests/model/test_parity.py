"""The network computes what the reference implementation computes, on random shapes and weights."""

import copy

import pytest
import torch
from transformers import DynamicCache

from gesso.model.feed_forward import mix_experts_dense, mix_experts_sparse

SEEDS = range(26)
TOLERANCE = 1e-4


def prompt_length(seed, window):
    """One token, one less than the window, the window, one more, and many windows."""
    return [1, max(1, window - 1), window, window + 1, 4 * window + 3][seed // 2 % 5]


def ids(config, batch, length, seed):
    return torch.randint(config.vocab_size, (batch, length), generator=torch.Generator().manual_seed(seed))


def scores(config, batch, seed):
    """Logits of a step before, sharp enough that the soft embedding is far from the mean of all."""
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(batch, config.canvas_length, config.vocab_size, generator=generator)


def difference(ours, theirs):
    assert ours.shape == theirs.shape
    assert theirs.abs().max() > 0.5, "differences between outputs that are all small say nothing"
    return (ours - theirs).abs().max().item()


def three_canvases(twin, seed):
    """Encode a prompt, denoise a canvas, commit another, and so on: pairs of outputs of ours and theirs."""
    config, batch = twin.config, 1 + seed % 3
    text = ids(config, batch, prompt_length(seed, config.sliding_window), seed)
    cache, their_cache = (
        twin.network.new_cache(batch=batch, max_len=200),
        DynamicCache(config=twin.reference.config.text_config),
    )
    for canvas_index in range(3):
        canvas = ids(config, batch, config.canvas_length, 1000 + 10 * seed + canvas_index)
        previous = scores(config, batch, seed) if (seed + canvas_index) % 2 else None
        theirs = twin.reference(
            input_ids=text,
            past_key_values=their_cache,
            decoder_input_ids=canvas,
            self_conditioning_logits=previous,
        )
        hidden = twin.network.encode(text, cache)
        conditioning = None if previous is None else twin.network.soft_embed(previous)
        yield hidden, theirs.encoder_last_hidden_state
        yield twin.network.denoise(canvas, cache, conditioning), theirs.logits
        text = ids(config, batch, config.canvas_length, 2000 + 10 * seed + canvas_index)


@pytest.mark.parametrize("seed", SEEDS)
def test_encode_and_denoise_agree_with_the_reference_over_three_canvases(twin, seed):
    for ours, theirs in three_canvases(twin(seed), seed):
        assert difference(ours, theirs) <= TOLERANCE


def test_the_random_shapes_cover_what_can_go_wrong(twin):
    configs = [twin(seed).config for seed in SEEDS]
    lengths = [prompt_length(seed, config.sliding_window) for seed, config in zip(SEEDS, configs, strict=True)]
    beyond = [length - config.sliding_window for length, config in zip(lengths, configs, strict=True)]
    mixes = {layer.experts.mix for seed in SEEDS for layer in twin(seed).network.layers}
    assert mixes == {mix_experts_dense, mix_experts_sparse}
    assert {-1, 0, 1} <= set(beyond)
    assert max(beyond) > 3 * 17
    assert 1 in lengths
    assert {len(config.layer_types) for config in configs} == {2, 3, 4, 5}
    assert any("sliding_attention" not in config.layer_types for config in configs)
    assert {config.full_rope.partial for config in configs} == {0.25, 0.5, 1.0}


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_unequal_length_agree_with_the_left_padded_reference(twin, seed):
    """The reference pads on the left and masks; here rows are filled up on the right and have their own lengths.

    Its positions count the padding, which turns queries and keys of a row by the same angle more and changes nothing.
    """
    twin = twin(seed)
    config, network = twin.config, twin.network
    window = config.sliding_window
    lengths = [[1, window + 5, 2 * window], [window, window - 1, 3 * window + 1]][seed % 2]
    longest = max(lengths)
    text = ids(config, 3, longest, seed)
    right = torch.stack(
        [torch.cat([row[longest - n :], row[: longest - n]]) for row, n in zip(text, lengths, strict=True)]
    )
    mask = torch.arange(longest) >= longest - torch.tensor(lengths)[:, None]
    cache, their_cache = network.new_cache(batch=3, max_len=200), DynamicCache(config=twin.reference.config.text_config)
    pieces, row_lengths = right, lengths
    for canvas_index in range(2):
        canvas = ids(config, 3, config.canvas_length, 10 * seed + canvas_index)
        previous = scores(config, 3, seed) if canvas_index else None
        theirs = twin.reference(
            input_ids=text,
            attention_mask=mask,
            past_key_values=their_cache,
            decoder_input_ids=canvas,
            decoder_attention_mask=torch.cat([mask, mask.new_ones(3, config.canvas_length)], dim=1),
            self_conditioning_logits=previous,
        )
        hidden = network.encode(pieces, cache, lengths=row_lengths)
        for row, length in enumerate(row_lengths):
            assert difference(hidden[row, :length], theirs.encoder_last_hidden_state[row, -length:]) <= TOLERANCE
        logits = network.denoise(canvas, cache, None if previous is None else network.soft_embed(previous))
        assert difference(logits, theirs.logits) <= TOLERANCE
        text = pieces = ids(config, 3, config.canvas_length, 77 + seed)
        row_lengths = [config.canvas_length] * 3
        mask = torch.cat([mask, mask.new_ones(3, config.canvas_length)], dim=1)


def bfloat16_errors(twin, seeds, **changes):
    """Relative root mean square errors of both implementations in bfloat16, against the reference in float32."""
    squares = []
    for seed in seeds:
        exact = twin(seed, **changes)
        rounded = copy.deepcopy(exact)
        rounded.network.to(torch.bfloat16)
        rounded.reference.to(torch.bfloat16)
        for module, original in zip(rounded.reference.modules(), exact.reference.modules(), strict=True):
            # A checkpoint loaded in bfloat16 keeps its rotary frequencies in float32, and so must the twin.
            for name, buffer in original.named_buffers(recurse=False):
                if "inv_freq" in name:
                    module._buffers[name] = buffer.clone()
        for (_, truth), outputs in zip(three_canvases(exact, seed), three_canvases(rounded, seed), strict=True):
            scale = truth.double().pow(2).mean()
            squares.append(torch.stack([(x.double() - truth).pow(2).mean() / scale for x in outputs]))
    return torch.stack(squares).mean(dim=0).sqrt().tolist()


def test_bfloat16_is_as_exact_as_the_reference_where_every_expert_is_used(twin):
    """Two correct implementations round at different places, so they differ by about their errors and cannot be held
    against each other. What can be asked is that ours loses no more than theirs, with a little room for chance.
    """
    ours, theirs = bfloat16_errors(twin, range(4), num_experts=4, top_k_experts=4)
    assert theirs > 1e-3, "no rounding took place"
    assert ours <= 1.2 * theirs


def test_bfloat16_is_as_exact_as_the_reference_where_experts_are_chosen(twin):
    """Here rounding now and then turns the choice of an expert over, which moves a token by as much as an expert does.
    That is rare, and chance decides in which of the two it happens: hence the wider room.
    """
    ours, theirs = bfloat16_errors(twin, range(4))
    assert ours <= 1.5 * theirs


@pytest.mark.parametrize("seed", range(8))
def test_without_experts_encode_and_head_agree_with_the_dense_gemma(dense_twin, seed):
    twin = dense_twin(seed)
    config = twin.config
    cache, their_cache = twin.network.new_cache(batch=2, max_len=200), DynamicCache(config=twin.reference.config)
    for length in (prompt_length(seed, config.sliding_window), config.canvas_length):
        text = ids(config, 2, length, seed + length)
        theirs = twin.reference(input_ids=text, past_key_values=their_cache).logits
        assert difference(twin.network.head(twin.network.encode(text, cache)), theirs) <= TOLERANCE
