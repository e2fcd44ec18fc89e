"""What a generation tells while it runs. Events are values: whoever reads one cannot influence the run.

    StepDone, StepDone, ...  CanvasCommitted   StepDone, ...  CanvasCommitted   Finished

Each is about token ids; `draft_text` and `text` are filled in by the room that knows a tokenizer, and empty before.
"""

from dataclasses import dataclass
from typing import Literal

from gesso.sampling.token_logprob import TokenLogprob

FinishReason = Literal["stop", "length", "cancelled", "deadline"]
"""A stop token or stop string was reached; the tokens that were asked for are used up; somebody cancelled it; or its
time was up. After the last two, what was committed before stays."""


DRAFT_BELOW_NATS = 1.5
"""Whoever shows a step shows, at a position that is not accepted, its draft below this entropy, and its noise above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDone:
    """One denoising step of the canvas in progress.

    Attributes:
        canvas_index: Which canvas, from 0.
        step: Steps that this canvas has taken, from 1.
        max_steps: Steps that it may take.
        draft: The most likely token at each position: what would be committed now.
        canvas: The tokens that the next step will see: accepted ones, and noise elsewhere.
        accepted: Positions whose token this step kept.
        entropy: Entropy of the prediction at each position, in nats.
        temperature: What the logits were divided by.
        alternatives: The likeliest tokens of each position and their probabilities, likeliest first; none at all
            unless the request asks for them.
        draft_text: Committed text followed by the draft's.
    """

    canvas_index: int
    step: int
    max_steps: int
    draft: tuple[int, ...]
    canvas: tuple[int, ...]
    accepted: tuple[bool, ...]
    entropy: tuple[float, ...]
    temperature: float
    alternatives: tuple[tuple[tuple[int, float], ...], ...] = ()
    draft_text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasCommitted:
    """A canvas is final; its text never changes again.

    So is, where canvases slide, the front of one. What is behind it then shows again at the front of the next canvas.

    Attributes:
        canvas_index: Which canvas, from 0.
        token_ids: Its tokens that count: up to the first stop token or the length asked for.
        steps: Denoising steps it took, over all its drafts; from left to right, tokens that were written.
        readings: How often a draft of it was read from left to right before it was committed.
        converged: The stopping rule found it final, or that of the slide; or, where drafts are read, every token of it
            holds; False if its steps ran out first, or if the rule gave it up.
        logprobs: How probable each of its tokens was; none at all unless the request asks for it.
        text: The text that it adds.
    """

    canvas_index: int
    token_ids: tuple[int, ...]
    steps: int
    converged: bool
    readings: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Nothing more will come.

    Attributes:
        reason: Why.
        text: Text that was held back until it was certain that nothing follows.
    """

    reason: FinishReason
    text: str = ""


Event = StepDone | CanvasCommitted | Finished
