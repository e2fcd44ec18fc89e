"""Which operations of the network a GPU computes with kernels of its own, and whether it does.

On a CPU nothing here imports triton. Each kernel computes what its plain twin computes, up to rounding, and has no
gradient.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

import torch
from torch import Tensor

from gesso.errors import SettingError
from gesso.ops.read_head import HeadReading

KernelChoice = Literal["auto", "triton", "plain"]
"""Triton kernels where they can run, in any case, or never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuKernels:
    """Operations in the place of their plain twins.

    Attributes:
        norm_rope: RMSNorm and rotary embedding of queries or keys (`ops/norm.py`, `ops/rope.py`).
        attend_canvas: Attention of a canvas over cache and canvas (`ops/attention.py` under `model/masks.py`).
        mix_experts: The chosen experts of every token (`ops/experts.py`).
        read_head: The vocabulary head in one pass (`ops/read_head.py`).
    """

    norm_rope: Callable[..., Tensor]
    attend_canvas: Callable[..., Tensor]
    mix_experts: Callable[..., Tensor]
    read_head: Callable[..., HeadReading]


def choose_kernels(choice: str, device: torch.device | str) -> GpuKernels | None:
    """The kernels for a network on a device, or None for plain torch.

    Args:
        choice: One of `KernelChoice`. "auto" takes kernels on a CUDA device where triton is installed.
        device: Where the network runs.

    Raises:
        SettingError: There is no such choice, or kernels are asked for where they cannot run.
    """
    if choice not in get_args(KernelChoice):
        raise SettingError(f"kernels is {choice!r}; choose from {', '.join(get_args(KernelChoice))}")
    is_gpu = torch.device(device).type == "cuda"
    if choice == "plain" or (choice == "auto" and not (is_gpu and find_spec("triton"))):
        return None
    if find_spec("triton") is None:
        raise SettingError("kernels is 'triton', which is not installed; install triton or choose 'plain'")
    if not is_gpu and os.environ.get("TRITON_INTERPRET") != "1":
        raise SettingError(
            f"kernels is 'triton' and the device {str(device)!r}; choose a 'cuda' device, or 'plain', or set "
            "TRITON_INTERPRET=1 to try the kernels slowly"
        )
    return _triton_kernels()


def _triton_kernels() -> GpuKernels:
    from gesso.kernels import attention, experts, head, norm_rope

    def read_head(*arguments: object, **keywords: object) -> HeadReading:
        entropy, confidence, argmax, sampled, soft_embedding = head.read_head(*arguments, **keywords)
        return HeadReading(
            entropy=entropy, confidence=confidence, argmax=argmax, sampled=sampled, soft_embedding=soft_embedding
        )

    return GpuKernels(
        norm_rope=norm_rope.norm_rope,
        attend_canvas=attention.attend_canvas,
        mix_experts=experts.mix_experts_grouped,
        read_head=read_head,
    )
