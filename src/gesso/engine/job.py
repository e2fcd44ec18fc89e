"""A request on its way through the engine."""

from collections import deque
from dataclasses import dataclass, field

import torch

from gesso.engine.events import Event
from gesso.engine.request import Request
from gesso.sampling.step import CanvasState


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
        canvas_index: The canvas in progress, from 0.
        remaining: Tokens that may still be emitted.
        state: The canvas in progress; None before its first step.
        generator: Its randomness.
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
    canvas_index: int = 0
    state: CanvasState | None = None
    generator: torch.Generator | None = None
    events: deque[Event] = field(default_factory=deque)
    error: Exception | None = None
    is_abandoned: bool = False
    is_over: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        """Order of importance: of two jobs the one with the lesser rank goes first."""
        return -self.priority, self.number

    @property
    def is_encoded(self) -> bool:
        """Whether the next canvas can be denoised."""
        return self.num_encoded == len(self.text)
