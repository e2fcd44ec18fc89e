"""What training minimises: losses of a denoiser over a noised canvas, and of the encoder over its text.

A denoiser's logits can mean two things, and the objective decides which:

    denoiser       p(x_0 = v | the whole noisy canvas): cross-entropy leads here, and the sampler reads it
    leave-one-out  p(x_0 = v | the noisy canvas but this position): the plug-in likelihood bound leads here

They differ only at the token that the position shows, whose logit the denoiser raises by the *evidence*

    log(1 + V alpha / (1 - alpha)),

the log-odds by which a token at noise level t speaks for itself (arXiv 2605.22765). All losses are in nats.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from gesso.diffusion.schedule import LinearSchedule, NoiseLevels, Schedule
from gesso.errors import SettingError
from gesso.shapes import CanvasIds, CanvasMask, Logits

MIN_NOISE = 1e-6
"""Noise below which a token's evidence for itself grows no more; at t = 0 it would be infinite."""

Prediction = Literal["denoiser", "leave_one_out"]
"""What a network's logits mean; see the head of this file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionLoss:
    """The loss of each canvas position.

    Attributes:
        nats: the loss, in nats; zero where it does not count.
        counted: positions that the mean is taken over.
    """

    nats: Float[Tensor, "B C"]
    counted: Bool[Tensor, "B C"]

    def mean(self) -> Float[Tensor, ""]:
        """Mean over the counted positions of the whole batch; zero if there are none."""
        return self.nats.sum() / self.counted.sum().clamp(min=1)


@runtime_checkable
class Objective(Protocol):
    """A loss of the denoiser, as a pure function."""

    def loss(
        self, logits: Logits, clean: CanvasIds, noisy: CanvasIds, t: NoiseLevels, mask: CanvasMask | None = None
    ) -> PositionLoss:
        """Compare what the network predicts with the clean tokens.

        Args:
            logits: the network's scores, best in float32.
            clean: the tokens x_0.
            noisy: the tokens x_t that the network saw.
            t: the noise level they were drawn at.
            mask: positions that hold text; the others (padding) never count. None: all do.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatCrossEntropy:
    """Cross-entropy over all positions, noised or not, whatever the level (DiffusionGemma report, Eq. 11)."""

    def loss(
        self, logits: Logits, clean: CanvasIds, noisy: CanvasIds, t: NoiseLevels, mask: CanvasMask | None = None
    ) -> PositionLoss:
        """Cross-entropy with the clean tokens."""
        return _count(_cross_entropy(logits, clean), _everywhere(clean, mask))


@dataclass(frozen=True, kw_only=True, slots=True)
class NoisedOnlyCrossEntropy:
    """Cross-entropy over the positions that noise has changed (SDDLM, arXiv 2510.22926).

    A replacement that equals the clean token cannot be told from an untouched token, and does not count.
    """

    def loss(
        self, logits: Logits, clean: CanvasIds, noisy: CanvasIds, t: NoiseLevels, mask: CanvasMask | None = None
    ) -> PositionLoss:
        """Cross-entropy with the clean tokens, where they do not show."""
        return _count(_cross_entropy(logits, clean), _everywhere(clean, mask) & (noisy != clean))


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveOneOutCrossEntropy:
    """Cross-entropy of a network whose logits are leave-one-out (arXiv 2605.22765).

    The shown token's evidence is added to the logits, so the network need not learn to copy what it sees.
    """

    schedule: Schedule = field(default_factory=LinearSchedule)

    def loss(
        self, logits: Logits, clean: CanvasIds, noisy: CanvasIds, t: NoiseLevels, mask: CanvasMask | None = None
    ) -> PositionLoss:
        """Cross-entropy of the denoiser that these leave-one-out logits imply."""
        denoiser = denoiser_logits(logits, noisy, self.schedule.keep_probability(t))
        return _count(_cross_entropy(denoiser, clean), _everywhere(clean, mask))


@dataclass(frozen=True, kw_only=True, slots=True)
class GiddWeighted:
    """The likelihood bound without its 1 / (t (1 - t)) (GIDD, arXiv 2503.04482; the training loss of Sumi, 2606.19005).

    With p = q(x_t | x_0) and p' = q(x_t | the predicted x_0), both over all tokens, and z the token that shows:

        w (KL(p || p') + p_z / p'_z - log(p_z / p'_z) - 1),   w = p_other / p_z

    so w = 1 where noise has changed the token and (1 - alpha) / (1 + (V - 1) alpha) where it has not.

    Attributes:
        prediction: what the logits mean. Only "leave_one_out" gives the bound of the papers as a training loss; a
            "denoiser" is converted first, which is exact, and gives the same minimum.
        schedule: keep probability as a function of the noise level.
    """

    prediction: Prediction = "leave_one_out"
    schedule: Schedule = field(default_factory=LinearSchedule)

    def loss(
        self, logits: Logits, clean: CanvasIds, noisy: CanvasIds, t: NoiseLevels, mask: CanvasMask | None = None
    ) -> PositionLoss:
        """Weighted divergence between the true and the predicted noisy token."""
        nats = _weighted_divergence(logits, clean, noisy, self.schedule.keep_probability(t), self.prediction)
        return _count(nats, _everywhere(clean, mask))


@dataclass(frozen=True, kw_only=True, slots=True)
class UniformNelbo:
    """The likelihood bound itself: its expectation over t ~ U(0, 1) and x_t is at least -log p(x_0), per position.

    It is `GiddWeighted` times the rate -alpha' / (alpha (1 - alpha)), which is 1 / (t (1 - t)) for the linear schedule,
    and equals the bound of Duo (arXiv 2506.10892). A network that knows the truth reaches -log p(x_0) exactly.
    Not finite at t = 1, and of high variance near both ends: for reporting rather than for training.

    Attributes:
        prediction: what the logits mean; a network trained by cross-entropy is a "denoiser".
        schedule: keep probability as a function of the noise level.
    """

    prediction: Prediction = "denoiser"
    schedule: Schedule = field(default_factory=LinearSchedule)

    def loss(
        self, logits: Logits, clean: CanvasIds, noisy: CanvasIds, t: NoiseLevels, mask: CanvasMask | None = None
    ) -> PositionLoss:
        """Integrand of the negative evidence lower bound."""
        keep = self.schedule.keep_probability(t)
        rate = -self.schedule.derivative(t) / (keep * (1 - keep).clamp(min=MIN_NOISE))
        nats = rate * _weighted_divergence(logits, clean, noisy, keep, self.prediction)
        return _count(nats, _everywhere(clean, mask))


def denoiser_logits(logits: Logits, noisy: CanvasIds, keep: NoiseLevels) -> Logits:
    """Turn leave-one-out logits into those of the denoiser: the shown token gains its evidence."""
    return _add_at(logits, noisy, _evidence(keep, logits.shape[-1]))


def leave_one_out_logits(logits: Logits, noisy: CanvasIds, keep: NoiseLevels) -> Logits:
    """Turn a denoiser's logits into leave-one-out ones: the shown token loses its evidence."""
    return _add_at(logits, noisy, -_evidence(keep, logits.shape[-1]))


def z_loss(logits: Float[Tensor, "B L V"], mask: Bool[Tensor, "B L"] | None = None) -> Float[Tensor, ""]:
    """Mean of the squared log-partition, which keeps logits from drifting; scale it by about 1e-5 (Sumi, PaLM)."""
    squared = logits.logsumexp(-1).square()
    return squared.mean() if mask is None else (squared * mask).sum() / mask.sum().clamp(min=1)


def next_token_cross_entropy(
    logits: Float[Tensor, "B L V"], tokens: Int[Tensor, "B L"], mask: Bool[Tensor, "B L"] | None = None
) -> Float[Tensor, ""]:
    """Loss of the encoder: cross-entropy of each token given those before it, in nats.

    Args:
        logits: scores for the token that follows each position; those of the last position are not used.
        tokens: the text itself.
        mask: positions that hold text. A prediction counts where both its position and the next hold text.

    Returns:
        The mean over each row's predictions, and of those the mean over the rows that have any.
    """
    if tokens.shape[1] < 2:
        raise SettingError(f"the encoder's loss needs at least 2 tokens in a row, and got {tokens.shape[1]}")
    losses = _cross_entropy(logits[:, :-1], tokens[:, 1:])
    counted = torch.ones_like(losses, dtype=torch.bool) if mask is None else mask[:, :-1] & mask[:, 1:]
    predictions = counted.sum(1)
    row_means = (losses * counted).sum(1) / predictions.clamp(min=1)
    return row_means.sum() / (predictions > 0).sum().clamp(min=1)


def _weighted_divergence(
    logits: Logits, clean: CanvasIds, noisy: CanvasIds, keep: NoiseLevels, prediction: Prediction
) -> Float[Tensor, "B C"]:
    if prediction == "denoiser":
        logits = leave_one_out_logits(logits, noisy, keep)
    vocab_size = logits.shape[-1]
    noise = (1 - keep).clamp(min=MIN_NOISE)
    # Each probability is written as its lift: the log of its ratio to noise / V, what pure chance gives a token.
    # True lifts are the evidence at the clean token and zero elsewhere, which leaves small numbers to subtract.
    true_lift = _evidence(keep, vocab_size)
    lift = torch.log1p((keep / noise * vocab_size).unsqueeze(-1) * logits.softmax(-1))
    lift_of_clean, lift_of_shown = _at(lift, clean), _at(lift, noisy)
    untouched = noisy == clean

    chance = noise / vocab_size
    kl = chance * (true_lift.exp() * (true_lift - lift_of_clean) - (lift.sum(-1) - lift_of_clean))
    log_ratio = true_lift * untouched - lift_of_shown
    itakura_saito = torch.expm1(log_ratio) - log_ratio
    return torch.where(untouched, (-true_lift).exp(), torch.ones_like(true_lift)) * (kl + itakura_saito)


def _evidence(keep: NoiseLevels, vocab_size: int) -> NoiseLevels:
    return torch.log1p(vocab_size * keep / (1 - keep).clamp(min=MIN_NOISE))


def _add_at(logits: Logits, tokens: CanvasIds, amount: NoiseLevels) -> Logits:
    amount = amount.to(logits.dtype).expand(tokens.shape)
    return logits.scatter_add(-1, tokens.long().unsqueeze(-1), amount.unsqueeze(-1))


def _at(values: Float[Tensor, "B C V"], tokens: CanvasIds) -> Float[Tensor, "B C"]:
    return values.gather(-1, tokens.long().unsqueeze(-1)).squeeze(-1)


def _cross_entropy(logits: Float[Tensor, "B L V"], tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L"]:
    return cross_entropy(logits.flatten(0, 1), tokens.flatten().long(), reduction="none").view(tokens.shape)


def _everywhere(clean: CanvasIds, mask: CanvasMask | None) -> CanvasMask:
    return torch.ones_like(clean, dtype=torch.bool) if mask is None else mask


def _count(nats: Float[Tensor, "B C"], counted: CanvasMask) -> PositionLoss:
    return PositionLoss(nats=nats.masked_fill(~counted, 0.0), counted=counted)
