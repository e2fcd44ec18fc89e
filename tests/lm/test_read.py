import math

import pytest
import torch

from gesso.engine.left_to_right import surprise
from gesso.errors import PromptError, SettingError
from gesso.lm.encoded_text import EncodedText
from gesso.lm.read import _read_canvas
from gesso.sampling.draws import canvas_generator, draw_canvas
from tests.tiny_model import tiny_network

BEGINNING, AFTER = [2, 7, 9, 40], [[50, 51], [52, 1]]
VOCAB, LENGTH = 4096, 16


def canvas_probabilities(network, canvas, place):
    """What the network predicts at one place of one canvas."""
    cache = network.new_cache(batch=1, max_len=len(BEGINNING))
    network.encode(torch.tensor([BEGINNING]), cache)
    return network.denoise(torch.tensor([canvas]), cache)[0, place].double().softmax(-1)


def test_slots_of_one_token_are_read_from_one_pass_for_each_draw():
    network = tiny_network()
    labels = [[[60], [61], [62]], [[70], [71]]]
    found = _read_canvas(EncodedText(network, BEGINNING), AFTER, labels, num_draws=3, seed=4)
    noise = draw_canvas(
        [canvas_generator(4, draw) for draw in range(3)],
        canvas_length=LENGTH,
        vocab_size=VOCAB,
        device=torch.device("cpu"),
    ).tolist()
    for slot, place in enumerate((0, 3)):
        rows = [[n[0], 50, 51, n[3], 52, *[1] * 11] for n in noise]
        mean = sum(canvas_probabilities(network, row, place) for row in rows) / 3
        expected = torch.stack([mean[label[0]] for label in labels[slot]]).log()
        torch.testing.assert_close(found[slot].probabilities, expected, atol=1e-4, rtol=1e-4)


def test_labels_of_several_tokens_are_read_by_the_chain_rule():
    network = tiny_network()
    labels = [[[60, 61], [60, 63], [64, 65]], [[70], [71]]]
    found = _read_canvas(EncodedText(network, BEGINNING), AFTER, labels, num_draws=1, seed=4)
    noise = draw_canvas([canvas_generator(4, 0)], canvas_length=LENGTH, vocab_size=VOCAB, device=torch.device("cpu"))[
        0
    ].tolist()
    layout = [*noise[:2], 50, 51, noise[4], 52, *[1] * 10]
    for label, log in zip(labels[0], found[0].probabilities.tolist(), strict=True):
        first = canvas_probabilities(network, layout, 0)[label[0]]
        second = canvas_probabilities(network, [label[0], *layout[1:]], 1)[label[1]]
        assert log == pytest.approx((first * second).log().item(), abs=1e-4)


def test_all_continuations_of_a_slot_have_probability_one():
    network = tiny_network()
    labels = [[[token] for token in range(VOCAB)]]
    (found,) = _read_canvas(EncodedText(network, BEGINNING), [[50, 1]], labels, num_draws=2, seed=0)
    assert found.probabilities.exp().sum().item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("by", ["canvas", "left_to_right"])
def test_probabilities_add_up_and_the_likeliest_label_stands_in_the_text(lm, by):
    out = lm.read("The ___ had a ___ kite.", [["fox", "boy"], ["red", "blue"]], by=by, seed=1)
    for slot in out.slots:
        assert sum(slot.probabilities.values()) == pytest.approx(1.0)
        assert 0 < slot.mass <= 1
        assert slot.probabilities[slot.choice] == max(slot.probabilities.values())
    assert out.text == f"The {out.slots[0].choice} had a {out.slots[1].choice} kite."
    assert list(out.slots[0].probabilities) == ["fox", "boy"]
    assert lm.read("The ___ had a ___ kite.", [["fox", "boy"], ["red", "blue"]], by=by, seed=1) == out


def test_left_to_right_each_label_is_judged_with_what_follows_it(lm):
    out = lm.read("The ___ ran.", ["fox", "little boy"], by="left_to_right", prompt="Once upon a time. ")
    context = lm.tokenizer.encode("Once upon a time. ", add_bos=True) + lm.tokenizer.encode("The")
    rest = [*lm.tokenizer.encode(" ran."), lm.tokenizer.eos_id]
    nats = [
        surprise(lm.network, context, [*lm.tokenizer.encode(label), *rest]).sum().item()
        for label in (" fox", " little boy")
    ]
    assert out.slots[0].probabilities["fox"] == pytest.approx(1 / (1 + math.exp(nats[0] - nats[1])), abs=1e-4)


def test_a_template_may_answer_a_conversation(lm):
    asked = [{"role": "user", "content": "What had the fox?"}]
    assert lm.read("A red ___.", ["kite", "boat"], prompt=asked).text in ("A red kite.", "A red boat.")
    assert lm.read("___", ["Yes", "No"], prompt=asked, num_draws=1).slots[0].mass > 0


@pytest.mark.parametrize(
    ("template", "choices", "settings", "error", "words"),
    [
        ("no slot", ["a", "b"], {}, PromptError, "no slot; mark at least one, as ___"),
        ("a ___", "ab", {}, SettingError, "the choices are the text 'ab'"),
        ("a ___", ["b"], {}, SettingError, "at least two labels"),
        ("a ___", ["b", "b"], {}, SettingError, "all different"),
        ("a ___", ["b", ""], {}, SettingError, "none empty"),
        ("a ___ b ___", [["a", "b"]], {}, SettingError, "2 slots and 1 lists of choices"),
        ("a ___", ["red", "red kite"], {}, SettingError, "slot 1: 'red' has 1 tokens and 'red kite' has 2"),
        ("a ___", ["red", "blue"], {"num_draws": 0}, SettingError, "num_draws is 0"),
        ("a ___", ["red", "blue"], {"by": "magic"}, SettingError, "by is 'magic'"),
        (
            "a ___" + " kite" * 20 + " ___",
            ["red", "blue"],
            {},
            PromptError,
            "spread over 22 tokens and a canvas has 16",
        ),
        ("kite " * 260 + "___", ["red", "blue"], {}, PromptError, "more than the context of 256"),
    ],
)
def test_what_cannot_be_read_is_refused(lm, template, choices, settings, error, words):
    with pytest.raises(error, match=words):
        lm.read(template, choices, **settings)
