import pytest
import torch

from gesso.errors import PromptError
from gesso.evals import likelihood
from gesso.evals.likelihood import TextLikelihood, read_left_to_right, text_and_end, text_example
from tests.evals.doubles import report_of, sample_of, writer
from tests.tiny_model import tiny_network


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
    with pytest.raises(PromptError, match="begin it with the bos token"):
        list(read_left_to_right(network, [([], [3])]))
    with pytest.raises(PromptError, match="a text is empty"):
        text_example(lm, "")
