"""What is told of the probability of one token. Events carry it, and it needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLogprob:
    """Log-probabilities of one token, in nats.

    Attributes:
        last: by the last step; 0 where the token was fixed. From left to right, by the step that wrote it.
        accepted: by the first of the steps in a row, up to the last, that sampled and accepted this very token; None if
            the last step did not. From left to right the same as `last`.
        top: the likeliest tokens by the same prediction as `last`, likeliest first, as many as the request asks for.
    """

    last: float
    accepted: float | None
    top: tuple[tuple[int, float], ...] = ()
