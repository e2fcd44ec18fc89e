"""Models and measures whose figures are known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.evals.estimate import mean
from gesso.evals.measure import ItemsDone, Point, Report, Sample
from gesso.lm.language_model import LanguageModel
from gesso.model.config import ModelConfig
from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.sampling.settings import SamplerSettings
from gesso.shapes import CanvasIds, Hidden, Logits, SoftEmbedding, TokenIds
from tests.plain_head import PlainHead


def put_tokens_into(cache: Cache, token_ids: TokenIds, config: ModelConfig) -> None:
    """Let the tokens themselves take the place of keys, so that the rows of a cache carry them along."""
    for layer in range(config.num_layers):
        heads, width = config.heads(layer)
        keys = token_ids[:, None, :, None].float().expand(-1, heads, -1, width)
        cache.append(layer, keys, keys)


class WritingNetwork(PlainHead, Network):
    """Denoises every canvas to an answer that is looked up by the text before it, with certainty.

    The encoder's hidden states are zeros, so left to right every token is equally likely.
    """

    def __init__(self, config: ModelConfig, answer: Callable[[list[int]], list[int]]) -> None:
        super().__init__(config)
        self.answer = answer
        self.eval().requires_grad_(False)

    def encode(self, token_ids: TokenIds, cache: Cache, *, lengths: list[int] | None = None) -> Hidden:
        put_tokens_into(cache, token_ids, self.config)
        cache.advance([token_ids.shape[1]] * len(token_ids) if lengths is None else lengths)
        return torch.zeros(*token_ids.shape, self.config.hidden_size)

    def denoise(
        self, canvas: CanvasIds, cache: Cache, conditioning: SoftEmbedding | None = None, **rest: object
    ) -> Logits:
        keys, _ = cache.read(0, 0, max(cache.lengths))
        texts = [row[:length].long().tolist() for row, length in zip(keys[:, 0, :, 0], cache.lengths, strict=True)]
        lines = torch.tensor([self.answer(text) for text in texts])
        return torch.zeros(*canvas.shape, self.config.vocab_size).scatter(-1, lines.unsqueeze(-1), 30.0)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        return torch.zeros(*logits.shape[:2], self.config.hidden_size)


def writer(lm: LanguageModel, answer: Callable[[str], str], canvas_length: int = 256) -> LanguageModel:
    """A model that writes `answer(text before the canvas)`, control tokens of that text skipped, and then ends."""
    tokenizer = lm.tokenizer
    config = replace(lm.network.config, canvas_length=canvas_length, max_position_embeddings=4096)

    def write(context: list[int]) -> list[int]:
        ids = tokenizer.encode(answer(tokenizer.decode(context)))[:canvas_length]
        return ids + [tokenizer.eos_id] * (canvas_length - len(ids))

    return replace(lm, network=WritingNetwork(config, write), max_new_tokens=canvas_length)


class UnigramNetwork(Network):
    """Predicts the tokens of a canvas from the last token before it alone, whatever the canvas shows.

    As leave-one-out predictions these are exact for texts whose tokens are drawn independently, canvas by canvas, from
    `probability[last token of the canvas before]`. It remembers how many texts it was given to read.
    """

    def __init__(self, config: ModelConfig, probability: Float[Tensor, "V V"]) -> None:
        super().__init__(config)
        self.probability = probability
        self.num_encoded = 0
        self.text = torch.zeros(0, 0, dtype=torch.int64)
        self.eval().requires_grad_(False)

    def encode(self, token_ids: TokenIds, cache: Cache, *, lengths: list[int] | None = None) -> Hidden:
        self.num_encoded += len(token_ids)
        put_tokens_into(cache, token_ids, self.config)
        cache.advance([token_ids.shape[1]] * len(token_ids))
        return torch.zeros(*token_ids.shape, self.config.hidden_size)

    def denoise(
        self,
        canvas: CanvasIds,
        cache: Cache,
        conditioning: SoftEmbedding | None = None,
        *,
        context: Tensor | None = None,
    ) -> Logits:
        keys, _ = cache.read(0, 0, max(cache.lengths))
        last = keys[torch.arange(len(canvas)), 0, context - 1, 0].long()
        return self.probability[last].log()[:, None].expand(-1, canvas.shape[1], -1).float()


@dataclass(frozen=True, kw_only=True)
class StepsMeasure:
    """Counts its items and reports how the sampler is set."""

    name: str = "settings"
    uses_sampler: bool = True

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        for done in range(sample.total):
            yield ItemsDone(done=done + 1, total=sample.total)
        figures = {
            "steps": mean([sample.sampler.max_steps]),
            "temperature": mean([sample.sampler.temperature.at(0, sample.sampler.max_steps)]),
        }
        yield Report(name=self.name, points=(Point(figures=figures),), example=f"{sample.sampler.max_steps} steps")


def sample_of(items: int = 3, seeds: tuple[int, ...] = (0,), **overrides: object) -> Sample:
    """A sample with few steps."""
    return Sample(items=items, seeds=seeds, sampler=SamplerSettings().with_overrides(**{"steps": 3} | overrides))


def report_of(measure, lm: LanguageModel, sample: Sample) -> tuple[Report, list[ItemsDone]]:
    """Run a measure: its report, and the progress before it."""
    *progress, report = measure.measure(lm, sample)
    assert isinstance(report, Report)
    assert progress[-1].done == progress[-1].total
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    return report, progress
