"""Stand-ins for trained networks, small enough that what they must lead to is known."""

import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.diffusion.schedule import LinearSchedule, NoiseLevels
from gesso.shapes import CanvasIds, Logits, SoftEmbedding


class OracleDenoiser:
    """Knows the text that each canvas should become, and says so with the same certainty at every step."""

    def __init__(self, target: CanvasIds, *, vocab_size: int, width: int = 8, peak: float = 30.0) -> None:
        self.target = target
        self.vocab_size = vocab_size
        self.peak = peak
        self.embedding = torch.randn(vocab_size, width, generator=torch.Generator().manual_seed(0))
        self.canvases_seen: list[CanvasIds] = []

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        self.canvases_seen.append(canvas)
        logits = torch.zeros(*canvas.shape, self.vocab_size)
        return logits.scatter(-1, self.target.unsqueeze(-1), self.peak)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        return logits.softmax(-1) @ self.embedding * math.sqrt(self.embedding.shape[1])


class RestlessDenoiser:
    """Behaves like a network: looks at the whole canvas and at what it is fed back, and grows certain as text appears.

    Each row is pulled towards its own target, harder at some positions than at others, and the harder the more of the
    canvas agrees with it. `calm` scales the noise of its opinions: at 0 it is certain soon, at 5 it never is.
    """

    def __init__(self, target: CanvasIds, *, vocab_size: int, width: int = 8, calm: float = 1.0) -> None:
        source = torch.Generator().manual_seed(1)
        self.target = target
        self.vocab_size = vocab_size
        self.calm = calm
        self.embedding = torch.randn(vocab_size, width, generator=source)
        self.mixing = torch.randn(width, width, generator=source) / math.sqrt(width)
        self.ease = torch.rand(target.shape[1], generator=source) * 4

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        inputs = self.embedding[canvas]
        if conditioning is not None:
            inputs = inputs + 0.1 * conditioning
        opinions = torch.tanh((inputs + inputs.mean(1, keepdim=True)) @ self.mixing) @ self.embedding.T
        agreement = (canvas == self.target).float().mean(1)
        pull = self.ease + 20 * agreement[:, None]
        return self.calm * opinions + torch.zeros_like(opinions).scatter(
            -1, self.target.unsqueeze(-1), pull.unsqueeze(-1)
        )

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        return logits.softmax(-1) @ self.embedding * math.sqrt(self.embedding.shape[1])

    def row(self, index: int) -> "RestlessDenoiser":
        """The same network for one row alone."""
        return RestlessDenoiser(self.target[index : index + 1], vocab_size=self.vocab_size, calm=self.calm)


class BrokenDenoiser(OracleDenoiser):
    """An oracle whose logits hold a value that is no number, in one row, from one step on."""

    def __init__(self, target: CanvasIds, *, vocab_size: int, value: float, row: int, step: int) -> None:
        super().__init__(target, vocab_size=vocab_size, peak=1.0)
        self.value, self.row, self.step = value, row, step

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        logits = super().denoise(canvas, conditioning)
        if len(self.canvases_seen) >= self.step:
            logits[self.row, -1, 0] = self.value
        return logits


class ExactDenoiser:
    """The best possible predictions for a distribution over canvases that is small enough to enumerate.

    Attributes:
        canvases: every canvas of the toy language, [N, C].
        probability: how likely each is, [N], in float64.
    """

    def __init__(self, probability: Float[Tensor, "N"], *, vocab_size: int, canvas_length: int) -> None:
        self.vocab_size = vocab_size
        self.canvases = torch.tensor(list(itertools.product(range(vocab_size), repeat=canvas_length)))
        self.probability = probability.double() / probability.double().sum()

    def log_probability(self, clean: CanvasIds) -> Float[Tensor, "B"]:
        """Log-probability of each canvas, in nats."""
        matches = (clean[:, None] == self.canvases).all(-1)
        return (matches * self.probability).sum(-1).log()

    def denoiser(self, noisy: CanvasIds, t: NoiseLevels) -> Logits:
        """log p(x_0 at i = v | the whole noisy canvas), by Bayes' rule."""
        return self._predict(noisy, t, see_own_position=True)

    def leave_one_out(self, noisy: CanvasIds, t: NoiseLevels) -> Logits:
        """log p(x_0 at i = v | the noisy canvas but position i), by Bayes' rule."""
        return self._predict(noisy, t, see_own_position=False)

    def _predict(self, noisy: CanvasIds, t: NoiseLevels, *, see_own_position: bool) -> Logits:
        keep = LinearSchedule().keep_probability(t.double().expand(noisy.shape))[:, None]  # [B, 1, C]
        shown = (noisy[:, None] == self.canvases).double()  # [B, N, C]
        evidence = (keep * shown + (1 - keep) / self.vocab_size).log()
        joint = evidence.sum(-1, keepdim=True) + self.probability.log()[:, None]
        if not see_own_position:
            joint = joint - evidence
        weights = joint.softmax(1)  # over the canvases, for each position
        one_hot = torch.nn.functional.one_hot(self.canvases, self.vocab_size).double()
        return torch.einsum("bnc,ncv->bcv", weights, one_hot).log()
