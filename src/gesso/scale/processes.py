"""The processes of a command: one, or several that torchrun has started to share its work.

    gesso train ...                                            one
    torchrun --nproc-per-node 2 -m gesso train ...             two, by the same words

torchrun tells each process its number by the environment (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT).
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor

from gesso.errors import GessoError, SettingError, TrainingError
from gesso.scale.sharded_worker import ShardedWorker
from gesso.train.prepared_run import PreparedRun
from gesso.train.worker import LoneWorker, MakeWorker

Result = TypeVar("Result")

_SPOKEN, _HEARD = "the first process has told its error", "processes that know"
_TIME_TO_SPEAK_S, _TIME_TO_HEAR_S = 5.0, 2.0
_POLL_S = 0.1


@runtime_checkable
class Processes(Protocol):
    """The processes of a command, as one of them sees them.

    Attributes:
        count: How many there are.
        is_first: Whether this process is the one that speaks and writes.
        make_worker: Makes the worker of this process.
    """

    count: int
    is_first: bool
    make_worker: MakeWorker

    def in_turn(self, work: Callable[[], Result]) -> Result:
        """Do something in the first process, and then in the others, which find what it has written.

        Raises:
            TrainingError: The first process has failed.
        """
        ...

    def whole(self, prepared: PreparedRun) -> PreparedRun | None:
        """A run in training with a network that can be used by itself; None for all processes but the first.

        Every process calls this.
        """
        ...


class OneProcess:
    """The only process of a command."""

    count = 1
    is_first = True

    def __init__(self) -> None:
        self.make_worker: MakeWorker = LoneWorker

    def in_turn(self, work: Callable[[], Result]) -> Result:
        """Do it."""
        return work()

    def whole(self, prepared: PreparedRun) -> PreparedRun:
        """The run as it is."""
        return prepared


class ManyProcesses:
    """One of several processes; `join_processes` makes it.

    Args:
        store: What the processes tell each other by.
        rank: Number of this one.
        mesh: All of them.
    """

    def __init__(self, store: dist.Store, rank: int, mesh: DeviceMesh) -> None:
        self.count = mesh.size()
        self.is_first = rank == 0
        self.make_worker: MakeWorker = partial(ShardedWorker, mesh=mesh)
        self._store = store
        self._rank = rank
        self._turns = 0

    def in_turn(self, work: Callable[[], Result]) -> Result:
        """Do something in the first process, and then in the others."""
        key = f"turn {self._turns}"
        self._turns += 1
        if not self.is_first:
            _wait_until(lambda: self._store.check([key]))
            if self._store.get(key) != b"done":
                raise TrainingError("the first process has failed; its own error says why")
            return work()
        try:
            result = work()
        except BaseException:
            self._store.set(key, "failed")
            raise
        self._store.set(key, "done")
        return result

    def whole(self, prepared: PreparedRun) -> PreparedRun | None:
        """The run with all weights on the CPU, for the first process."""
        weights = {}
        for name, weight in prepared.materials.network.state_dict().items():
            gathered = weight.full_tensor() if isinstance(weight, DTensor) else weight
            if self.is_first:
                weights[name] = gathered.cpu()
        return prepared.with_weights(weights) if self.is_first else None

    def explain(self, error: BaseException) -> None:
        """Speak with one voice: of what all processes meet with, the first tells alone.

        Args:
            error: What this process ends with.

        Raises:
            TrainingError: Another process has ended before its time, or only this process has an error.
            SystemExit: The first process has told it already.
        """
        lost = _is_lost_connection(error)
        if self.is_first:
            self._tell(wait=isinstance(error, GessoError))
        elif lost or isinstance(error, GessoError):
            if self._is_told():
                sys.exit(1)
            if not lost:
                raise TrainingError(f"process {self._rank}: {error}") from error
        if lost:
            raise TrainingError(
                f"process {self._rank} has lost another, which has ended; start all again with the same words to go on "
                "from the last saved state"
            ) from error

    def _tell(self, *, wait: bool) -> None:
        # The others cannot be told by a process that has ended, so it waits until they know.
        try:
            self._store.set(_SPOKEN, "")
            if wait:
                _wait_until(lambda: self._store.add(_HEARD, 0) >= self.count - 1, _TIME_TO_HEAR_S)
        except RuntimeError:
            return  # Nobody is left to be told.

    def _is_told(self) -> bool:
        try:
            is_told = _wait_until(lambda: self._store.check([_SPOKEN]), _TIME_TO_SPEAK_S)
            self._store.add(_HEARD, 1)
        except RuntimeError:
            return False
        return is_told


@contextmanager
def join_processes() -> Iterator[Processes]:
    """The processes of this command, as long as the block lasts; outside torchrun there is one.

    Raises:
        SettingError: The environment does not say which of the processes this is, or there is no accelerator for it.
        TrainingError: Another process has ended before its time.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield OneProcess()
        return
    processes = _join()
    try:
        yield processes
    except BaseException as error:
        processes.explain(error)
        raise
    dist.destroy_process_group()


def _join() -> ManyProcesses:
    has_accelerator = torch.cuda.is_available()
    try:
        store, rank, size = next(dist.rendezvous("env://"))
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    except (ValueError, RuntimeError) as error:
        raise SettingError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']} and the processes do not find each other "
            f"({' '.join(str(error).split())[:200]}); start them by torchrun"
        ) from error
    if has_accelerator:
        if local_rank >= torch.cuda.device_count():
            raise SettingError(
                f"process {rank} is number {local_rank} of its machine, which has {torch.cuda.device_count()} "
                "accelerators; start no more processes than that (--nproc-per-node)"
            )
        torch.cuda.set_device(local_rank)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if has_accelerator else "gloo", store=store, rank=rank, world_size=size
    )
    return ManyProcesses(store, rank, init_device_mesh("cuda" if has_accelerator else "cpu", (size,)))


def _wait_until(condition: Callable[[], bool], seconds: float = math.inf) -> bool:
    """Wait until something is so, at most so long, and able to be interrupted; returns whether it is so."""
    late = time.monotonic() + seconds
    while not (is_so := condition()) and time.monotonic() < late:
        time.sleep(_POLL_S)
    return is_so


def _is_lost_connection(error: BaseException | None) -> bool:
    """Whether an error stands on another process that no longer answers."""
    while error is not None:
        is_of_backend = type(error) is RuntimeError and ("gloo" in str(error) or "NCCL" in str(error))
        if is_of_backend or isinstance(error, dist.DistError):
            return True
        error = error.__cause__
    return False
