"""Self-correction: a finished canvas is damaged without a mark, and the sampler asked to mend it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gesso.engine.request import cut_at_stop
from gesso.errors import SettingError
from gesso.evals.canvases import ROWS_AT_ONCE, denoise_after
from gesso.evals.estimate import mean, ratio
from gesso.evals.likelihood import text_example
from gesso.evals.measure import ItemsDone, Point, Report, Sample
from gesso.evals.texts import TextSource, held_out_stories
from gesso.lm.language_model import LanguageModel
from gesso.sampling.accept import EntropyBound
from gesso.sampling.draws import canvas_generator
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import StableAndConfident
from gesso.sampling.temperature import ConstantTemperature
from gesso.worlds.check import check_story

MENDING = SamplerSettings(
    max_steps=8,
    temperature=ConstantTemperature(value=0.0),
    acceptance=EntropyBound(bound_nats=1e6),
    stop=StableAndConfident(stability_steps=1, confidence_nats=1e6),
)
"""Takes the likeliest token everywhere, keeps them all, and stops when nothing changes any more.

The published settings renoise whatever exceeds their entropy bound. That is meant for a canvas that begins as noise: in
one that is nearly right it can make more tokens wrong than were.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """A curve over the share of wrong tokens, on stories.

    Tokens of the story are replaced by other random ones; the end-of-sequence tokens after it stay. The canvas is where
    denoising starts, instead of noise, and nothing says which of its tokens are wrong. Only the first canvas counts.

    Figures: `mended`, wrong tokens that became what they were, by wrong tokens; `broken`, right tokens that became
    others, by right tokens; `intact`, canvases whose story is as it was, to the token; `ok`, stories without a fault;
    `steps`. Another wording may be as good, and still counts as broken.

    Attributes:
        shares: Shares of a story's tokens that are made wrong, in ascending order.
        sampler: How the canvas is mended; None for the settings that the model writes with.
        texts: Gives the stories.
        name: What reports call it.
    """

    shares: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
    sampler: SamplerSettings | None = MENDING
    texts: TextSource = held_out_stories
    name: str = "repair"
    uses_sampler: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        ascending = list(self.shares) == sorted(set(self.shares))
        if not self.shares or not ascending or not 0 < self.shares[0] <= self.shares[-1] <= 1:
            raise SettingError(f"the shares are {list(self.shares)}; give ascending numbers above 0 and at most 1")

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        """Damage, mend and count; see `Measure`."""
        points: list[Point] = []
        done, total = 0, sample.total * len(self.shares)
        sampler = sample.sampler if self.sampler is None else self.sampler
        for share in self.shares:
            outcomes: list[Outcome] = []
            for seed in sample.seeds:
                texts = self.texts(sample.rng(seed, "repair"), sample.items)
                noise = sample.rng(seed, "noise")
                for first in range(0, len(texts), ROWS_AT_ONCE):
                    batch = texts[first : first + ROWS_AT_ONCE]
                    seeds = [noise.getrandbits(48) for _ in batch]
                    outcomes += damage_and_mend(lm, batch, share, sampler, seeds)
                    done += len(batch)
                    yield ItemsDone(done=done, total=total)
            points.append(_point(share, outcomes))
        yield Report(name=self.name, points=tuple(points), axis="corrupted", example=outcomes[0].text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one canvas.

    Attributes:
        wrong: Tokens that were made wrong.
        mended: Those of them that became what they were.
        right: Tokens of the text that were left as they were.
        broken: Those of them that became others.
        steps: Denoising steps.
        text: What the canvas says in the end.
    """

    wrong: int
    mended: int
    right: int
    broken: int
    steps: int
    text: str


def damage_and_mend(
    lm: LanguageModel, texts: Sequence[str], share: float, sampler: SamplerSettings, seeds: Sequence[int]
) -> list[Outcome]:
    """Damage the first canvas of each text and let the sampler mend it, as one batch.

    Args:
        lm: The model.
        texts: Texts of at least one token.
        share: Share of a text's tokens that are made wrong.
        sampler: Steps, temperature, acceptance and stopping.
        seeds: Source of all randomness, one for each text.
    """
    generators = [canvas_generator(seed, 0) for seed in seeds]
    clean, is_text, damaged = _damaged(lm, texts, share, generators)
    contexts = [text_example(lm, text).context for text in texts]
    state = denoise_after(lm.network, contexts, sampler, generators, initial=damaged.to(lm.network.device))
    draft = state.draft.cpu()
    was_wrong, is_wrong = damaged != clean, draft != clean
    return [
        Outcome(
            wrong=int(was_wrong[row].sum()),
            mended=int((was_wrong & ~is_wrong)[row].sum()),
            right=int((is_text & ~was_wrong)[row].sum()),
            broken=int((is_text & ~was_wrong & is_wrong)[row].sum()),
            steps=int(state.steps_used[row]),
            text=lm.tokenizer.decode(cut_at_stop(draft[row].tolist(), lm.stop_ids, draft.shape[1])[0]),
        )
        for row in range(len(texts))
    ]


def damaged_text(lm: LanguageModel, text: str, share: float, seed: int) -> str:
    """The text that `damage_and_mend` begins with for this seed, for whoever is to mend it in another way."""
    _, is_text, damaged = _damaged(lm, [text], share, [canvas_generator(seed, 0)])
    return lm.tokenizer.decode(damaged[is_text].tolist())


def _damaged(
    lm: LanguageModel, texts: Sequence[str], share: float, generators: Sequence[torch.Generator]
) -> tuple[Int[Tensor, "B C"], Bool[Tensor, "B C"], Int[Tensor, "B C"]]:
    """The first canvas of each text, where in it text stands, and the canvas damaged."""
    clean = torch.tensor([text_example(lm, text).canvases[0] for text in texts])
    is_text = torch.arange(clean.shape[1]) < torch.tensor([[len(lm.tokenizer.encode(text))] for text in texts])
    return clean, is_text, damage(clean, is_text, share, lm.network.config.vocab_size, generators)


def damage(
    clean: Int[Tensor, "B C"],
    is_text: Bool[Tensor, "B C"],
    share: float,
    vocab_size: int,
    generators: Sequence[torch.Generator],
) -> Int[Tensor, "B C"]:
    """Replace this share of each row's text, at least one token, by uniformly random other tokens.

    Args:
        clean: Canvases.
        is_text: Positions that may be replaced; at least one a row.
        share: Share of them that is replaced.
        vocab_size: Tokens to draw from.
        generators: Source of the randomness, one for each row; advanced.
    """
    damaged = clean.clone()
    for row, generator in enumerate(generators):
        places = is_text[row].nonzero().flatten()
        count = max(1, round(share * len(places)))
        chosen = places[torch.randperm(len(places), generator=generator)[:count]]
        # A step of 1 to V - 1 around the vocabulary never leads back to the token itself.
        step = torch.randint(1, vocab_size, (count,), generator=generator)
        damaged[row, chosen] = (clean[row, chosen] + step) % vocab_size
    return damaged


def _point(share: float, outcomes: Sequence[Outcome]) -> Point:
    figures = {"mended": ratio([one.mended for one in outcomes], [one.wrong for one in outcomes])}
    if any(one.right for one in outcomes):
        figures["broken"] = ratio([one.broken for one in outcomes], [one.right for one in outcomes])
    figures |= {
        "intact": mean([one.mended == one.wrong and not one.broken for one in outcomes]),
        "ok": mean([check_story(one.text).ok for one in outcomes]),
        "steps": mean([one.steps for one in outcomes]),
    }
    return Point(figures=figures, at=share)
