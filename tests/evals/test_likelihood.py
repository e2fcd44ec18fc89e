import math
from dataclasses import replace

import pytest
import torch

from gesso.errors import PromptError, SettingError
from gesso.evals import likelihood
from gesso.evals.likelihood import TextLikelihood, bound_examples, read_left_to_right, text_and_end, text_example
from gesso.train.examples import Example
from tests.evals.doubles import UnigramNetwork, report_of, sample_of, writer
from tests.tiny_model import CONFIG, tiny_network

VOCAB, CANVAS = 5, 4
TOY = replace(CONFIG, vocab_size=VOCAB, canvas_length=CANVAS, eos_token_ids=(1,))
CONTEXT = (2,)


def toy_source():
    """A network that knows its source, and 300 texts of two canvases that the source wrote."""
    generator = torch.Generator().manual_seed(0)
    probability = torch.rand(VOCAB, VOCAB, generator=generator) ** 3 + 0.02
    probability /= probability.sum(-1, keepdim=True)
    examples = []
    for _ in range(300):
        last, canvases = CONTEXT[-1], []
        for _ in range(2):
            drawn = torch.multinomial(probability[last], CANVAS, replacement=True, generator=generator).tolist()
            canvases.append(tuple(drawn))
            last = drawn[-1]
        examples.append(Example(context=CONTEXT, canvases=tuple(canvases)))
    return UnigramNetwork(TOY, probability), examples


def exact_nats(network, example):
    """-log p of the canvases, by the rule that drew them."""
    nats, last = 0.0, example.context[-1]
    for canvas in example.canvases:
        nats -= float(network.probability[last, list(canvas)].log().sum())
        last = canvas[-1]
    return nats


def bound(network, examples, num_samples=40, seed=0):
    return bound_examples(
        network,
        examples,
        generator=torch.Generator().manual_seed(seed),
        num_samples=num_samples,
        prediction="leave_one_out",
    )


def test_the_bound_of_a_network_that_knows_its_source_is_the_likelihood_within_the_error_bar():
    network, examples = toy_source()
    found = bound(network, examples)
    exact = torch.tensor([exact_nats(network, example) for example in examples], dtype=torch.float64)
    error = found.standard_error.square().sum().sqrt() / len(examples)
    assert error < 0.02 * exact.mean()
    assert (found.nats.mean() - exact.mean()).abs() < 3 * error
    # Not only their mean: each text has its own likelihood.
    assert torch.corrcoef(torch.stack([found.nats, exact]))[0, 1] > 0.6


def test_the_entropy_of_the_source_is_reached():
    network, examples = toy_source()
    found = bound(network, examples)
    first = network.probability[CONTEXT[-1]].double()
    entropies = -(network.probability.double() * network.probability.double().log()).sum(-1)
    entropy = CANVAS * (entropies[CONTEXT[-1]] + (first * entropies).sum())
    assert (found.nats.mean() - entropy).abs() < 4 * found.nats.std() / math.sqrt(len(examples))


def test_each_text_is_encoded_once_whatever_the_noise_draws_and_the_rows_of_a_pass(monkeypatch):
    monkeypatch.setattr(likelihood, "LOGITS_AT_ONCE", 3 * CANVAS * VOCAB)
    network, examples = toy_source()
    found = bound(network, examples[:5], num_samples=30)
    assert network.num_encoded == 5
    exact = torch.tensor([exact_nats(network, example) for example in examples[:5]], dtype=torch.float64)
    assert ((found.nats - exact).abs() < 5 * found.standard_error + 0.5).all()


def test_a_canvas_is_judged_given_the_clean_text_before_it_and_nothing_after():
    network = tiny_network()
    examples = [
        Example(context=(2, 9), canvases=tuple(tuple(range(k, k + 16)) for k in range(30, 30 + 16 * n, 16)))
        for n in (1, 3)
    ]
    seen = []
    forward = network.denoise

    def denoise(canvas, cache, conditioning=None, *, context=None):
        logits = forward(canvas, cache, conditioning, context=context)
        seen.append((canvas, logits))
        return logits

    network.denoise = denoise
    bound_examples(network, examples, generator=torch.Generator().manual_seed(0), num_samples=2)
    prefixes = [
        [*example.context, *(token for canvas in example.canvases[:k] for token in canvas)]
        for example in examples
        for k in range(len(example.canvases))
    ]
    noisy, logits = seen[0]
    for row, prefix in enumerate(prefixes):
        cache = network.new_cache(batch=1, max_len=len(prefix))
        network.encode(torch.tensor([prefix]), cache)
        torch.testing.assert_close(forward(noisy[row : row + 1], cache), logits[row : row + 1], atol=1e-4, rtol=0)


def test_reading_left_to_right_together_is_reading_token_by_token_alone(monkeypatch):
    monkeypatch.setattr(likelihood, "TEXTS_AT_ONCE", 2)
    network = tiny_network()
    pairs = [([2], [7, 8, 9]), ([2, 50, 60, 70], [11]), ([2, 3], list(range(100, 120)))]
    for found, (context, continuation) in zip(read_left_to_right(network, pairs), pairs, strict=True):
        cache = network.new_cache(batch=1, max_len=64)
        hidden = network.encode(torch.tensor([context]), cache)
        nats, is_greedy = 0.0, True
        for token in continuation:
            logits = network.head(hidden)[0, -1]
            nats -= float(logits.log_softmax(-1)[token])
            is_greedy &= int(logits.argmax()) == token
            hidden = network.encode(torch.tensor([[token]]), cache)
        assert found.nats == pytest.approx(nats, rel=1e-4)
        assert found.is_greedy == is_greedy


def test_the_greedy_continuation_is_known_as_such():
    network = tiny_network()
    cache = network.new_cache(batch=1, max_len=4)
    greedy = int(network.head(network.encode(torch.tensor([[2, 5]]), cache))[0, -1].argmax())
    assert [one.is_greedy for one in read_left_to_right(network, [([2, 5], [greedy]), ([2, 5], [greedy + 1])])] == [
        True,
        False,
    ]


def test_bits_per_byte_of_a_model_that_knows_nothing_left_to_right(lm, tmp_path):
    text = "The fox had a red kite."
    ignorant = writer(lm, str, canvas_length=32)
    ignorant.network.denoise = lambda canvas, cache, conditioning=None, context=None: torch.zeros(*canvas.shape, 4096)
    ignorant.network.encode = encode_nothing(ignorant.network)
    measure = TextLikelihood(texts=lambda rng, count: [text] * count, num_samples=8)
    report, _ = report_of(measure, ignorant, sample_of(2, (0, 1)))
    figures = report.points[0].figures
    tokens = len(lm.tokenizer.encode(text)) + 1
    assert figures["left_to_right_bits_per_byte"].value == pytest.approx(tokens * 12 / len(text))
    assert figures["bits_per_byte"].value > 0
    assert figures["noise_error"].value > 0
    assert figures["bits_per_byte"].count == 4


def encode_nothing(network):
    """An encoder for both kinds of cache, whose hidden states are zeros."""

    def encode(token_ids, cache, *, lengths=None):
        for layer in range(network.config.num_layers):
            heads, width = network.config.heads(layer)
            keys = torch.zeros(len(token_ids), heads, token_ids.shape[1], width)
            cache.append(layer, keys, keys)
        cache.advance([token_ids.shape[1]] * len(token_ids))
        return torch.zeros(*token_ids.shape, network.config.hidden_size)

    return encode


def test_a_text_stands_on_canvases_with_its_end_behind_it(lm):
    text = "The fox had a red kite and a boat, and the kite was very big."
    context, tokens = text_and_end(lm, text)
    example = text_example(lm, text)
    assert context == [lm.tokenizer.bos_id] == list(example.context)
    assert tokens == [*lm.tokenizer.encode(text), lm.tokenizer.eos_id]
    laid = [token for canvas in example.canvases for token in canvas]
    assert laid[: len(tokens)] == tokens
    assert set(laid[len(tokens) :]) <= {lm.tokenizer.eos_id}


def test_what_cannot_be_measured_is_refused(lm):
    network = tiny_network()
    with pytest.raises(PromptError, match="a text takes 272 positions, in whole canvases, and the context has 256"):
        bound_examples(
            network,
            [Example(context=(2,) * 256, canvases=((3,) * 16,))],
            generator=torch.Generator(),
            num_samples=2,
        )
    with pytest.raises(PromptError, match="begin it with the bos token"):
        list(read_left_to_right(network, [([], [3])]))
    with pytest.raises(PromptError, match="a text is empty"):
        text_example(lm, "")
    with pytest.raises(SettingError, match="num_samples is 1"):
        bound(*toy_source(), num_samples=1)
