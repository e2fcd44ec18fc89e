"""Every Triton kernel beside its twins of the libraries: does it agree, how long does it take, and what is possible.

    python benchmarks/gpu_kernels.py --tune --output benchmarks/results/gpu_kernels.json
    TRITON_INTERPRET=1 python benchmarks/gpu_kernels.py --tiny

The first runs on a GPU, in the shapes of the published 26B model; --tune tries every tile in the lists below and keeps
the fastest. The second rehearses on a CPU in small shapes: what it says about agreement holds, its times mean nothing.
The exit status is 1 if a kernel disagrees with the plain torch twin.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from gpu_roofline import Peaks, device_peaks
from torch import Tensor
from torch.nn import functional as F

from gesso.bench.random_models import PUBLISHED
from gesso.evals.record import write_record
from gesso.kernels.attention import AttentionTile, attend_canvas
from gesso.kernels.experts import ExpertTile, mix_experts_grouped
from gesso.kernels.head import HeadTile, read_head
from gesso.kernels.norm_rope import norm_rope
from gesso.model.config import ModelConfig
from gesso.model.masks import denoise_visibility
from gesso.ops import head as plain_head
from gesso.ops.attention import attend
from gesso.ops.experts import mix_experts_sparse, route
from gesso.ops.norm import rms_norm
from gesso.ops.read_head import read_head as read_head_in_chunks
from gesso.ops.rope import apply_rope, rope_frequencies, rope_tables

TINY = replace(
    PUBLISHED,
    vocab_size=500,
    hidden_size=48,
    num_attention_heads=4,
    num_key_value_heads=2,
    num_global_key_value_heads=1,
    head_dim=16,
    global_head_dim=32,
    sliding_window=24,
    num_experts=8,
    top_k_experts=2,
    moe_intermediate_size=20,
    canvas_length=16,
)

ATTENTION_TILES = [
    AttentionTile(rows=rows, keys=keys, splits=splits, warps=warps, stages=stages)
    for rows, keys, splits, warps, stages in product((64, 128), (32, 64), (1, 2, 4), (4, 8), (2, 3))
]
EXPERT_TILES = [
    ExpertTile(tokens=tokens, columns=columns, depth=depth, warps=warps, stages=stages)
    for tokens, columns, depth, warps, stages in product((16, 32, 64), (32, 64, 128), (64, 128), (4, 8), (3, 4))
]
HEAD_TILES = [
    HeadTile(rows=128, tokens=tokens, depth=64, columns=columns, chunk_tiles=tiles, splits=splits, warps=8, stages=3)
    for tokens, columns, tiles, splits in product((64, 128, 256), (128, 256), (32, 64, 128), (1, 3, 6))
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kernel on one input.

    Attributes:
        name: What is computed.
        kernel: Computes it, given a tile or None.
        plain: The specification in plain torch, which the kernel must agree with.
        twins: Other ways of the libraries, by name.
        num_bytes: What must be read and written at least.
        flops: Operations that must be done at least.
        tolerance: Largest difference allowed, relative to the largest value.
        tiles: Tiles to try.
    """

    name: str
    kernel: Callable[[Any], Tensor]
    plain: Callable[[], Tensor]
    twins: dict[str, Callable[[], Tensor]] = field(default_factory=dict)
    num_bytes: float
    flops: float
    tolerance: float
    tiles: Sequence[Any] = ()


class Draw:
    """Normal numbers on a device.

    Args:
        device: Where they are made.
        dtype: Dtype that they have unless another is asked for.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._generator = torch.Generator(device).manual_seed(0)

    def __call__(self, *shape: int, scale: float = 1.0, dtype: torch.dtype | None = None) -> Tensor:
        """Numbers of a standard deviation."""
        numbers = torch.randn(*shape, generator=self._generator, device=self.device, dtype=dtype or self.dtype)
        return numbers.mul_(scale)


def attention_case(config: ModelConfig, kind: str, batch: int, context: int, draw: Draw) -> Case:
    """Attention of canvases over contexts of one length."""
    layer = config.layer_types.index(kind)
    (kv_heads, width), length = config.heads(layer), config.canvas_length
    window = config.sliding_window if kind == "sliding_attention" else None
    queries = draw(batch, config.num_attention_heads, length, width, scale=width**-0.5)
    own = [draw(batch, kv_heads, length, width) for _ in range(2)]
    past = [draw(batch, kv_heads, context, width) for _ in range(2)]
    lengths = torch.full((batch,), context, device=draw.device)
    seen = context if window is None else min(context, window - 1)

    def join() -> list[Tensor]:
        return [torch.cat([old[:, :, context - seen :], new], 2) for old, new in zip(past, own, strict=True)]

    joined = join()
    everything = [torch.cat(pair, 2) for pair in zip(past, own, strict=True)]
    mask = denoise_visibility(lengths, 0, context, length, window)
    element = queries.element_size()
    return Case(
        name=f"attention, {kind.removesuffix('_attention')}, batch {batch}",
        kernel=lambda tile: attend_canvas(queries, *own, *past, lengths, window=window, tile=tile),
        plain=lambda: attend(queries, *join()),
        twins={
            "sdpa, joined before": lambda: attend(queries, *joined),
            "sdpa with a mask": lambda: attend(queries, *everything, mask),
            "flex_attention": _flex(queries, *joined),
        },
        num_bytes=element * (2 * queries.numel() + 2 * batch * kv_heads * (seen + length) * width),
        flops=4 * batch * config.num_attention_heads * length * width * (seen + length),
        tolerance=2e-2,
        tiles=ATTENTION_TILES,
    )


def _flex(queries: Tensor, keys: Tensor, values: Tensor) -> Callable[[], Tensor]:
    from torch.nn.attention.flex_attention import flex_attention

    compute = torch.compile(flex_attention) if queries.is_cuda else flex_attention
    return lambda: compute(queries, keys, values, scale=1.0, enable_gqa=True)


def experts_case(config: ModelConfig, batch: int, draw: Draw) -> Case:
    """The mixture of experts of one layer."""
    tokens, width, inner = batch * config.canvas_length, config.hidden_size, config.moe_intermediate_size
    x = draw(tokens, width)
    gate_up = draw(config.num_experts, 2 * inner, width, scale=width**-0.5)
    down = draw(config.num_experts, width, inner, scale=inner**-0.5)
    scores, scale = draw(tokens, config.num_experts), torch.ones(config.num_experts, device=draw.device)
    weights, chosen = route(scores, scale, config.top_k_experts)
    experts_in_use = len(chosen.unique())
    return Case(
        name=f"experts, batch {batch}",
        kernel=lambda tile: mix_experts_grouped(x, gate_up, down, weights, chosen, tile=tile),
        plain=lambda: mix_experts_sparse(x, gate_up, down, weights, chosen),
        twins={"grouped_mm": lambda: _grouped_mm(x, gate_up, down, weights, chosen)},
        num_bytes=x.element_size() * (2 * x.numel() + experts_in_use * 3 * width * inner),
        flops=6 * tokens * config.top_k_experts * width * inner,
        tolerance=3e-2,
        tiles=EXPERT_TILES,
    )


def _grouped_mm(x: Tensor, gate_up: Tensor, down: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
    """The same by torch's grouped matrix product."""
    flat = chosen.flatten()
    order = flat.argsort()
    ends = (flat[:, None] == torch.arange(len(gate_up), device=x.device)).sum(0).cumsum(0).to(torch.int32)
    token = order // chosen.shape[1]
    gate, up = torch._grouped_mm(x[token], gate_up.transpose(1, 2), offs=ends).chunk(2, -1)
    out = torch._grouped_mm(F.gelu(gate, approximate="tanh") * up, down.transpose(1, 2), offs=ends)
    mixed = torch.zeros(x.shape, dtype=torch.float32, device=x.device)
    return mixed.index_add_(0, token, out * weights.flatten()[order, None]).to(x.dtype)


def head_case(config: ModelConfig, batch: int, draw: Draw) -> Case:
    """The vocabulary head; what is compared is the soft embedding."""
    hidden = draw(batch, config.canvas_length, config.hidden_size, scale=0.1)
    embedding = draw(config.vocab_size, config.hidden_size)
    temperature = torch.full((batch,), 0.8, device=draw.device)
    uniforms = torch.rand(batch, config.canvas_length, device=draw.device, dtype=torch.float64)
    softcap, root = config.final_logit_softcapping, config.hidden_size**0.5

    def by_logits() -> Tensor:
        logits = plain_head.softcapped_logits(hidden, embedding, softcap) / 0.8
        log_probabilities = logits.log_softmax(-1)
        (log_probabilities.exp() * log_probabilities).sum(-1)
        logits.argmax(-1)
        return plain_head.soft_embedding(logits, embedding, root)

    return Case(
        name=f"head, batch {batch}",
        kernel=lambda tile: read_head(hidden, embedding, softcap, temperature, uniforms, tile=tile)[4],
        plain=lambda: read_head_in_chunks(hidden, embedding, softcap, temperature, uniforms).soft_embedding,
        twins={"cuBLAS and softmax": by_logits},
        num_bytes=embedding.element_size() * (embedding.numel() + 2 * hidden.numel()),
        flops=4 * embedding.numel() * batch * config.canvas_length,
        tolerance=3e-2,
        tiles=HEAD_TILES,
    )


def norm_rope_case(config: ModelConfig, batch: int, context: int, draw: Draw) -> Case:
    """Norm and rotation of the queries of a full layer."""
    width, length = config.global_head_dim, config.canvas_length
    x = draw(batch, length, config.num_attention_heads, width).transpose(1, 2)
    weight = draw(width)
    positions = torch.arange(context, context + length, device=draw.device).expand(batch, -1)
    frequencies = rope_frequencies(width, config.full_rope.theta, config.full_rope.partial).to(draw.device)
    cos, sin = rope_tables(positions, frequencies, draw.dtype)

    def plain() -> Tensor:
        return apply_rope(rms_norm(x, weight, 1e-6), cos, sin)

    return Case(
        name=f"norm and rope, batch {batch}",
        kernel=lambda tile: norm_rope(x, weight, 1e-6, cos, sin),
        plain=plain,
        twins={"torch.compile": torch.compile(plain)} if x.is_cuda else {},
        num_bytes=x.element_size() * (2 * x.numel() + 2 * cos.numel()),
        flops=8 * x.numel(),
        tolerance=2e-2,
    )


def seconds(run: Callable[[], Any], *, repeats: int) -> float:
    """Median time of a call, on a GPU with a cold cache as in a step, where other weights have passed in between."""
    if not torch.cuda.is_available():
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
        return statistics.median(times)
    flush = torch.empty(2**28, dtype=torch.int8, device="cuda")
    for _ in range(3):
        run()
    pairs = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
    for start, end in pairs:
        flush.zero_()
        start.record()
        run()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(start.elapsed_time(end) for start, end in pairs) / 1000


def fastest_tile(case: Case, *, repeats: int) -> Any:
    """The tile with which the kernel is fastest; one that the device has no room for is passed over."""
    times: dict[Any, float] = {}
    for tile in case.tiles:
        try:
            times[tile] = seconds(partial(case.kernel, tile), repeats=repeats)
        except Exception as error:  # Triton has many ways to say that a tile does not fit
            print(f"    {tile}: {type(error).__name__}", file=sys.stderr)
    return min(times, key=times.__getitem__) if times else None


def measure(case: Case, peaks: Peaks, *, tune: bool, repeats: int) -> dict[str, Any]:
    """Compare one kernel with its twins."""
    tile = fastest_tile(case, repeats=max(3, repeats // 5)) if tune and case.tiles else None
    expected = case.plain().float()
    error = float((case.kernel(tile).float() - expected).abs().max() / expected.abs().max())
    floor = peaks.floor_s(case.num_bytes, case.flops)
    times: dict[str, float | str] = {}
    for name, run in {"kernel": partial(case.kernel, tile), "plain": case.plain, **case.twins}.items():
        try:
            times[name] = seconds(run, repeats=repeats) * 1e6
        except Exception as refusal:  # a library that cannot do a shape says so in its own way
            if name in ("kernel", "plain"):
                raise
            times[name] = str(refusal).splitlines()[0][:80]
    return {
        "case": case.name,
        "agrees": error <= case.tolerance,
        "relative_error": error,
        "tile": None if tile is None else asdict(tile),
        "bytes": case.num_bytes,
        "flops": case.flops,
        "floor_us": floor * 1e6,
        "share_of_roofline": floor * 1e6 / times["kernel"],
        "us": times,
    }


def print_row(row: dict[str, Any]) -> None:
    """One kernel's figures, for a person."""
    verdict = "agrees" if row["agrees"] else "DISAGREES"
    print(f"{row['case']}: {verdict} (error {row['relative_error']:.1e})")
    print(
        f"    roofline {row['floor_us']:10.1f} us   {row['bytes'] / 1e6:.1f} MB, {row['flops'] / 1e9:.1f} GFLOP; "
        f"the kernel reaches {row['share_of_roofline']:.0%}"
    )
    for name, value in row["us"].items():
        print(f"    {name:24} {value if isinstance(value, str) else f'{value:10.1f} us'}", flush=True)
    if row["tile"]:
        print(f"    tile {row['tile']}")


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="small shapes, to rehearse on a CPU")
    parser.add_argument("--tune", action="store_true", help="try every tile and keep the fastest")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if not (args.tiny or torch.cuda.is_available()):
        parser.error("there is no GPU; rehearse with TRITON_INTERPRET=1 and --tiny")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config, peaks = TINY if args.tiny else PUBLISHED, device_peaks()
    if args.tiny:
        args.batch, args.context, args.repeats = [2], 40, 1
    draw = Draw(device, torch.bfloat16 if device.type == "cuda" else torch.float32)
    print(f"{peaks.name}: {peaks.bytes_per_s / 1e12:.2f} TB/s, {peaks.flops_per_s / 1e12:.0f} TFLOP/s in bfloat16")

    rows = []
    for batch in args.batch:
        makers = [
            partial(norm_rope_case, config, batch, args.context),
            partial(attention_case, config, "sliding_attention", batch, args.context),
            partial(attention_case, config, "full_attention", batch, args.context),
            partial(experts_case, config, batch),
            partial(head_case, config, batch),
        ]
        for make in makers:  # one at a time: the weights of one case must not crowd out those of the next
            rows.append(measure(make(draw), peaks, tune=args.tune, repeats=args.repeats))
            print_row(rows[-1])
    if args.output:
        settings = {name: getattr(args, name) for name in ("tiny", "tune", "batch", "context", "repeats")}
        write_record(args.output, settings | {"peaks": asdict(peaks)}, rows)
    if not all(row["agrees"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    with torch.no_grad():
        main()
