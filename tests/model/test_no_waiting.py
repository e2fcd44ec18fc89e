"""A denoising pass asks nothing of the host: only then can it be recorded as a CUDA graph."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gesso.ops.gpu_kernels import GpuKernels
from tests.tiny_model import CONFIG, tiny_network

WAITING = ("_local_scalar_dense", "nonzero", "_unique")


class NothingWaits(TorchDispatchMode):
    """Refuses operations that wait for a device, and tensors that are not on it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert not any(name in str(func) for name in WAITING), func
        out = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves((args, out)):
            assert not isinstance(tensor, torch.Tensor) or tensor.is_meta, f"{func} sees a tensor on the host"
        return out


def only_shapes():
    """Kernels that give results of the right shapes."""
    return GpuKernels(
        norm_rope=lambda x, weight, eps, cos, sin: torch.empty_like(x),
        attend_canvas=lambda queries, *rest, **options: torch.empty_like(queries),
        mix_experts=lambda x, *rest: torch.empty_like(x),
        read_head=lambda *arguments: None,
    )


def refuse(*arguments, **keywords):
    raise AssertionError("torch.tensor copies from the host; torch.full does not")


@torch.no_grad()
def test_a_denoising_pass_with_kernels_never_waits_for_the_device(monkeypatch):
    network = tiny_network().to("meta")
    network.use_kernels(only_shapes())
    cache = network.new_cache(batch=2, max_len=40)
    cache.advance([40, 40])
    canvas = torch.zeros(2, CONFIG.canvas_length, dtype=torch.int64, device="meta")
    soft = torch.zeros(2, CONFIG.canvas_length, CONFIG.hidden_size, device="meta")
    context = torch.zeros(2, dtype=torch.int64, device="meta")
    network.denoise_hidden(canvas, cache, soft, context=context)  # what is made once is made here
    monkeypatch.setattr(torch, "tensor", refuse)
    with NothingWaits():
        hidden = network.denoise_hidden(canvas, cache, soft, context=context)
    assert hidden.shape == soft.shape
