"""Plans to tensors: runs the network and the sampler for the jobs of a round.

There are three ways to run a round, and they differ by rounding alone.

Apart: every canvas, and every page of a prompt, has a pass of its own. That is, number for number, what happens to a
request that is alone, so its tokens depend on nothing but itself, whatever the processor and the dtype.

Shared: the transformer layers see all rows of the round at once, filled up and masked. That reads the weights once for
all rows. The head and the sampler still go row by row, so that logits are held for one canvas only.

Graphed: the whole step of all rows is one CUDA graph, and its results are read a round later; see `graphed_rounds`.
What a graph does not cover goes one of the other ways in the same round, and so does all text that is encoded.
"""

from collections.abc import Iterator, Sequence

import torch

from gesso.engine.denoiser import CachedDenoiser, HiddenDenoiser
from gesso.engine.graphed_rounds import GraphedRounds
from gesso.engine.job import Job
from gesso.engine.kv_pool import KVPool, PagedCache
from gesso.engine.left_to_right import LeftToRightCanvas, read_draft
from gesso.engine.reference import canvas_constraint, canvas_filters, canvas_pins, followed_logprobs
from gesso.engine.rest import draft_state
from gesso.engine.scheduler import Piece
from gesso.engine.warm_start import read_given, warm_canvas
from gesso.errors import GessoError
from gesso.model.network import Network
from gesso.sampling.alternatives import Onlooker
from gesso.sampling.denoise import next_step
from gesso.sampling.denoiser import Denoiser
from gesso.sampling.draws import canvas_generator
from gesso.sampling.filters import CanvasFilters
from gesso.sampling.pins import Pins
from gesso.sampling.step import StepResult
from gesso.shapes import SoftEmbedding

Outcome = StepResult | list[int] | GessoError
"""What came of a step: its result; a canvas that holds without one; or why there is neither."""


class Runner:
    """Runs rounds on one network.

    Args:
        network: In eval mode; its weights are not changed.
        pool: Where encoded text is kept; mutated.
        share_passes: Whether the rows of a round share their passes.
        graphs: Whether steps are CUDA graphs where they can be.

    Raises:
        SettingError: The network cannot be recorded.
    """

    def __init__(self, network: Network, pool: KVPool, *, share_passes: bool, graphs: bool = False) -> None:
        self._network = network
        self._pool = pool
        self._share_passes = share_passes
        self._graphs = GraphedRounds(network, pool) if graphs else None

    def encode(self, pieces: Sequence[Piece]) -> None:
        """Encode pieces into the pages of their jobs."""
        if self._share_passes and pieces:
            self._encode([(piece.job, piece.start, piece.stop) for piece in pieces])
            return
        for piece in pieces:
            length = self._pool.page_length if piece.is_prompt else piece.stop - piece.start
            for start in range(piece.start, piece.stop, length):
                self._encode([(piece.job, start, min(start + length, piece.stop))])

    def advance(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Take one step with each job's canvas; a canvas that is due is begun. Mutates the jobs' canvases.

        Of a step that is a graph, the result comes out of the next call.
        """
        if self._graphs is not None:
            graphed = [job for job in jobs if self._graphs.covers(job.request)]
            yield from self._graphs.advance(graphed)
            jobs = [job for job in jobs if job not in graphed]
        ready: list[Job] = []
        for job in jobs:
            if job.request.mode == "autoregressive":
                yield job, self._write_token(job)
                continue
            try:
                held = self._begin(job)
            except GessoError as error:
                yield job, error
                continue
            if held is None:
                ready.append(job)
            else:
                yield job, held
        if not self._share_passes:
            for job in ready:
                yield job, self._step(job, CachedDenoiser(self._network, self._text(job)))
        elif ready:
            hidden = self._hidden(ready)
            for row, job in enumerate(ready):
                yield job, self._step(job, HiddenDenoiser(self._network, hidden[row : row + 1]))

    def read(self, job: Job, draft: list[int]) -> bool:
        """Read a job's draft from left to right; if it does not hold, prepare the next. Mutates the job's canvas.

        Returns:
            Whether it holds.
        """
        assert job.generator is not None, "a draft had steps"
        job.readings += 1
        job.pins = read_draft(
            self._network,
            self._text(job),
            job.text[-1],
            job.request,
            draft,
            remaining=job.remaining,
            pins=canvas_pins(job.request, job.start, self._network.device),
            filters=self._filters(job),
            generator=job.generator,
        )
        if job.pins is not None:
            job.state = None
        return job.pins is None

    def _write_token(self, job: Job) -> Outcome:
        if job.line is None:
            job.generator = canvas_generator(job.request.seed, job.canvas_index)
            job.line = LeftToRightCanvas(
                self._network, job.request, job.text[-1], job.remaining, job.generator, filters=self._filters(job)
            )
        try:
            return job.line.step(self._text(job))
        except GessoError as error:
            return error

    def _text(self, job: Job) -> PagedCache:
        return self._pool.rows([job.pages], [job.num_encoded])

    def _filters(self, job: Job) -> CanvasFilters | None:
        return canvas_filters(job.request, job.text, self._network.config.vocab_size, self._network.device)

    @torch.no_grad()
    def _encode(self, spans: Sequence[tuple[Job, int, int]]) -> None:
        counts = [stop - start for _, start, stop in spans]
        tokens = torch.zeros(len(spans), max(counts), dtype=torch.int64)
        for row, (job, start, stop) in enumerate(spans):
            tokens[row, : stop - start] = torch.tensor(job.text[start:stop])
        cache = self._pool.rows([job.pages for job, _, _ in spans], [start for _, start, _ in spans], counts)
        self._network.encode(tokens.to(self._network.device), cache, lengths=counts)

    def _begin(self, job: Job) -> list[int] | None:
        """Prepare the first step of a draft; give the canvas instead, if it begins as a text that holds as it is."""
        if job.state is not None:
            return None
        config, device = self._network.config, self._network.device
        initial = None
        if job.generator is None:
            job.generator = canvas_generator(job.request.seed, job.canvas_index)
            job.probable = (
                job.rest.probable if job.rest else followed_logprobs(job.request, config.canvas_length, device)
            )
            kept = self._read_given(job, job.generator)
            job.readings += kept is not None
            if isinstance(kept, list):
                return kept
            job.pins = kept
            initial = warm_canvas(self._network, job.request, job.start, job.generator)
        job.state = draft_state(
            job.rest,
            job.request.draft_settings(job.spent),
            job.generator,
            config,
            initial=initial,
            pins=job.pins or canvas_pins(job.request, job.start, device),
            constraint=canvas_constraint(job.request, job.rule_state, job.remaining, config.canvas_length, device),
            filters=self._filters(job),
            device=device,
        )
        job.rest = None
        return None

    def _read_given(self, job: Job, generator: torch.Generator) -> Pins | list[int] | None:
        return read_given(
            self._network,
            self._text(job),
            job.text[-1],
            job.request,
            start=job.start,
            remaining=job.remaining,
            rule_state=job.rule_state,
            pins=canvas_pins(job.request, job.start, self._network.device),
            filters=self._filters(job),
            generator=generator,
        )

    def _step(self, job: Job, denoiser: Denoiser) -> Outcome:
        assert job.state is not None, "a canvas is begun before its first step"
        assert job.generator is not None, "and has its generator from then on"
        onlooker = Onlooker(denoiser, job.request.alternatives) if job.request.is_looked_on else None
        try:
            result = next_step(
                job.state,
                onlooker or denoiser,
                job.request.draft_settings(job.spent),
                [job.generator],
                self._network.config.vocab_size,
            )
        except GessoError as error:
            return error
        job.state = result.state
        if job.probable is not None and onlooker is not None and onlooker.logits is not None:
            job.probable.note(result, onlooker.logits)
        job.alternatives = onlooker and onlooker.alternatives
        return result

    @torch.no_grad()
    def _hidden(self, jobs: Sequence[Job]) -> SoftEmbedding:
        """Hidden states of all canvases in one pass."""
        states = [job.state for job in jobs if job.state is not None]
        canvas = torch.cat([state.canvas for state in states])
        # A canvas in its first step is fed back nothing, and true zeros pass the network as nothing.
        conditioning = torch.zeros(*canvas.shape, self._network.config.hidden_size, dtype=self._network.dtype)
        conditioning = conditioning.to(self._network.device)
        for row, state in enumerate(states):
            if state.conditioning is not None:
                conditioning[row] = state.conditioning[0]
        cache = self._pool.rows([job.pages for job in jobs], [job.num_encoded for job in jobs])
        return self._network.denoise_hidden(canvas, cache, conditioning)
