"""A generation as data: what each position of each canvas showed after each step, to be replayed.

The format is JSON, is versioned, and is described in docs/page.md. The page writes and reads the same.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gesso.engine.events import DRAFT_BELOW_NATS, CanvasCommitted, Event, StepDone
from gesso.lm.writing import Writing
from gesso.sampling.settings import SamplerSettings
from gesso.text.characters import Spell, characters

FORMAT, VERSION = "gesso-trace", 1

ENTROPY_DIGITS = 3
"""Decimal places of an entropy in a trace."""

TRACE_ALTERNATIVES = 5
"""Tokens that a replay tells of at each position, if it is made for people."""

PROBABILITY_DIGITS = 3
"""Decimal places of a probability."""

LEAST_PROBABILITY = 0.005
"""An alternative that is less likely is not shown."""

State = Literal["noise", "draft", "accepted", "committed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What a canvas shows at neighbouring positions: one token, or the tokens that share a character.

    Attributes:
        start: First position.
        end: The position after the last.
        text: Of the noise that the next step sees, of the draft, or of the accepted token. Empty for a control token.
        state: Which of these.
        entropy: How uncertain the prediction of the first position is, in nats.
        draft: Text of the most likely tokens.
        alternatives: Texts of the tokens that may stand here and their probabilities, likeliest first; none where the
            event does not tell of them, or there is nothing to choose from.
    """

    start: int
    end: int
    text: str
    state: State
    entropy: float
    draft: str
    alternatives: tuple[tuple[str, float], ...] = ()

    @property
    def confidence(self) -> float:
        """From 0 to 1: one over the number of equally likely tokens that would be as uncertain."""
        return math.exp(-self.entropy)


def spans(event: StepDone, spell: Spell) -> list[Span]:
    """Show a canvas after a step, first position to last.

    Args:
        event: The step.
        spell: Turns tokens into text.
    """
    states = [_state(*pair) for pair in zip(event.accepted, event.entropy, strict=True)]
    pairs = zip(states, event.draft, event.canvas, strict=True)
    shown = [draft if state == "draft" else canvas for state, draft, canvas in pairs]
    return [
        Span(
            start=start,
            end=end,
            text=text,
            state=states[start],
            entropy=event.entropy[start],
            draft=text if shown[start:end] == list(event.draft[start:end]) else spell(event.draft[start:end]),
            alternatives=_alternatives(event, start, spell) if end == start + 1 else (),
        )
        for start, end, text in characters(shown, spell)
    ]


def _alternatives(event: StepDone, position: int, spell: Spell) -> tuple[tuple[str, float], ...]:
    told = event.alternatives[position] if event.alternatives else ()
    worth = [(token, probability) for token, probability in told if probability >= LEAST_PROBABILITY]
    return tuple((spell([token]), probability) for token, probability in worth) if len(worth) > 1 else ()


def committed_spans(event: CanvasCommitted, spell: Spell) -> list[Span]:
    """Show a canvas that is final: its tokens that count, certain now."""
    return [
        Span(start=start, end=end, text=text, state="committed", entropy=0.0, draft=text)
        for start, end, text in characters(event.token_ids, spell)
    ]


class TraceRecorder:
    """Hears the events of one generation and writes them down.

    Args:
        spell: Turns tokens into text.
        clock: Seconds that only grow.
    """

    def __init__(self, spell: Spell, clock: Callable[[], float] = time.perf_counter) -> None:
        self._spell = spell
        self._clock = clock
        self._began = clock()
        self._steps: list[dict[str, Any]] = []
        self._commits: list[dict[str, Any]] = []

    def record(self, event: Event) -> None:
        """Hear the next event."""
        if isinstance(event, StepDone):
            self._steps.append(_step(event, self._spell) | {"seconds": round(self._clock() - self._began, 3)})
        elif isinstance(event, CanvasCommitted):
            self._commits.append(
                {
                    "canvas": event.canvas_index,
                    "steps": event.steps,
                    "readings": event.readings,
                    "converged": event.converged,
                    "tokens": len(event.token_ids),
                    "text": event.text,
                }
            )

    def trace(
        self, writing: Writing, *, model: str, request: Mapping[str, Any], finished: bool = True
    ) -> dict[str, Any]:
        """Give the whole as one JSON object.

        Args:
            writing: What was heard of.
            model: Name of the model.
            request: What was asked: {"prompt": text} or {"messages": [{"role", "content"}]}.
            finished: False if it was left off.
        """
        asked, result = writing.request, writing.result()
        return {
            "format": FORMAT,
            "version": VERSION,
            "model": model,
            "request": dict(request),
            "settings": {"seed": asked.seed, "max_new_tokens": asked.max_new_tokens, **_settings(asked.sampler)},
            "steps": list(self._steps),
            "commits": list(self._commits),
            "result": {
                "text": result.text,
                "finish_reason": result.finish_reason if finished else "interrupted",
                "tokens": len(result.token_ids),
                "seconds": round(result.seconds, 3),
            },
        }


def rounded(alternatives: tuple[tuple[str, float], ...]) -> list[tuple[str, float]]:
    """Alternatives as they leave for JSON."""
    return [(text, round(probability, PROBABILITY_DIGITS)) for text, probability in alternatives]


def _state(accepted: bool, entropy: float) -> State:
    return "accepted" if accepted else "draft" if entropy < DRAFT_BELOW_NATS else "noise"


def _step(event: StepDone, spell: Spell) -> dict[str, Any]:
    """Columns of one value a position, and of the drafts only those that are not shown anyway."""
    text: list[str | None] = [None] * len(event.canvas)
    draft: dict[str, str] = {}
    alternatives: dict[str, list[tuple[str, float]]] = {}
    for span in spans(event, spell):
        text[span.start] = span.text
        if span.draft != span.text:
            draft[str(span.start)] = span.draft
        if span.alternatives:
            alternatives[str(span.start)] = rounded(span.alternatives)
    step: dict[str, Any] = {
        "canvas": event.canvas_index,
        "step": event.step,
        "total": event.max_steps,
        "temperature": round(event.temperature, 4),
        "state": "".join(_state(*pair)[0] for pair in zip(event.accepted, event.entropy, strict=True)),
        "text": text,
        "draft": draft,
        "entropy": [round(entropy, ENTROPY_DIGITS) for entropy in event.entropy],
    }
    return step | {"alternatives": alternatives} if event.alternatives else step


def _settings(sampler: SamplerSettings) -> dict[str, Any]:
    rules = {name: getattr(sampler, name) for name in ("temperature", "acceptance", "stop", "slide")}
    return {
        "max_steps": sampler.max_steps,
        **{name: {"rule": type(rule).__name__, **asdict(rule)} for name, rule in rules.items() if rule is not None},
    }
