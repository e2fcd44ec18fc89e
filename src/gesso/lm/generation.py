"""What a generation leaves behind."""

from dataclasses import dataclass, field

from gesso.engine.events import FinishReason
from gesso.sampling.token_logprob import TokenLogprob
from gesso.text.message import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """A written text and what it took.

    Attributes:
        text: The text, without control tokens.
        token_ids: Its tokens, without the stop token; with a stop string, up to the token that completes the string.
        finish_reason: "stop" or "length".
        steps: Denoising steps of each canvas; from left to right, its tokens.
        readings: How often drafts of each canvas were read from left to right.
        seed: The seed that repeats it.
        prompt_tokens: Tokens of the prompt.
        seconds: Time spent writing, the prompt's encoding included; what a reader does between events is not counted.
        logprobs: How probable each token was, if it was asked for.
        message: The reply with thought, answer and tool calls told apart, if a conversation was asked.
    """

    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    steps: list[int]
    seed: int
    prompt_tokens: int
    seconds: float
    readings: list[int] = field(default_factory=list)
    logprobs: tuple[TokenLogprob, ...] = ()
    message: Message | None = None

    @property
    def tokens_per_forward(self) -> float:
        """Emitted tokens for each pass of the network: denoising steps, readings, and one commit a canvas."""
        passes = sum(self.steps) + sum(self.readings) + len(self.steps)
        return len(self.token_ids) / passes if passes else 0.0

    @property
    def tokens_per_second(self) -> float:
        """Emitted tokens for each second spent writing."""
        return len(self.token_ids) / self.seconds if self.seconds else 0.0
