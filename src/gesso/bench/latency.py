"""How long one text takes, with nothing else to do: until something is seen, until a canvas is final, until the end."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gesso.bench.memory import forget_peak, peak_bytes
from gesso.bench.summary import Row, summarize
from gesso.bench.turns import Measurement, in_turns
from gesso.engine.events import CanvasCommitted, StepDone
from gesso.engine.request import Mode
from gesso.lm.generation import Generation
from gesso.lm.language_model import LanguageModel
from gesso.lm.prompt import Prompt

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What one text took. Times are seconds from the request.

    Attributes:
        first_draft_s: When the first draft came; from left to right, the first token.
        first_canvas_s: When the first canvas was final.
        total_s: When the text was whole.
        peak_bytes: The most memory that was held meanwhile.
        text: The text.
    """

    first_draft_s: float
    first_canvas_s: float
    total_s: float
    peak_bytes: int
    text: Generation

    @property
    def tokens_per_s(self) -> float:
        """Tokens of the text by its whole time."""
        return len(self.text.token_ids) / self.total_s


def time_text(lm: LanguageModel, prompt: Prompt, *, clock: Clock = time.perf_counter, **settings: Any) -> Timing:
    """Write one text and look at the clock.

    Args:
        lm: The model; its prefix cache is left alone, so that no earlier text is of use to this one.
        prompt: As in `LanguageModel.generate`.
        clock: Gives seconds.
        **settings: Keywords of `LanguageModel.start`.

    Raises:
        PromptError, SettingError: As there.
    """
    alone, device = replace(lm), lm.network.device
    assert alone.engine.load().running == 0, "an engine of its own makes its pool before the clock starts"
    seen: dict[type, float] = {}
    forget_peak(device)
    began_at = clock()
    writing = alone.start(prompt, **settings)
    for event in writing:
        seen.setdefault(type(event), clock() - began_at)
    total_s = clock() - began_at
    return Timing(
        first_draft_s=seen[StepDone],
        first_canvas_s=seen[CanvasCommitted],
        total_s=total_s,
        peak_bytes=peak_bytes(device),
        text=writing.result(),
    )


def measure_latency(
    lm: LanguageModel,
    prompt: Prompt,
    modes: Sequence[Mode],
    *,
    repeats: int,
    warmup: int = 1,
    clock: Clock = time.perf_counter,
    **settings: Any,
) -> Measurement[list[Row]]:
    """Time the same text again and again, in each mode in turn.

    Args:
        lm: The model.
        prompt: As in `LanguageModel.generate`.
        modes: Ways of writing.
        repeats: Texts of each mode that count.
        warmup: Texts of each mode before, which do not.
        clock: Gives seconds.
        **settings: Keywords of `LanguageModel.start`. A seed makes all texts of a mode the same.

    Yields:
        How many texts are written.

    Returns:
        A row for each mode.

    Raises:
        PromptError, SettingError: A setting is out of its range.
    """
    runs = {mode: partial(time_text, lm, prompt, clock=clock, mode=mode, **settings) for mode in modes}
    timings = yield from in_turns(runs, repeats=repeats, warmup=warmup)
    return [_row(mode, timings[mode]) for mode in modes]


def _row(mode: Mode, timings: Sequence[Timing]) -> Row:
    text = timings[0].text
    times = {
        name: summarize([getattr(timing, name) for timing in timings])
        for name in ("first_draft_s", "first_canvas_s", "total_s", "tokens_per_s")
    }
    return {
        "mode": mode,
        "tokens": len(text.token_ids),
        "canvases": len(text.steps),
        "steps": sum(text.steps),
        "readings": sum(text.readings),
        "tokens_per_forward": text.tokens_per_forward,
        **times,
        "peak_memory_mb": max(timing.peak_bytes for timing in timings) / 1e6,
    }
