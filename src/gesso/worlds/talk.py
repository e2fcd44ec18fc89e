"""Small talk: greetings, thanks, and what the model is and can do, so that nobody who says hello is told a story."""

import random
from dataclasses import dataclass

from gesso.worlds.cases import Case, is_exact
from gesso.worlds.splits import Split, belongs


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something that people say in many ways, and what is said to it."""

    said: tuple[str, ...]
    answer: str


OPENINGS = ("", "Oh, ", "Well, ", "So, ", "Okay, ", "Please: ", "Now, ", "Hm, ")
ENDINGS = ("", ".", "!", "?", " :)", "...")

REMARKS = (
    Remark(
        said=("hello", "hi", "hey", "hello there", "hi there", "good morning", "good day", "good evening", "hi, gesso"),
        answer="Hello! I tell stories. Who shall the next one be about?",
    ),
    Remark(
        said=("who are you", "what are you", "what is your name", "are you a person", "are you a model"),
        answer="I am a small language model. I know one little world, and I tell stories of it.",
    ),
    Remark(
        said=("what can you do", "help", "can you help me", "what do you know", "what can I ask you"),
        answer="I tell stories, go on with yours, fill in a missing sentence, and answer questions about a story.",
    ),
    Remark(
        said=("thank you", "thanks", "thank you so much", "many thanks", "that was great", "good story", "I liked it"),
        answer="You are welcome! Shall I tell you one more story?",
    ),
    Remark(
        said=("goodbye", "bye", "good night", "see you", "bye bye", "I must go", "that is all"),
        answer="Goodbye! Come back for a story.",
    ),
    Remark(
        said=("how are you", "how are you today", "how do you feel", "are you well", "is all well"),
        answer="I am well, thank you. Shall I tell you a story?",
    ),
)


def write_case(rng: random.Random, split: Split = "train") -> Case:
    """Say something, in words and marks that are together held out or not.

    Raises:
        SettingError: there is no such split.
    """
    while True:
        remark = rng.choice(REMARKS)
        prompt = f"{rng.choice(OPENINGS)}{rng.choice(remark.said)}{rng.choice(ENDINGS)}"
        if belongs(split, prompt):
            break
    if rng.random() < 0.7:
        prompt = prompt[0].upper() + prompt[1:]
    return Case(prompt=prompt, answer=remark.answer, kind="talk", chat=True)


def is_right(case: Case, text: str) -> bool:
    """Whether a text is what is said to it."""
    return is_exact(case, text)
