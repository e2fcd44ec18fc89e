"""Where the time of a denoising step goes, beside the speed at which this processor multiplies matrices.

    python benchmarks/step_parts.py --output benchmarks/results/step_parts.json

A step is timed whole and in parts: the layers, the reading of the prediction, and what is left, drawing and deciding.
The parts take turns, so a machine whose speed drifts slows all. `of_peak` is the arithmetic of matrix products by the
time of the step, in shares of the speed of one large product. Then torch's profiler counts the operations by kind.
Times are those of the processor, per thread: what other programs take of it does not count.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from random_models import SHAPES, random_network
from record import write_record
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

import gesso
from gesso.engine.denoiser import CachedDenoiser
from gesso.model.network import Network
from gesso.ops.allocator import keep_freed_memory
from gesso.sampling.denoise import first_state, next_step
from gesso.sampling.draws import canvas_generator
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import NeverStop

KINDS = {
    "matrix products": ("aten::mm", "aten::bmm", "aten::addmm", "aten::_scaled_dot_product"),
    "copies and dtypes": ("aten::copy_", "aten::cat", "aten::clone"),
    "exponentials": ("aten::_softmax", "aten::sigmoid", "aten::tanh", "aten::gelu", "aten::exp", "aten::log"),
    "gathers and sorts": ("aten::index", "aten::gather", "aten::sort", "aten::topk", "aten::searchsorted"),
    "sums and norms": ("aten::sum", "aten::cumsum", "aten::linalg_vector_norm", "aten::amax", "aten::max"),
}


def seconds(run: Callable[[], Any]) -> float:
    """Processor time of one call, by thread."""
    started = time.process_time()
    run()
    return (time.process_time() - started) / torch.get_num_threads()


def peak_gflops(dtype: torch.dtype) -> float:
    """Speed of a large matrix product."""
    one = torch.randn(2048, 2048).to(dtype)
    return 2 * 2048**3 / min(seconds(lambda: one @ one) for _ in range(5)) / 1e9


def kind_of(operation: str) -> str:
    """The kind of an operation, in the words of the table."""
    return next((kind for kind, names in KINDS.items() if operation.startswith(names)), "other")


def by_kind(run: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Share of each kind of operation in the time that the profiler sees."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(repeats):
            run()
    shares: dict[str, float] = defaultdict(float)
    for event in profiler.key_averages():
        shares[kind_of(event.key)] += event.self_cpu_time_total
    total = sum(shares.values())
    return {kind: round(share / total, 3) for kind, share in sorted(shares.items(), key=lambda item: -item[1])}


def measure(network: Network, *, batch: int, context: int, repeats: int) -> dict[str, Any]:
    """Time a step of canvases that all follow `context` tokens, and its parts."""
    config = network.config
    length, vocab_size = config.canvas_length, config.vocab_size
    cache = network.new_cache(batch=batch, max_len=context)
    generators = [canvas_generator(0, row) for row in range(batch)]
    settings = SamplerSettings(max_steps=10_000, stop=NeverStop())
    denoiser = CachedDenoiser(network, cache)
    with torch.no_grad():
        network.encode(torch.randint(vocab_size, (batch, context)), cache)
        state = first_state(settings, generators, canvas_length=length, vocab_size=vocab_size)
        state = next_step(state, denoiser, settings, generators, vocab_size).state  # from here on it is fed back
        hidden = network.denoise_hidden(state.canvas, cache, state.conditioning)
        temperature = torch.full((batch,), 0.8)
        uniforms = torch.rand(batch, length, dtype=torch.float64)
        runs: dict[str, Callable[[], Any]] = {
            "step": lambda: next_step(state, denoiser, settings, generators, vocab_size),
            "layers": lambda: network.denoise_hidden(state.canvas, cache, state.conditioning),
            "reading": lambda: network.read_head(hidden, temperature, uniforms),
        }
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(repeats):
            for name, run in runs.items():
                times[name].append(1000 * seconds(run))
        with FlopCounterMode(display=False) as counter:
            runs["step"]()
        shares = by_kind(runs["step"], 2)
    medians = {name: statistics.median(values) for name, values in times.items()}
    gflop = counter.get_total_flops() / 1e9
    return {
        "ms": {name: round(value, 2) for name, value in medians.items()},
        "ms_min": {name: round(min(values), 2) for name, values in times.items()},
        "ms_rest": round(medians["step"] - medians["layers"] - medians["reading"], 2),
        "gflop": round(gflop, 2),
        "of_peak": round(1e3 * gflop / medians["step"] / (peak_gflops(network.dtype) * torch.get_num_threads()), 3),
        "by_kind": shares,
    }


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=("bundled", *SHAPES), default=["bundled", *SHAPES])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    keep_freed_memory()
    dtype, rows = getattr(torch, args.dtype), []
    for name in args.models:
        network = gesso.load(dtype=dtype).network if name == "bundled" else random_network(name, dtype)
        if args.compile:
            network.compile_denoising()
        for batch in args.batch:
            if name != "bundled" and batch > 1:
                continue  # as many times the work, and the head goes row by row in the engine anyway
            result = measure(network, batch=batch, context=args.context, repeats=args.repeats)
            rows.append({"model": name, "batch": batch, **result})
            print(rows[-1], flush=True)
    if args.output:
        write_record(args.output, {key: value for key, value in vars(args).items() if key != "output"}, rows)


if __name__ == "__main__":
    main()
