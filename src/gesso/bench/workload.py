"""What the engine is asked for, and when."""

import random
from collections.abc import Sequence
from dataclasses import replace

from gesso.engine.request import Mode, Request
from gesso.errors import SettingError
from gesso.lm.language_model import LanguageModel
from gesso.sampling.stop import NeverStop
from gesso.worlds.stories import write_story

PROMPT_WORDS = (4, 60)
"""Fewest and most words of a prompt."""


def with_all_steps(lm: LanguageModel) -> LanguageModel:
    """The same model, but every canvas takes all its steps and no text ends early: equal work, whatever is written."""
    return replace(lm, sampler=replace(lm.sampler, stop=NeverStop()), stop_ids=frozenset())


def story_prompts(lm: LanguageModel, count: int) -> list[list[int]]:
    """Beginnings of stories, from a few words to a few sentences; always the same."""
    rng = random.Random(0)
    texts = [write_story(rng).text.split() for _ in range(count)]
    return [lm.tokenizer.encode(" ".join(words[: rng.randint(*PROMPT_WORDS)]), add_bos=True) for words in texts]


def story_requests(
    lm: LanguageModel,
    count: int,
    *,
    steps: int | None = None,
    max_new_tokens: int | None = None,
    mode: Mode | None = None,
    seed: int = 0,
) -> list[Request]:
    """Requests to go on from the beginnings of stories.

    Args:
        lm: The model; its own settings hold where none is given.
        count: How many; at least 1.
        steps: Most denoising steps of a canvas.
        max_new_tokens: Most tokens of a text; None for one canvas.
        mode: How they are written.
        seed: Of the first, counted up from there.

    Raises:
        SettingError: There are none, or a setting is out of its range.
    """
    if count < 1:
        raise SettingError(f"the number of requests is {count}; give 1 or more")
    requests = [
        Request(
            prompt_ids=tuple(ids),
            max_new_tokens=lm.network.config.canvas_length if max_new_tokens is None else max_new_tokens,
            sampler=lm.sampler.with_overrides(steps=steps),
            seed=seed + number,
            stop_ids=lm.stop_ids,
            mode=lm.mode_for(mode, None),
        )
        for number, ids in enumerate(story_prompts(lm, count))
    ]
    for request in requests:
        request.check(lm.network.config)
    return requests


def poisson_arrivals(rate_per_s: float, count: int, *, seed: int) -> Sequence[float]:
    """Times of a Poisson process, in seconds from its beginning: independent arrivals, so many a second on average.

    Raises:
        SettingError: The rate is not above 0.
    """
    if not rate_per_s > 0:
        raise SettingError(f"the rate of arrivals is {rate_per_s:g} a second; give a number above 0")
    rng, at = random.Random(seed), 0.0
    return [at := at + rng.expovariate(rate_per_s) for _ in range(count)]
