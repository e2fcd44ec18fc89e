"""A function of tensors as one CUDA graph: recorded once, and then started by a single call from the host.

A step of denoising is about a thousand small kernels; started one by one, the host takes longer to start them than the
device to run them. What is recorded must depend on its tensors alone: no shapes that follow from values, no waiting
for the device. On a CPU the function is simply called.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gesso.errors import InputError


class CapturedFunction:
    """A function of tensors with fixed shapes.

    Args:
        function: Takes tensors and returns tensors; pure but for memory that the caller keeps alive.
        example: Inputs of the shapes, dtypes and device that every call will have; not changed.
        warmup: Calls before recording, in which libraries choose their kernels and reserve memory.
        beside: Another one that never runs at the same time: both work in the same memory, so that a call of either
            may overwrite the results of the other. None: in memory of its own.
    """

    def __init__(
        self,
        function: Callable[..., tuple[Tensor, ...]],
        example: Sequence[Tensor],
        *,
        warmup: int = 3,
        beside: "CapturedFunction | None" = None,
    ) -> None:
        if warmup < 1:
            raise InputError(f"warmup is {warmup}; give at least 1, for nothing may be loaded while recording")
        self._function = function
        self._inputs = tuple(tensor.clone() for tensor in example)
        self._graph: torch.cuda.CUDAGraph | None = None
        if self._inputs and self._inputs[0].is_cuda:
            self._record(warmup, beside)

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute the function.

        Returns:
            Its results. Those of a graph lie where the next call will write its own: copy what must outlive it.

        Raises:
            InputError: The inputs are not like the example.
        """
        described = [_describe(tensor) for tensor in inputs]
        expected = [_describe(tensor) for tensor in self._inputs]
        if described != expected:
            raise InputError(f"the inputs are {', '.join(described)}; the function takes {', '.join(expected)}")
        if self._graph is None:
            return self._function(*inputs)
        for held, given in zip(self._inputs, inputs, strict=True):
            held.copy_(given)
        self._graph.replay()
        return self._outputs

    @torch.no_grad()
    def _record(self, warmup: int, beside: "CapturedFunction | None") -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(warmup):
                self._function(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        pool = None if beside is None or beside._graph is None else beside._graph.pool()
        # Other threads may go on using the device meanwhile, as those of a server do.
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            self._outputs = self._function(*self._inputs)
        self._graph = graph


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)} on {tensor.device}"
