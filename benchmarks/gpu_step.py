"""Time of a whole denoising step of the 26B shape on a GPU, with random weights made there.

    python benchmarks/gpu_step.py --output benchmarks/results/gpu_step.json
    TRITON_INTERPRET=1 python benchmarks/gpu_step.py --tiny

A step is the network, the reading of its prediction, acceptance and renoising. It is timed in plain torch, by kernels,
and by kernels as one CUDA graph; then Transformers' own step is timed, in the same shape, after ours has left the
memory. Random weights spread the choices of a canvas over all experts, while a trained network uses
about 84 of 128 in a layer: --experts-in-use bounds the choice to that many. The second command rehearses on a CPU in a
small shape: its times mean nothing.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from gpu_kernels import TINY, seconds
from gpu_roofline import device_peaks, step_floor
from torch import Tensor

from gesso.bench.random_models import PUBLISHED
from gesso.checkpoint.vision import minimal_vision_config
from gesso.errors import GessoError
from gesso.evals.record import write_record
from gesso.kernels.graph import CapturedFunction
from gesso.model.config import ModelConfig
from gesso.model.initialize import initialize
from gesso.model.kv_cache import KVCache
from gesso.model.network import Network
from gesso.ops.gpu_kernels import GpuKernels, choose_kernels
from gesso.sampling.accept import EntropyBound

PIECE = 1024
"""Tokens of the context that are encoded at once."""


def random_network(config: ModelConfig, device: torch.device, dtype: torch.dtype, experts_in_use: int) -> Network:
    """A network with random weights that were never anywhere but on the device."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            network = Network(config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)
    initialize(network, torch.Generator(device).manual_seed(0))
    for layer in network.layers:
        # A score of zero is never among the largest of so many random ones.
        layer.router.proj.weight[experts_in_use:] = 0
    return network


def read_context(network: Network, batch: int, context: int) -> KVCache:
    """A cache that holds a random text, with room for one canvas more."""
    cache = network.new_cache(batch=batch, max_len=context + network.config.canvas_length)
    text = torch.randint(network.config.vocab_size, (batch, context), device=network.device)
    for piece in text.split(PIECE, dim=1):
        network.encode(piece, cache)
    return cache


def one_step(network: Network, cache: KVCache, rule: EntropyBound) -> Callable[..., tuple[Tensor, ...]]:
    """A step as a function of tensors alone, so that it can be recorded."""

    def step(
        canvas: Tensor, soft: Tensor, context: Tensor, temperature: Tensor, uniforms: Tensor, noise: Tensor
    ) -> tuple[Tensor, ...]:
        hidden = network.denoise_hidden(canvas, cache, soft, context=context)
        reading = network.read_head(hidden, temperature, uniforms)
        accepted = rule.accept(reading.entropy, reading.confidence)
        canvas = torch.where(accepted, reading.sampled, noise)
        return canvas, reading.soft_embedding, reading.argmax, reading.entropy.mean(-1)

    return step


def first_inputs(network: Network, batch: int, context: int) -> tuple[Tensor, ...]:
    """Inputs of a step: a canvas of noise and the draws of its first step."""
    config, device = network.config, network.device
    shape = (batch, config.canvas_length)
    tokens = [torch.randint(config.vocab_size, shape, device=device) for _ in range(2)]
    soft = torch.randn(*shape, config.hidden_size, device=device, dtype=network.dtype)
    lengths = torch.full((batch,), context, device=device)
    uniforms = torch.rand(shape, device=device, dtype=torch.float64)
    return tokens[0], soft, lengths, torch.full((batch,), 0.8, device=device), uniforms, tokens[1]


def time_gesso(network: Network, kernels: GpuKernels | None, args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds of a step by every way to run it."""
    cache = read_context(network, args.batch, args.context)
    step, inputs = one_step(network, cache, EntropyBound()), first_inputs(network, args.batch, args.context)
    times = {"plain": 1000 * seconds(partial(step, *inputs), repeats=args.repeats)}
    if kernels is None:
        return times
    network.use_kernels(kernels)
    times["kernels"] = 1000 * seconds(partial(step, *inputs), repeats=args.repeats)
    # Plain torch waits for the device, at its experts and its head, and so cannot be recorded.
    times["kernels, graph"] = 1000 * seconds(partial(CapturedFunction(step, inputs), *inputs), repeats=args.repeats)
    return times


def time_transformers(config: ModelConfig, device: torch.device, dtype: torch.dtype, args: argparse.Namespace) -> float:
    """Milliseconds of a step of Transformers' own generate, its loop and sampler included."""
    from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

    vision = replace(config, vision=minimal_vision_config(), image_token_id=3, boi_token_id=4, eoi_token_id=5)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            reference = DiffusionGemmaForBlockDiffusion(DiffusionGemmaConfig(**vision.to_hf())).eval()
    finally:
        torch.set_default_dtype(before)
    ids = torch.randint(6, config.vocab_size, (args.batch, args.context), device=device)

    def generate(steps: int) -> float:
        started = time.perf_counter()
        # A confidence that no canvas reaches turns early stopping off.
        reference.generate(
            ids, max_new_tokens=config.canvas_length, max_denoising_steps=steps, confidence_threshold=1e-30
        )
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    generate(2)
    # The difference of two lengths leaves out what happens once: reading the prompt.
    return 1000 * (generate(2 + args.repeats) - generate(2)) / args.repeats


def with_tiles(kernels: GpuKernels, record: Path, config: ModelConfig) -> GpuKernels:
    """Kernels that use the tiles that `gpu_kernels.py --tune` found fastest."""
    from gesso.kernels.attention import AttentionTile
    from gesso.kernels.experts import ExpertTile
    from gesso.kernels.head import HeadTile

    found = {row["case"]: row["tile"] for row in json.loads(record.read_text())["results"] if row["tile"]}
    batch = f"batch {min(int(name.rsplit(' ', 1)[1]) for name in found)}"
    attention = {
        config.head_dim: AttentionTile(**found[f"attention, sliding, {batch}"]),
        config.global_head_dim: AttentionTile(**found[f"attention, full, {batch}"]),
    }

    def attend(queries: Tensor, *rest: Tensor, **keywords: Any) -> Tensor:
        return kernels.attend_canvas(queries, *rest, tile=attention[queries.shape[-1]], **keywords)

    return replace(
        kernels,
        attend_canvas=attend,
        mix_experts=partial(kernels.mix_experts, tile=ExpertTile(**found[f"experts, {batch}"])),
        read_head=partial(kernels.read_head, tile=HeadTile(**found[f"head, {batch}"])),
    )


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a small shape, to rehearse on a CPU")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--experts-in-use", type=int, default=84)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--tiles", type=Path, help="a record of gpu_kernels.py --tune")
    parser.add_argument("--no-transformers", action="store_true")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if not (args.tiny or torch.cuda.is_available()):
        parser.error("there is no GPU; rehearse with --tiny")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    config, peaks = PUBLISHED, device_peaks()
    if args.tiny:
        config = replace(TINY, layer_types=TINY.layer_types[-2:])
        args.context, args.experts_in_use, args.repeats = 40, config.num_experts, 1
    try:
        kernels = choose_kernels("triton", device)
    except GessoError as error:
        print(f"without kernels: {error}")
        kernels = None
    if kernels is not None and args.tiles is not None:
        kernels = with_tiles(kernels, args.tiles, config)

    network = random_network(config, device, dtype, args.experts_in_use)
    times = time_gesso(network, kernels, args)
    del network
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if not args.no_transformers:
        times["transformers"] = time_transformers(config, device, dtype, args)
    floors = step_floor(config, peaks, batch=args.batch, context=args.context, experts_in_use=args.experts_in_use)
    floor_ms = 1000 * sum(floors.values())
    print(f"{peaks.name}, batch {args.batch}, context {args.context}, {args.experts_in_use} experts in use")
    print(f"{'roofline':18}{floor_ms:10.2f} ms   " + ", ".join(f"{k} {1000 * v:.2f}" for k, v in floors.items()))
    for name, value in times.items():
        print(f"{name:18}{value:10.2f} ms   {floor_ms / value:.0%} of the roofline's speed")
    if args.output:
        settings = {"tiny": args.tiny, "batch": args.batch, "context": args.context, "repeats": args.repeats}
        results = {"ms": times, "roofline_ms": {name: 1000 * value for name, value in floors.items()}}
        write_record(
            args.output, settings | {"experts_in_use": args.experts_in_use}, results, packages=("transformers",)
        )


if __name__ == "__main__":
    with torch.no_grad():
        main()
