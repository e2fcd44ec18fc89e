import math
from dataclasses import replace

import pytest
import torch

from gesso.errors import PromptError, SettingError
from gesso.lm import text_bound
from gesso.lm.text_bound import bound_examples
from gesso.train.examples import Example
from tests.evals.doubles import UnigramNetwork
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
    monkeypatch.setattr(text_bound, "LOGITS_AT_ONCE", 3 * CANVAS * VOCAB)
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


def test_what_cannot_be_bounded_is_refused():
    with pytest.raises(PromptError, match="a text takes 272 positions, in whole canvases, and the context has 256"):
        bound_examples(
            tiny_network(),
            [Example(context=(2,) * 256, canvases=((3,) * 16,))],
            generator=torch.Generator(),
            num_samples=2,
        )
    with pytest.raises(SettingError, match="num_samples is 1"):
        bound(*toy_source(), num_samples=1)
