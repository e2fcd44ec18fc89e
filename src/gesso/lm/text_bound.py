"""How likely a network finds texts on canvases: the bound of diffusion.

The bound is that of `gesso.diffusion.likelihood`, canvas after canvas, each given the clean text before it.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.likelihood import LikelihoodBound, bound_likelihood
from gesso.diffusion.losses import Prediction
from gesso.diffusion.schedule import NoiseLevels
from gesso.errors import PromptError
from gesso.lm.encoded_text import pad
from gesso.model.kv_cache import GrowingCache
from gesso.model.network import Network
from gesso.shapes import CanvasIds, Logits
from gesso.train.examples import Example

LOGITS_AT_ONCE = 2**23
"""Numbers of logits that one pass may give; the bound needs several such tensors in float64."""


@torch.no_grad()
def bound_examples(
    network: Network,
    examples: Sequence[Example],
    *,
    generator: torch.Generator,
    num_samples: int,
    prediction: Prediction = "denoiser",
) -> LikelihoodBound:
    """Bound the negative log-likelihood of the canvases of each example, given its context.

    Every text is encoded once. The network is asked without self-conditioning.

    Args:
        network: In eval mode.
        examples: At most as many as shall share a batch.
        generator: Source of the noise, on the CPU.
        num_samples: Noisy copies of each canvas, at levels that are stratified over [0, 1].
        prediction: What the network's logits mean.

    Returns:
        The bound of each example: the sum over its canvases, all positions counted.

    Raises:
        SettingError: `num_samples` is below 2.
        PromptError: An example is longer than the network's context.
    """
    length, vocab_size = network.config.canvas_length, network.config.vocab_size
    texts = [[*example.context, *itertools.chain(*example.canvases[:-1])] for example in examples]
    check_lengths([len(text) + length for text in texts], network)
    cache = GrowingCache(network.config, batch=len(texts))
    network.encode(pad(texts).to(network.device), cache)

    rows = [(i, k) for i, example in enumerate(examples) for k in range(len(example.canvases))]
    nats = torch.zeros(len(examples), dtype=torch.float64)
    variance = torch.zeros(len(examples), dtype=torch.float64)
    rows_at_once = max(1, LOGITS_AT_ONCE // (length * vocab_size))
    for first in range(0, len(rows), rows_at_once):
        part = rows[first : first + rows_at_once]
        owner = torch.tensor([i for i, _ in part])
        bound = bound_likelihood(
            _Predictor(
                network=network,
                cache=cache.repeat_rows(owner),
                context=torch.tensor([len(examples[i].context) + k * length for i, k in part], device=network.device),
            ),
            torch.tensor([examples[i].canvases[k] for i, k in part], device=network.device),
            corruption=UniformCorruption(vocab_size=vocab_size),
            generator=generator,
            num_samples=num_samples,
            prediction=prediction,
        )
        nats.index_add_(0, owner, bound.nats.double().cpu())
        variance.index_add_(0, owner, bound.standard_error.double().square().cpu())
    return LikelihoodBound(nats=nats, standard_error=variance.sqrt())


@dataclass(frozen=True, kw_only=True)
class _Predictor:
    """Predicts canvases in the middle of texts that are encoded whole; each sees its context and no more."""

    network: Network
    cache: GrowingCache
    context: Tensor

    def __call__(self, noisy: CanvasIds, t: NoiseLevels) -> Logits:
        return self.network.denoise(noisy, self.cache, context=self.context)


def check_lengths(lengths: Iterator[int] | Sequence[int], network: Network) -> None:
    """Refuse texts that are longer than the network's context.

    Raises:
        PromptError: One of them is.
    """
    longest = max(lengths, default=0)
    if longest > network.config.max_position_embeddings:
        raise PromptError(
            f"a text takes {longest} positions, in whole canvases, and the context has "
            f"{network.config.max_position_embeddings}; give shorter texts"
        )
