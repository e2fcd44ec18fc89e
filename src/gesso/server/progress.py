"""What is told of a text while it is written: drafts, pieces that are final, and the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gesso.engine.engine import EventStream
from gesso.engine.events import CanvasCommitted, Finished, StepDone
from gesso.engine.request import Request
from gesso.lm.generation import Generation
from gesso.lm.language_model import LanguageModel
from gesso.lm.trace import Span, committed_spans, rounded, spans
from gesso.lm.writing import Writing
from gesso.server.logprobs import count_told, written_tokens
from gesso.server.reply_stream import ReplyPiece, ReplyStream


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One text to write.

    Attributes:
        request: What the engine is asked.
        stop: Strings that end the text.
        is_conversation: The text is a reply, with thought, answer and tool calls.
        draft_interval_s: Tell drafts, this far apart at least; None tells none.
    """

    request: Request
    stop: tuple[str, ...] = ()
    is_conversation: bool = False
    draft_interval_s: float | None = None

    @property
    def tokens(self) -> int:
        """Tokens of the prompt, and those that are asked for."""
        return len(self.request.prompt_ids) + self.request.max_new_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What a canvas shows after a step.

    Attributes:
        canvas: Which canvas, from 0.
        step: Steps that it has taken.
        total: Steps that it may take.
        spans: The canvas, first position to last.
        temperature: What the step's logits were divided by; None for the frame that commits the canvas.
        readings: In the frame that commits the canvas, how often a draft was read from left to right before.
    """

    canvas: int
    step: int
    total: int
    spans: Sequence[Span]
    temperature: float | None = None
    readings: int = 0

    is_skippable = True

    def facts(self, before: "Frame | None") -> dict[str, Any]:
        """The frame in JSON's terms, with the positions that differ from the frame before."""
        shown = _shown(self)
        last = {} if before is None or before.canvas != self.canvas else _shown(before)
        facts = {
            "canvas": self.canvas,
            "step": self.step,
            "total": self.total,
            "spans": [_span_facts(span) for span in self.spans],
            "changed": sorted(place for place in shown if shown[place] != last.get(place)),
        }
        if self.temperature is None:
            return facts | {"readings": self.readings}
        return facts | {"temperature": round(self.temperature, 4)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Grown:
    """A canvas was committed: the text grew for good. Times are seconds of `time.monotonic`.

    Attributes:
        canvas: Which canvas, from 0.
        taken_up_at: When it was its turn: when the text was begun, or the canvas before was committed.
        began_at: When the text before it was encoded and its first step begun.
        committed_at: When its last step was over.
        piece: What it grew by.
        steps: Denoising steps of the canvas.
        converged: Its stopping rule ended it.
        frame: The canvas as it was committed, if drafts are told.
    """

    canvas: int
    taken_up_at: float
    began_at: float
    committed_at: float
    piece: ReplyPiece
    steps: int
    converged: bool
    frame: Frame | None = None

    is_skippable = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The text is finished.

    Attributes:
        piece: Text that was held back until it was certain that nothing follows.
        result: The whole, and what it took.
        stop_string: The stop string that ended it, if one did.
        accepted, rejected: Tokens of the draft that it started from which stand where they stood there, and the others.
    """

    piece: ReplyPiece
    result: Generation
    stop_string: str | None = None
    accepted: int = 0
    rejected: int = 0

    is_skippable = False


Progress = Frame | Grown | Ended


def tell(lm: LanguageModel, order: Order, clock: Callable[[], float] = time.monotonic) -> Iterator[Progress | None]:
    """Write a text and tell of it.

    Yields:
        For each step a Frame, or None where there is none to tell; for each canvas a Grown; at the end an Ended.
    """
    writing = Writing(
        lm.engine,
        order.request,
        lm.tokenizer,
        stop=order.stop,
        template=lm.template if order.is_conversation else None,
    )
    reply = ReplyStream(lm.template, lm.tokenizer, stop=order.stop) if order.is_conversation else None
    num_told = 0
    wants_drafts, next_draft_at = order.draft_interval_s is not None, 0.0
    total = order.request.max_steps(lm.network.config.canvas_length)
    taken_up_at, source = time.monotonic(), writing.begin()
    assert isinstance(source, EventStream), "an engine writes it"
    for event in writing:
        if isinstance(event, StepDone):
            if wants_drafts and clock() >= next_draft_at:
                next_draft_at = clock() + (order.draft_interval_s or 0.0)
                yield _frame(lm, event)
            else:
                yield None
        elif isinstance(event, CanvasCommitted):
            piece, num_told = _piece(lm, writing, reply, event, num_told)
            frame = Frame(
                canvas=event.canvas_index,
                step=event.steps,
                total=total,
                spans=committed_spans(event, lm.tokenizer.decode),
                readings=event.readings,
            )
            grown = Grown(
                canvas=event.canvas_index,
                taken_up_at=taken_up_at,
                began_at=source.began_at[event.canvas_index],
                committed_at=time.monotonic(),
                piece=piece,
                steps=event.steps,
                converged=event.converged,
                frame=frame if wants_drafts else None,
            )
            taken_up_at = grown.committed_at
            yield grown
        else:
            piece, num_told = _piece(lm, writing, reply, event, num_told)
            accepted, rejected = _compared(order.request, writing.token_ids)
            yield Ended(
                piece=piece,
                result=writing.result(),
                stop_string=_met(lm, order.stop, writing.token_ids),
                accepted=accepted,
                rejected=rejected,
            )


def _piece(
    lm: LanguageModel, writing: Writing, reply: ReplyStream | None, event: CanvasCommitted | Finished, num_told: int
) -> tuple[ReplyPiece, int]:
    """What the text has grown by, and how many of its tokens are told with it, if that is asked for."""
    ids, is_over = writing.token_ids, isinstance(event, Finished)
    piece = ReplyPiece(content=event.text) if reply is None else reply.update(ids, finished=is_over)
    if not writing.request.logprobs:
        return piece, 0
    has_told = reply.has_told if reply is not None else lambda ids: writing.text.startswith(lm.tokenizer.decode(ids))
    count = len(ids) if is_over else count_told(ids, num_told, has_told)
    return replace(piece, tokens=written_tokens(lm, ids, writing.logprobs[:count], start=num_told)), count


def _frame(lm: LanguageModel, event: StepDone) -> Frame:
    return Frame(
        canvas=event.canvas_index,
        step=event.step,
        total=event.max_steps,
        spans=spans(event, lm.tokenizer.decode),
        temperature=event.temperature,
    )


def _met(lm: LanguageModel, stop: tuple[str, ...], token_ids: list[int]) -> str | None:
    """The stop string that is complete first."""
    text = lm.tokenizer.decode(token_ids)
    return min((string for string in stop if string in text), key=lambda s: text.find(s) + len(s), default=None)


def _compared(request: Request, token_ids: Sequence[int]) -> tuple[int, int]:
    """Tokens of the draft that were written at their positions, and the others; its end is not counted."""
    drafted = [] if request.draft is None else [i for i in request.draft.token_ids if i not in request.stop_ids]
    accepted = sum(one == other for one, other in zip(drafted, token_ids, strict=False))
    return accepted, len(drafted) - accepted


def _shown(frame: Frame) -> dict[int, tuple[str, str]]:
    return {
        place: (span.text if place == span.start else "", span.state)
        for span in frame.spans
        for place in range(span.start, span.end)
    }


def _span_facts(span: Span) -> dict[str, Any]:
    facts = {
        "start": span.start,
        "end": span.end,
        "text": span.text,
        "state": span.state,
        "confidence": round(span.confidence, 3),
    }
    if span.draft != span.text:
        facts["draft"] = span.draft
    if span.alternatives:
        facts["alternatives"] = rounded(span.alternatives)
    return facts
