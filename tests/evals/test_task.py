import itertools
from dataclasses import dataclass

import pytest

from gesso.errors import PromptError
from gesso.evals.task import Item, Judged, Task, to_request
from gesso.text.message import Message
from tests.evals.doubles import report_of, sample_of, writer

CANVAS = 32
TOLD = " a kite" + " and a kite" * CANVAS


@dataclass(frozen=True)
class Echo:
    """Asks for the last word of the prompt."""

    name: str = "echo"
    chat: bool = False

    def items(self, rng):
        while True:
            word = rng.choice(["kite", "boat", "ball"])
            prompt = (Message(role="user", content=f"Say {word}"),) if self.chat else f"Say {word}"
            yield Item(prompt=prompt, judge=lambda text, word=word: {"right": text.strip() == word, "words": 1.0})


@dataclass(frozen=True)
class Hole:
    """Asks for what stands between "Tom has" and "and"."""

    hole: str
    name: str = "hole"

    def items(self, rng):
        return itertools.repeat(Item(prompt="Tom has", hole=self.hole, suffix=" and", judge=self.judge))

    def judge(self, text):
        return {
            "right": text == " a kite",
            "begun": bool(text) and (" a kite" + " and a kite" * CANVAS).startswith(text),
        }


def say_last_word(text):
    return " " + text.strip().removesuffix("model").split()[-1]


@pytest.mark.parametrize("chat", [False, True])
def test_every_item_is_asked_and_judged_by_its_own_judge(chat, lm):
    assert isinstance(Echo(), Task)
    report, progress = report_of(Judged(task=Echo(chat=chat)), writer(lm, say_last_word, CANVAS), sample_of(5, (0, 1)))
    figures = report.points[0].figures
    assert (report.name, figures["right"].value, figures["right"].count) == ("echo", 1, 10)
    assert (figures["steps"].value, figures["converged"].value, figures["words"].value) == (2, 1, 1)
    assert len(progress) == 10


def test_wrong_answers_are_wrong(lm):
    report, _ = report_of(Judged(task=Echo()), writer(lm, lambda text: " kite", CANVAS), sample_of(20))
    assert 0 < report.points[0].figures["right"].value < 1
    assert report.example == " kite"


@pytest.mark.parametrize("hole", [" a kite", ""])
def test_a_hole_is_filled_whether_its_size_is_told_or_not(hole, lm):
    # Of any size the hole is full, so that no filling has to do without the end of the text, which a hole may not have.
    report, _ = report_of(Judged(task=Hole(hole)), writer(lm, lambda text: TOLD, CANVAS), sample_of(1))
    figures = report.points[0].figures
    assert figures["begun"].value == 1
    # Left to right the stand-in knows nothing, so where the size is not told it may take any.
    assert figures["right"].value == 1 or not hole
    assert ("steps" in figures) == bool(hole)


def test_what_follows_a_hole_is_pinned_to_the_end_of_the_canvas(lm):
    item = Item(prompt="Tom has", hole=" a kite", suffix=" and a boat.", judge=lambda text: {})
    size, after = len(lm.tokenizer.encode(" a kite")), lm.tokenizer.encode(" and a boat.")
    request = to_request(writer(lm, str, CANVAS), item, lm.sampler, seed=3)
    first = request.first_canvas
    assert request.max_new_tokens == size
    assert first.pinned == (False,) * size + (True,) * (CANVAS - size)
    assert list(first.token_ids[size:]) == after + [lm.tokenizer.eos_id] * (CANVAS - size - len(after))
    assert request.stop_ids == frozenset()


def test_an_empty_prompt_is_the_bos_token_alone(lm):
    item = Item(prompt="", judge=lambda text: {})
    assert to_request(lm, item, lm.sampler, seed=0).prompt_ids == (lm.tokenizer.bos_id,)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (Item(prompt="a", hole="b", suffix=" c" * CANVAS, judge=lambda text: {}), "do not fit a canvas of 32"),
        (
            Item(prompt=(Message(role="user", content="a"),), hole="b", suffix="c", judge=lambda text: {}),
            "a conversation has no hole",
        ),
    ],
)
def test_a_hole_that_cannot_be_is_refused(item, message, lm):
    with pytest.raises(PromptError, match=message):
        to_request(writer(lm, str, CANVAS), item, lm.sampler, seed=0)
