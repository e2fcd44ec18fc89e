"""How likely a model finds texts, in bits per byte: by the bound of diffusion, and left to right.

The bound is that of `gesso.lm.text_bound`. It measures a text and its end: the tokens, and the end-of-sequence tokens
that fill its last canvas. Left to right, a text and its end are its tokens and one end-of-sequence token.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.diffusion.losses import Prediction
from gesso.errors import PromptError
from gesso.evals.estimate import Estimate, ratio
from gesso.evals.measure import ItemsDone, Point, Report, Sample
from gesso.evals.texts import TextSource, held_out_stories
from gesso.lm.encoded_text import pad
from gesso.lm.language_model import LanguageModel
from gesso.lm.text_bound import bound_examples, check_lengths
from gesso.model.network import Network
from gesso.train.examples import Example, lay_out

TEXTS_AT_ONCE = 8
"""Texts that are encoded as one batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftToRight:
    """What the causal mode says of one continuation.

    Attributes:
        nats: Its negative log-likelihood given the context.
        is_greedy: Whether every token of it is the likeliest one.
    """

    nats: float
    is_greedy: bool


@torch.no_grad()
def read_left_to_right(network: Network, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[LeftToRight]:
    """Read continuations left to right, by `encode` and the head.

    Args:
        network: In eval mode.
        pairs: Contexts and continuations, each of at least one token.

    Yields:
        The likelihood of each continuation, in order.

    Raises:
        PromptError: A context is empty, or a pair is longer than the network's context.
    """
    if not all(context for context, _ in pairs):
        raise PromptError("a context has no tokens; begin it with the bos token")
    texts = [[*context, *continuation] for context, continuation in pairs]
    check_lengths(map(len, texts), network)
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        batch = pad(texts[first : first + TEXTS_AT_ONCE]).to(network.device)
        hidden = network.encode(batch, network.new_cache(batch=len(batch), max_len=batch.shape[1]))
        for row, (context, continuation) in enumerate(pairs[first : first + TEXTS_AT_ONCE]):
            start, stop = len(context), len(context) + len(continuation)
            logits = network.head(hidden[row : row + 1, start - 1 : stop - 1])[0]
            yield _compare(logits, batch[row, start:stop])


def _compare(logits: Float[Tensor, "L V"], tokens: Tensor) -> LeftToRight:
    nats = torch.nn.functional.cross_entropy(logits, tokens, reduction="sum").item()
    return LeftToRight(nats=nats, is_greedy=bool((logits.argmax(-1) == tokens).all()))


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLikelihood:
    """Bits per byte of texts that the model has not seen.

    Figures: `bits_per_byte`, the bound, whose error is that of texts and noise together; `noise_error`, what the noise
    alone adds to it; `left_to_right_bits_per_byte`, exact for each text.

    Attributes:
        texts: Gives the texts.
        num_samples: Noisy copies of each canvas.
        prediction: What the network's logits mean.
    """

    texts: TextSource = held_out_stories
    num_samples: int = 32
    prediction: Prediction = "denoiser"
    name: str = field(default="nelbo", init=False)
    uses_sampler: bool = field(default=False, init=False)

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        """Measure both; see `Measure`."""
        bound_bits: list[float] = []
        noise_bits: list[float] = []
        left_to_right_bits: list[float] = []
        num_bytes: list[float] = []
        for seed in sample.seeds:
            texts = self.texts(sample.rng(seed, self.name), sample.items)
            generator = torch.Generator().manual_seed(seed)
            for first in range(0, len(texts), TEXTS_AT_ONCE):
                batch = texts[first : first + TEXTS_AT_ONCE]
                bound = bound_examples(
                    lm.network,
                    [text_example(lm, text) for text in batch],
                    generator=generator,
                    num_samples=self.num_samples,
                    prediction=self.prediction,
                )
                read = read_left_to_right(lm.network, [text_and_end(lm, text) for text in batch])
                bound_bits += bound.bits.tolist()
                noise_bits += (bound.standard_error / math.log(2)).tolist()
                left_to_right_bits += [one.nats / math.log(2) for one in read]
                num_bytes += [float(len(text.encode())) for text in batch]
                yield ItemsDone(done=len(num_bytes), total=sample.total)
        noise = math.sqrt(sum(bits**2 for bits in noise_bits)) / sum(num_bytes)
        figures = {
            "bits_per_byte": ratio(bound_bits, num_bytes),
            "noise_error": Estimate(value=noise, standard_error=0.0, count=len(num_bytes)),
            "left_to_right_bits_per_byte": ratio(left_to_right_bits, num_bytes),
        }
        yield Report(name=self.name, points=(Point(figures=figures),))


def text_example(lm: LanguageModel, text: str) -> Example:
    """A text on canvases, after the bos token.

    Raises:
        PromptError: The text is empty.
    """
    context, tokens = text_and_end(lm, text)
    length = lm.network.config.canvas_length
    return lay_out(context, tokens, canvas_length=length, eos_id=lm.tokenizer.eos_id, max_canvases=len(tokens))


def text_and_end(lm: LanguageModel, text: str) -> tuple[list[int], list[int]]:
    """The bos token; and the tokens of a text with the end of the sequence behind them.

    Raises:
        PromptError: The text is empty.
    """
    if not text:
        raise PromptError("a text is empty and has no likelihood for each byte; leave it out")
    return [lm.tokenizer.bos_id], [*lm.tokenizer.encode(text), lm.tokenizer.eos_id]
