"""Where the time of a denoising step goes, beside the speed at which this machine multiplies matrices.

A step is timed whole and in parts: the layers, the reading of the prediction, and what is left, drawing and deciding.
Parts and one large product take turns, so a machine whose speed drifts slows all of them.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from gesso.bench.summary import Row, summarize, to_digits
from gesso.bench.turns import Measurement, in_turns
from gesso.engine.denoiser import CachedDenoiser
from gesso.errors import SettingError
from gesso.model.network import Network
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
"""Operations by the words of the table; all others are "other"."""

PRODUCT_SIDE = 2048
"""Rows and columns of the matrices whose product is the peak."""

TEMPERATURE = 0.8

Parts = dict[str, Callable[[], Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSetup:
    """What is timed.

    Attributes:
        batches: Canvases that share a step, size by size.
        context: Tokens before each canvas.
    """

    batches: tuple[int, ...] = (1,)
    context: int = 64

    def __post_init__(self) -> None:
        if not self.batches or min(self.batches) < 1:
            raise SettingError(f"the batches are {list(self.batches)}; give sizes from 1 up")
        if len(set(self.batches)) != len(self.batches):
            raise SettingError(f"the batches are {list(self.batches)}; give each once")
        if self.context < 1:
            raise SettingError(f"the context is {self.context} tokens; give 1 or more")


@torch.no_grad()
def step_parts(network: Network, batch: int, context: int) -> Parts:
    """A step of canvases that all follow a random text, whole and in parts, to be called again and again.

    Raises:
        SettingError: Context and canvas exceed what the network can see.
    """
    config, device = network.config, network.device
    length, vocab_size = config.canvas_length, config.vocab_size
    if context + length > config.max_position_embeddings:
        raise SettingError(
            f"a context of {context} tokens and a canvas of {length} exceed the {config.max_position_embeddings} "
            "positions of this network; give fewer"
        )
    drawn = torch.Generator().manual_seed(0)
    cache = network.new_cache(batch=batch, max_len=context)
    network.encode(torch.randint(vocab_size, (batch, context), generator=drawn).to(device), cache)
    generators = [canvas_generator(0, row) for row in range(batch)]
    settings = SamplerSettings(max_steps=10_000, stop=NeverStop())
    denoiser = CachedDenoiser(network, cache)
    state = first_state(settings, generators, canvas_length=length, vocab_size=vocab_size, device=device)
    state = next_step(state, denoiser, settings, generators, vocab_size).state  # from here on it is fed back
    hidden = network.denoise_hidden(state.canvas, cache, state.conditioning)
    temperature = torch.full((batch,), TEMPERATURE, device=device)
    uniforms = torch.rand(batch, length, dtype=torch.float64, generator=drawn).to(device)
    return {
        "step": lambda: next_step(state, denoiser, settings, generators, vocab_size),
        "layers": lambda: network.denoise_hidden(state.canvas, cache, state.conditioning),
        "reading": lambda: network.read_head(hidden, temperature, uniforms),
    }


def measure_step(network: Network, setup: StepSetup, *, repeats: int, warmup: int = 1) -> Measurement[list[Row]]:
    """Time a step and its parts.

    Args:
        network: In eval mode; compiled or not.
        setup: What is timed.
        repeats: Calls of each part that count.
        warmup: Calls of each before, which do not.

    Yields:
        How many calls of a batch size are done.

    Returns:
        A row for each batch size. `of_peak` is the arithmetic of matrix products by the time of the step, in shares of
        the best speed of one large product; likewise for the parts.

    Raises:
        SettingError: A setting is out of its range.
    """
    rows = []
    for batch in setup.batches:
        parts = step_parts(network, batch, setup.context)
        product = _large_product(network.dtype, network.device)
        timed = {name: partial(_ms, run, network.device) for name, run in [*parts.items(), ("product", product)]}
        times = yield from in_turns(timed, repeats=repeats, warmup=warmup)
        rows.append({"batch": batch, **_figures(times, _count(parts)), "by_kind": by_kind(parts["step"])})
    return rows


def _figures(times: dict[str, list[float]], flops: dict[str, int]) -> Row:
    peak = 2 * PRODUCT_SIDE**3 / min(times["product"])
    ms = {name: summarize(values) for name, values in times.items() if name != "product"}
    rest = [whole - layers - reading for whole, layers, reading in zip(*(times[name] for name in ms), strict=True)]
    return {
        **{f"{name}_ms": figure for name, figure in ms.items()},
        "rest_ms": summarize(rest),
        **{f"{name}_gflop": flops[name] / 1e9 for name in ms},
        "peak_gflops": peak / 1e6,
        "of_peak": flops["step"] / ms["step"].median / peak,
        **{f"{name}_of_peak": flops[name] / ms[name].median / peak for name in ms if name != "step"},
    }


@torch.no_grad()
def _count(parts: Parts) -> dict[str, int]:
    """Operations of the matrix products of each part."""
    counts = {}
    for name, run in parts.items():
        # The counter does not see into what is compiled, so it counts a run that is not.
        with torch.compiler.set_stance("force_eager"), FlopCounterMode(display=False) as counter:
            run()
        counts[name] = counter.get_total_flops()
    return counts


def _large_product(dtype: torch.dtype, device: torch.device) -> Callable[[], torch.Tensor]:
    one = torch.randn(PRODUCT_SIDE, PRODUCT_SIDE, generator=torch.Generator().manual_seed(0)).to(device, dtype)
    return lambda: one @ one


@torch.no_grad()
def _ms(run: Callable[[], Any], device: torch.device) -> float:
    """Time of one call: of the processor, by thread, so that what other programs take does not count; of a GPU, all."""
    if device.type == "cpu":
        started = time.process_time()
        run()
        return 1000 * (time.process_time() - started) / torch.get_num_threads()
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    run()
    torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - started)


@torch.no_grad()
def by_kind(run: Callable[[], Any], *, repeats: int = 2) -> dict[str, float]:
    """Share of each kind of operation in the processor's time that torch's profiler sees, the largest first."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(repeats):
            run()
    shares: dict[str, float] = defaultdict(float)
    for event in profiler.key_averages():
        shares[_kind_of(event.key)] += event.self_cpu_time_total
    total = sum(shares.values())
    return {kind: to_digits(share / total) for kind, share in sorted(shares.items(), key=lambda item: -item[1])}


def _kind_of(operation: str) -> str:
    return next((kind for kind, names in KINDS.items() if operation.startswith(names)), "other")
