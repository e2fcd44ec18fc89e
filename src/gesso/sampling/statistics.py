"""What a step needs to know of its logits, position by position.

This is the boundary that a faster implementation replaces: everything after it sees [B, C], never the vocabulary.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gesso.ops.categorical import invert_cdf_in_groups
from gesso.shapes import CanvasEntropy, CanvasIds, Logits


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """The prediction for each canvas position, in short. Where a token is pinned, it describes certainty.

    Attributes:
        entropy: entropy of the prediction, in nats.
        confidence: probability of the most likely token.
        argmax: the most likely token.
        sampled: the token drawn from the prediction.
    """

    entropy: CanvasEntropy
    confidence: Float[Tensor, "B C"]
    argmax: CanvasIds
    sampled: CanvasIds


def temper(logits: Logits, temperature: Float[Tensor, "B"]) -> Logits:
    """Divide each row's logits by its temperature.

    Temperature zero makes the *choice* greedy and leaves the prediction as it is: its logits are divided by 1. In the
    limit every entropy would be zero, so that a first glance at pure noise would be accepted whole and called
    certain; and the network was trained to be fed back its own distribution.
    """
    divisor = torch.where(temperature == 0, torch.ones_like(temperature), temperature)
    return logits / divisor[:, None, None]


def measure(logits: Logits, temperature: Float[Tensor, "B"], uniforms: Float64[Tensor, "B C"]) -> Statistics:
    """Read the statistics off tempered logits.

    Args:
        logits: scores after `temper` and `Pins.apply_to_logits`.
        temperature: the temperature of each row; where it is zero, the sampled token is the most likely one.
        uniforms: a number in [0, 1) for each position, which chooses the sampled token.

    Returns:
        The statistics. An entropy that is not finite betrays logits that were not numbers.
    """
    log_probabilities = logits.log_softmax(-1, dtype=torch.float32)
    probabilities = log_probabilities.exp()
    confidence, argmax = probabilities.max(-1)
    # A banned token has probability 0 and logarithm minus infinity, whose product would not be a number.
    entropy = -(probabilities * log_probabilities.clamp(min=torch.finfo(torch.float32).min)).sum(-1)
    sampled = torch.where((temperature == 0)[:, None], argmax, invert_cdf_in_groups(probabilities, uniforms))
    return Statistics(entropy=entropy, confidence=confidence, argmax=argmax, sampled=sampled)
