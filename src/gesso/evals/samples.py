"""Texts that a model writes of itself: how likely a judge finds them, and what a low perplexity would hide.

Perplexity alone can be had for the price of repetition. Here it always comes with the entropy of the tokens, the share
of distinct n-grams, the longest copy, and the distance to texts as they should be.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gesso.engine.request import Request
from gesso.errors import GenerationError
from gesso.evals.canvases import write_requests
from gesso.evals.copying import Reference
from gesso.evals.distance import embed, energy_distance
from gesso.evals.diversity import distinct_ngrams, token_entropy
from gesso.evals.estimate import Estimate, mean, ratio
from gesso.evals.likelihood import read_left_to_right, text_and_end
from gesso.evals.measure import ItemsDone, Point, Report, Sample
from gesso.evals.texts import TextSource, held_out_stories, training_stories
from gesso.lm.language_model import LanguageModel


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeSamples:
    """Texts written after the bos token alone.

    Figures of the judge, which reads left to right: `perplexity` a token of its own, `nats_per_token` and
    `bits_per_byte`. Of the texts: `token_entropy` within a text, in nats; `distinct_3`, different runs of three words
    by all of them; `longest_copy`, in words, from a reference; `energy_distance` to texts as they should be, and
    `energy_floor`, the same between two samples of those; `empty`, the share of texts without a word, which have no
    perplexity; `steps`. The errors of `distinct_3` and of the energies are those between seeds.

    Attributes:
        judge: What reads them; None for the left-to-right mode of the model itself.
        texts: Texts as they should be; twice as many are drawn as are written, for the floor.
        references: Gives the texts that may have been copied.
    """

    judge: LanguageModel | None = None
    texts: TextSource = held_out_stories
    references: Callable[[], Sequence[str]] = training_stories
    name: str = field(default="samples", init=False)
    uses_sampler: bool = field(default=True, init=False)

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        """Write, and read what was written; see `Measure`."""
        reference = Reference(self.references())
        texts: list[str] = []
        entropies, steps, distinct, distances, floors = ([] for _ in range(5))
        for seed in sample.seeds:
            noise = sample.rng(seed, "noise")
            requests = [_request(lm, sample, noise.getrandbits(48)) for _ in range(sample.items)]
            of_this_seed: list[str] = []
            for _, written in write_requests(lm.network, requests):
                of_this_seed.append(lm.tokenizer.decode(written.token_ids))
                entropies.append(token_entropy(written.token_ids))
                steps.append(sum(written.steps) / len(written.steps))
                yield ItemsDone(done=len(texts) + len(of_this_seed), total=sample.total)
            if not any(map(str.strip, of_this_seed)):
                raise GenerationError("every text came out empty, which no figure can be read from; try more steps")
            texts += of_this_seed
            should = embed(self.texts(sample.rng(seed, self.name), 2 * sample.items))
            distances.append(energy_distance(embed(of_this_seed), should[: sample.items]))
            floors.append(energy_distance(should[sample.items :], should[: sample.items]))
            distinct.append(distinct_ngrams(of_this_seed))
        figures = _read(lm if self.judge is None else self.judge, [text for text in texts if text.strip()])
        figures |= {
            "token_entropy": mean(entropies),
            "distinct_3": mean(distinct),
            "longest_copy": mean([reference.longest_copy(text) for text in texts]),
            "energy_distance": mean(distances),
            "energy_floor": mean(floors),
            "empty": mean([not text.strip() for text in texts]),
            "steps": mean(steps),
        }
        yield Report(name=self.name, points=(Point(figures=figures),), example=texts[0])


def _request(lm: LanguageModel, sample: Sample, seed: int) -> Request:
    return Request(
        prompt_ids=(lm.tokenizer.bos_id,),
        max_new_tokens=lm.max_new_tokens,
        sampler=sample.sampler,
        mode=sample.mode or lm.mode,
        seed=seed,
        stop_ids=lm.stop_ids,
    )


def _read(judge: LanguageModel, texts: list[str]) -> dict[str, Estimate]:
    pairs = [text_and_end(judge, text) for text in texts]
    nats = [one.nats for one in read_left_to_right(judge.network, pairs)]
    a_token = ratio(nats, [len(tokens) for _, tokens in pairs])
    perplexity = math.exp(a_token.value)
    return {
        # The error of an exponential, to first order.
        "perplexity": Estimate(
            value=perplexity, standard_error=perplexity * a_token.standard_error, count=a_token.count
        ),
        "nats_per_token": a_token,
        "bits_per_byte": ratio([one / math.log(2) for one in nats], [len(text.encode()) for text in texts]),
    }
