"""Compiles every kernel for an H100, in the shapes of the 26B model, on a machine that needs no GPU.

A program, not a test: Triton decides at import whether kernels are interpreted. It prints a line for each kernel.
"""

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from gesso.kernels.attention import AttentionTile, attend_canvas
from gesso.kernels.experts import mix_experts_grouped
from gesso.kernels.head import HeadTile, read_head
from gesso.kernels.norm_rope import norm_rope


class H100:
    """What the compiler asks of a driver."""

    def get_current_target(self):
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self):
        return 0

    def get_current_stream(self, device=None):
        return 0


def compile_only(function, *args, grid, warmup, **keywords):
    compiled = launch(function, *args, grid=grid, warmup=True, **keywords)
    print(function.__name__, compiled.metadata.shared, flush=True)


def empty(*shape, dtype=torch.bfloat16):
    return torch.empty(shape, dtype=dtype)


def compile_all():
    norm_rope(empty(1, 16, 256, 512), empty(512), 1e-6, empty(1, 1, 256, 512), empty(1, 1, 256, 512))
    context, slots = torch.zeros(1, dtype=torch.int64), torch.zeros(1, 4096, dtype=torch.int64)
    for width, heads, window, options in (
        (256, 8, 1024, {}),
        (512, 2, None, {"tile": AttentionTile(splits=2), "slots": slots}),
    ):
        own = [empty(1, heads, 256, width) for _ in range(2)]
        past = [empty(1, heads, 4096, width) for _ in range(2)]
        attend_canvas(empty(1, 16, 256, width), *own, *past, context, window=window, **options)
    weights, chosen = empty(256, 8, dtype=torch.float32), torch.zeros(256, 8, dtype=torch.int64)
    gate_up, down = empty(8, 1408, 2816), empty(8, 2816, 704)
    mix_experts_grouped(empty(256, 2816), gate_up, down, weights, chosen)
    scales = {"gate_up_scale": weights.new_empty(8, 1408), "down_scale": weights.new_empty(8, 2816)}
    narrow = [weight.to(torch.float8_e4m3fn) for weight in (gate_up, down)]
    mix_experts_grouped(empty(256, 2816), *narrow, weights, chosen, **scales)
    chunk = empty(HeadTile().chunk_tiles * HeadTile().tokens, 2816)
    uniforms = torch.zeros(1, 256, dtype=torch.float64)
    read_head(empty(1, 256, 2816), chunk, 30.0, torch.ones(1), uniforms)


if __name__ == "__main__":
    launch = JITFunction.run
    JITFunction.run = compile_only
    driver.set_active(H100())
    compile_all()
