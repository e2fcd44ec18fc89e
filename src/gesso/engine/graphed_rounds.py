"""Rounds that never wait for the device: a step is started, and the one before it is read meanwhile.

So the host learns a step late that a canvas is finished, and that canvas takes one step in vain. It changes nothing: a
row that is finished stays as it is, and its generator is put back to where it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gesso.engine.graphed_step import (
    STATE_TENSORS,
    StepInputs,
    StepReport,
    graphed_state,
    graphed_step,
    state_of,
    state_tensors,
    to_device,
)
from gesso.engine.job import Job
from gesso.engine.kv_pool import KVPool
from gesso.engine.reference import canvas_pins
from gesso.engine.request import Request
from gesso.errors import GessoError, SettingError
from gesso.kernels.graph import CapturedFunction
from gesso.model.network import Network
from gesso.sampling.denoise import check_numbers, first_state
from gesso.sampling.draws import canvas_generator, draw_step
from gesso.sampling.filters import Filters
from gesso.sampling.pins import Pins
from gesso.sampling.row_rules import RowNumbers, row_numbers
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import CanvasState, StepResult, start_state

HOST = torch.device("cpu")


class GraphedRounds:
    """Steps of many canvases, one CUDA graph for each number of rows: 1, 2, 4 and so on, filled up with idle rows.

    A graph is recorded when its number of rows is first needed. On a CPU the function is called, to the same effect.

    Args:
        network: In eval mode. Its weights and kernels must stay where they are.
        pool: Where encoded text is kept; read only.

    Raises:
        SettingError: The network is on a GPU and computes in plain torch, which waits for the device.
    """

    def __init__(self, network: Network, pool: KVPool) -> None:
        if network.device.type == "cuda" and network.kernels is None:
            raise SettingError(
                "graphs is True and the network computes in plain torch, which cannot be recorded; load it with "
                "kernels='auto', or leave graphs out"
            )
        config = network.config
        longest = -(-config.max_position_embeddings // pool.page_length)
        self._network = network
        self._pool = pool
        self._table_length = min(pool.num_pages, longest)
        self._steps: dict[int, CapturedFunction] = {}
        self._under_way: _UnderWay | None = None
        self._untold: dict[Job, StepResult] = {}  # of jobs that were made to wait: without pages they cannot go on
        blank = torch.zeros(1, config.canvas_length, dtype=torch.int64)
        self._idle = state_tensors(graphed_state(start_state(blank, SamplerSettings()), network))

    def covers(self, request: Request) -> bool:
        """Whether a request's steps can be taken here.

        Nobody must see logits, its canvases must begin as noise and stay whole, and its rules must have row twins.
        """
        if request.mode == "autoregressive" or request.rule is not None or request.is_looked_on:
            return False
        if request.draft is not None or request.sampler.slide is not None:
            return False
        return request.filters == Filters() and row_numbers(request.sampler, 0) is not None

    def advance(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, StepResult | GessoError]]:
        """Start a step of each job's canvas, then give the results of the steps that were started before.

        A canvas that is due is begun; one whose steps have run out waits to be read. The result of a job that has had
        to wait in the meantime is given when it comes again. Mutates the jobs' canvases.
        """
        due: list[Job] = []
        for job in jobs:
            try:
                state = self._begin(job)
            except GessoError as error:
                yield job, error
                continue
            if state.step < _settings(job).max_steps:
                due.append(job)
        started = self._start(due) if due else None
        before, self._under_way = self._under_way, started
        new = {} if before is None else before.results()
        for job in new.keys() - set(jobs):
            if job.state is not None:  # it waits, and need not hold on to the memory of all of its batch
                job.state = state_of([tensor.clone() for tensor in state_tensors(job.state)], job.state.step)
        results = self._untold | new
        self._untold = {job: result for job, result in results.items() if job not in jobs and not job.is_over}
        for job in jobs:
            if job in results:
                if started is not None and bool(results[job].state.finished):
                    started.take_back(job)
                yield job, _checked(job, results[job])

    def _begin(self, job: Job) -> CanvasState:
        if job.state is None:
            job.generator = job.generator or canvas_generator(job.request.seed, job.canvas_index)
            pins = job.pins or canvas_pins(job.request, job.start, HOST)
            first = first_state(
                _settings(job),
                [job.generator],
                canvas_length=self._network.config.canvas_length,
                vocab_size=self._network.config.vocab_size,
                pins=pins and Pins(mask=pins.mask.to(HOST), tokens=pins.tokens.to(HOST)),
            )
            job.state = graphed_state(first, self._network)
        return job.state

    @torch.no_grad()
    def _start(self, jobs: list[Job]) -> "_UnderWay":
        num_rows = 1 << (len(jobs) - 1).bit_length()
        states = [job.state for job in jobs if job.state is not None]
        generators = [job.generator.get_state() for job in jobs if job.generator is not None]
        rows = [*map(state_tensors, states), *[self._idle] * (num_rows - len(jobs))]
        inputs = self._inputs(jobs, num_rows)
        tensors = [torch.cat(parts) for parts in zip(*rows, strict=True)]
        tensors += [to_device(tensor, self._network.device) for tensor in inputs]
        if num_rows not in self._steps:
            function = partial(graphed_step, self._network, self._pool)
            beside = next(iter(self._steps.values()), None)
            self._steps[num_rows] = CapturedFunction(function, tensors, beside=beside)
        results = self._steps[num_rows](*tensors)
        # The next call will overwrite its results.
        after = [tensor.clone() for tensor in results[:STATE_TENSORS]]
        for row, (job, state) in enumerate(zip(jobs, states, strict=True)):
            job.state = state_of([tensor[row : row + 1] for tensor in after], state.step + 1)
        return _UnderWay.of(jobs, generators, results[STATE_TENSORS:])

    def _inputs(self, jobs: list[Job], num_rows: int) -> StepInputs:
        config, num_idle = self._network.config, num_rows - len(jobs)
        generators = [job.generator for job in jobs if job.generator is not None]
        draws = draw_step(
            [*generators, *generators[:1] * num_idle],
            canvas_length=config.canvas_length,
            vocab_size=config.vocab_size,
            device=HOST,
            active=[True] * len(jobs) + [False] * num_idle,
        )
        pages = torch.zeros(num_rows, self._table_length, dtype=torch.int64)
        context = torch.zeros(num_rows, dtype=torch.int64)
        numbers = torch.zeros(num_rows, len(RowNumbers._fields), dtype=torch.float64)
        for row, job in enumerate(jobs):
            assert job.state is not None, "a canvas is begun before its first step"
            pages[row, : len(job.pages)] = torch.tensor(job.pages)
            context[row] = job.num_encoded
            numbers[row] = torch.tensor(row_numbers(_settings(job), job.state.step), dtype=torch.float64)
        return StepInputs(pages, context, numbers, draws.uniforms, draws.renoise)


@dataclass(frozen=True, kw_only=True, slots=True)
class _UnderWay:
    """A step that the device may still be taking.

    Attributes:
        rows: Whose canvases take it, not in vain, and in which row.
        generators: The state of each row's generator before the step.
        report: Where its report is copied to.
        copied: Happens when that is done; None where nothing need be waited for.
    """

    rows: dict[Job, int]
    generators: list[Tensor]
    report: StepReport
    copied: torch.cuda.Event | None

    @classmethod
    def of(cls, jobs: list[Job], generators: list[Tensor], report: Sequence[Tensor]) -> "_UnderWay":
        """Begin to copy the report of a step that has just been started; nothing waits."""
        on_gpu = report[0].is_cuda
        copies = [torch.empty(x.shape, dtype=x.dtype, pin_memory=on_gpu).copy_(x, non_blocking=True) for x in report]
        copied = torch.cuda.Event() if on_gpu else None
        if copied is not None:
            copied.record()
        rows = {job: row for row, job in enumerate(jobs)}
        return cls(rows=rows, generators=generators, report=StepReport(*copies), copied=copied)

    def results(self) -> dict[Job, StepResult]:
        """Wait for the step, and say what it did."""
        if self.copied is not None:
            self.copied.synchronize()
        return {job: self.report.row(row) for job, row in self.rows.items()}

    def take_back(self, job: Job) -> None:
        """Take a job whose canvas was finished before out of the step, if it is there; mutates its generator."""
        row = self.rows.pop(job, None)
        if row is not None and job.generator is not None:
            job.generator.set_state(self.generators[row])


def _checked(job: Job, result: StepResult) -> StepResult | GessoError:
    try:
        check_numbers(result, torch.ones(1, dtype=torch.bool), _settings(job).max_steps)
    except GessoError as error:
        return error
    return result


def _settings(job: Job) -> SamplerSettings:
    return job.request.draft_settings(job.spent)
