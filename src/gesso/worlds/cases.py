"""A case: something to write whose right answer is known."""

import random
from dataclasses import dataclass

MAX_PROMPT_WORDS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One case, to train on or to be judged by.

    Attributes:
        prompt: what is given: the user's turn if `chat`, otherwise the beginning of the text (it may be empty).
        answer: what is to be written; where several answers are right, one of them.
        kind: the kind of case, which says who judges it.
        chat: whether prompt and answer are turns of a conversation.
        joint: the space or line break between prompt and answer of a raw text.
        earlier: turns of the conversation before the prompt: what was asked, and what was answered.
    """

    prompt: str
    answer: str
    kind: str
    chat: bool
    joint: str = ""
    earlier: tuple[tuple[str, str], ...] = ()

    @property
    def response(self) -> str:
        """The answer as it continues the prompt: what a model is trained to write."""
        return self.joint + self.answer


def begin(rng: random.Random, text: str, kind: str) -> Case:
    """Begin a text that is to be continued: its first words, at most 40 and at most half of it."""
    words = text.split(" ")
    cut = rng.randint(1, min(MAX_PROMPT_WORDS, len(words) // 2))
    return Case(prompt=" ".join(words[:cut]), answer=" ".join(words[cut:]), joint=" ", kind=kind, chat=False)


def is_exact(case: Case, text: str) -> bool:
    """Whether a text is the answer to the letter; space around it does not matter."""
    return text.strip() == case.answer
