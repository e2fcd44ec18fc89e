"""A request on its way through the engine."""

from collections import deque
from dataclasses import dataclass, field

import torch

from gesso.engine.events import Event
from gesso.engine.left_to_right import LeftToRightCanvas
from gesso.engine.request import Request
from gesso.engine.rest import Rest
from gesso.sampling.alternatives import Alternatives
from gesso.sampling.log_probabilities import LogProbabilities
from gesso.sampling.pins import Pins
from gesso.sampling.step import CanvasState
from gesso.sampling.token_logprob import TokenLogprob


@dataclass(kw_only=True, eq=False, slots=True)
class Job:
    """What the engine remembers of a request. The pages can be taken away and filled again; all else stays.

    Attributes:
        request: What is asked.
        number: Order of arrival.
        priority: Higher ones go first.
        deadline: When it ends, done or not, in seconds of the engine's clock; infinity for never.
        keys: Names of the prompt's full pages.
        text: The prompt and the canvases committed so far: what must be encoded before the next canvas.
        pages: Pages that hold the text, in its order; none while the job waits.
        num_encoded: Positions of the text that are encoded.
        ends: Where the canvases end that are committed, in positions of the text.
        canvas_index: The canvas in progress, from 0.
        remaining: Tokens that may still be emitted.
        rule_state: Where the committed text has led the request's rule.
        rest: What is left of the canvas before, if that slides on and the next is not begun.
        state: The canvas in progress; None before the first step of a draft of it.
        generator: Its randomness; None before its first step.
        pins: What the next draft of it keeps, if an earlier one was read and did not hold.
        spent: Steps that its earlier drafts have taken.
        readings: How often it has been read.
        line: The canvas in progress, if it is written from left to right.
        alternatives: What its last step found likely, if the request asks for it.
        probable: How probable the tokens of the canvas in progress were, if the request asks for it.
        began_at: When each canvas was begun, in seconds of the engine's clock.
        events: What its reader has not taken yet.
        error: What ended it, if something broke.
        is_abandoned: Nobody will read its events.
        is_over: It is in no list of the engine any more.
    """

    request: Request
    number: int
    priority: int
    deadline: float
    keys: list[bytes]
    text: list[int]
    remaining: int
    pages: list[int] = field(default_factory=list)
    num_encoded: int = 0
    ends: list[int] = field(default_factory=list)
    canvas_index: int = 0
    rule_state: int = 0
    rest: Rest | None = None
    state: CanvasState | None = None
    generator: torch.Generator | None = None
    pins: Pins | None = None
    spent: int = 0
    readings: int = 0
    line: LeftToRightCanvas | None = None
    alternatives: Alternatives | None = None
    probable: LogProbabilities | None = None
    began_at: list[float] = field(default_factory=list)
    events: deque[Event] = field(default_factory=deque)
    error: Exception | None = None
    is_abandoned: bool = False
    is_over: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        """Order of importance: of two jobs the one with the lesser rank goes first."""
        return -self.priority, self.number

    @property
    def start(self) -> int:
        """Tokens of the text before the canvas in progress, without the prompt's."""
        return len(self.text) - len(self.request.prompt_ids)

    @property
    def logprobs(self) -> tuple[TokenLogprob, ...]:
        """How probable the tokens of its canvas were; nothing unless the request asks for it."""
        if not self.request.logprobs:
            return ()
        return self.line.logprobs if self.line else self.probable.tell() if self.probable else ()

    def commit(self, token_ids: list[int]) -> None:
        """Go on behind a canvas that is final."""
        self.text += token_ids
        self.ends.append(len(self.text))
        self.canvas_index += 1
        self.end_canvas()

    def end_canvas(self) -> None:
        """Forget the canvas in progress."""
        self.rest = self.state = self.generator = self.pins = self.line = self.probable = None
        self.spent = self.readings = 0

    @property
    def is_encoded(self) -> bool:
        """Whether the next canvas can be denoised."""
        return self.num_encoded == len(self.text)
