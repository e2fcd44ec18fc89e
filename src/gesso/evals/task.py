"""Items with a judge: what is asked of a model, and how good what it wrote is."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from gesso.engine.request import FirstCanvas, Mode, Request
from gesso.errors import PromptError
from gesso.evals.canvases import Written, write_requests
from gesso.evals.estimate import Estimate, mean
from gesso.evals.measure import ItemsDone, Point, Report, Sample
from gesso.lm.holes import HOLE_STEPS
from gesso.lm.infill import infill
from gesso.lm.language_model import LanguageModel
from gesso.sampling.settings import SamplerSettings
from gesso.text.message import Message

Scores = Mapping[str, float]
"""What a judge says of one text: numbers by name; a truth value is 0 or 1."""

MAX_HOLE_TOKENS = 40
"""The largest hole that is tried where its size is not told, as `LanguageModel.infill` does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """Something to write, and its judge.

    Attributes:
        prompt: A text to go on from, which may be empty, or a conversation to answer.
        judge: What was written, to scores.
        suffix: What comes after a hole that is to be filled; "" if there is no hole.
        hole: What stood in the hole: it has as many tokens as this. "" leaves its size to `LanguageModel.infill`.
    """

    prompt: str | tuple[Message, ...]
    judge: Callable[[str], Scores]
    suffix: str = ""
    hole: str = ""


@runtime_checkable
class Task(Protocol):
    """A source of items. Whatever has a name and such a method can be evaluated: see docs/evals.md."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    def items(self, rng: random.Random) -> Iterator[Item]:
        """Yield fresh items without end; each judge gives the same names of scores."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The measure of a task: the mean of each score; and where canvases were written, their steps.

    Attributes:
        task: What is asked, and how it is judged.
    """

    task: Task
    uses_sampler: bool = field(default=True, init=False)

    @property
    def name(self) -> str:
        """That of the task."""
        return self.task.name

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        """Ask, judge and average; see `Measure`."""
        scores: dict[str, list[float]] = {}
        example, done = "", 0
        for seed in sample.seeds:
            source = self.task.items(sample.rng(seed, self.name))
            items = [item for item, _ in zip(source, range(sample.items), strict=False)]
            noise = sample.rng(seed, "noise")
            for index, text, written in _answers(lm, items, sample.sampler, sample.mode or lm.mode, noise):
                verdict = dict(items[index].judge(text))
                if written is not None:
                    verdict |= {
                        "steps": sum(written.steps) / len(written.steps),
                        "readings": sum(written.readings) / len(written.readings),
                        "converged": written.converged,
                    }
                for name, score in verdict.items():
                    scores.setdefault(name, []).append(float(score))
                example = example or text
                done += 1
                yield ItemsDone(done=done, total=sample.total)
        figures: dict[str, Estimate] = {name: mean(values) for name, values in scores.items()}
        yield Report(name=self.name, points=(Point(figures=figures),), example=example)


def _answers(
    lm: LanguageModel, items: list[Item], sampler: SamplerSettings, mode: Mode, noise: random.Random
) -> Iterator[tuple[int, str, Written | None]]:
    """Number of an item, what was written for it, and what that took; in any order."""
    seeds = [noise.getrandbits(48) for _ in items]
    together = [i for i, item in enumerate(items) if not item.suffix or item.hole]
    requests = [to_request(lm, items[i], sampler, seeds[i], mode) for i in together]
    for number, written in write_requests(lm.network, requests):
        index = together[number]
        yield index, _text(lm, items[index], written), written
    for index, item in enumerate(items):
        if item.suffix and not item.hole:
            yield index, _fill(lm, item, sampler, seeds[index]), None


def to_request(lm: LanguageModel, item: Item, sampler: SamplerSettings, seed: int, mode: Mode = "diffusion") -> Request:
    """Ask the engine for an item: as many tokens as the model writes unless asked otherwise, or the hole's.

    A hole is always filled by diffusion: from left to right one does not see what follows it.

    Raises:
        PromptError: A hole and its suffix do not fit a canvas, or a conversation has a hole.
    """
    if not isinstance(item.prompt, str):
        if item.suffix:
            raise PromptError("a conversation has no hole; give the text before it as the prompt")
        prompt_ids = lm.template.encode(list(item.prompt))
    else:
        prompt_ids = lm.tokenizer.encode(item.prompt, add_bos=True)
    first, max_new_tokens = None, lm.max_new_tokens
    if item.suffix:
        hole, after = lm.tokenizer.encode(item.hole), lm.tokenizer.encode(item.suffix)
        first, max_new_tokens = _canvas_with_hole(lm, len(hole), after), len(hole)
    return Request(
        prompt_ids=tuple(prompt_ids),
        max_new_tokens=max_new_tokens,
        sampler=sampler,
        seed=seed,
        mode="diffusion" if item.suffix else mode,
        # A stop token in a hole is a wrong word like any other.
        stop_ids=frozenset() if item.suffix else lm.stop_ids,
        first_canvas=first,
    )


def _canvas_with_hole(lm: LanguageModel, size: int, after: list[int]) -> FirstCanvas:
    length = lm.network.config.canvas_length
    rest = length - size - len(after)
    if size < 1 or rest < 0:
        raise PromptError(f"a hole of {size} tokens and {len(after)} after it do not fit a canvas of {length}")
    eos = lm.tokenizer.eos_id
    return FirstCanvas(
        token_ids=(*[eos] * size, *after, *[eos] * rest),
        pinned=(*[False] * size, *[True] * (length - size)),
    )


def _text(lm: LanguageModel, item: Item, written: Written) -> str:
    if isinstance(item.prompt, str):
        return lm.tokenizer.decode(written.token_ids)
    return lm.template.parse_reply(written.token_ids).content


def _fill(lm: LanguageModel, item: Item, sampler: SamplerSettings, seed: int) -> str:
    if not isinstance(item.prompt, str):
        raise PromptError("a conversation has no hole; give the text before it as the prompt")
    filled = infill(
        lm.network,
        lm.tokenizer,
        replace(sampler, max_steps=min(HOLE_STEPS, sampler.max_steps)),
        item.prompt,
        item.suffix,
        seed=seed,
        max_hole_tokens=MAX_HOLE_TOKENS,
    )
    return filled.text
