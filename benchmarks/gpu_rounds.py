"""Time of the engine's rounds on a GPU, each a step for every running request, with and without graphs.

    python benchmarks/gpu_rounds.py --output benchmarks/results/gpu_rounds.json
    python benchmarks/gpu_rounds.py --tiny

The network has the published 26B shape and random weights. Beside the time of a round stands the least time that its
steps need by the roofline. The second command rehearses on a CPU in a small shape, in plain torch and with nothing
recorded: its times mean nothing.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
from gpu_kernels import TINY
from gpu_roofline import PUBLISHED, device_peaks, step_floor
from gpu_step import random_network, with_tiles

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.request import Request
from gesso.evals.record import write_record
from gesso.model.network import Network
from gesso.ops.gpu_kernels import choose_kernels
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import NeverStop

WARMUP = 5
"""Rounds before those that are timed; graphs are recorded in the first."""

PAGE = 128
"""Positions of a page."""

ENDLESS = SamplerSettings(max_steps=1_000_000, stop=NeverStop())


def wait(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def milliseconds_of_a_round(network: Network, count: int, *, graphs: bool, context: int, repeats: int) -> float:
    """Mean time of a round in which so many requests take a step each, in the middle of their canvases."""
    config = network.config
    room = context + config.canvas_length + PAGE  # whoever is let in must find room to grow
    settings = EngineSettings(
        max_rows=count, page_length=PAGE, pool_tokens=count * room, share_passes=True, graphs=graphs
    )
    engine = Engine(network, settings)
    generator = torch.Generator().manual_seed(0)
    streams = [
        engine.submit(
            Request(
                prompt_ids=tuple(torch.randint(config.vocab_size, (context,), generator=generator).tolist()),
                max_new_tokens=config.canvas_length,
                sampler=ENDLESS,
                seed=seed,
                stop_ids=frozenset(),
            )
        )
        for seed in range(count)
    ]
    begun: set[int] = set()
    while len(begun) < count:
        engine.step()
        begun |= {index for index, stream in enumerate(streams) if stream.take()}

    def rounds(number: int) -> None:
        for _ in range(number):
            engine.step()
            for stream in streams:
                stream.take()
        wait(network.device)

    rounds(WARMUP)
    started = time.perf_counter()
    rounds(repeats)
    return 1000 * (time.perf_counter() - started) / repeats


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a small shape, to rehearse on a CPU")
    parser.add_argument("--requests", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--experts-in-use", type=int, default=84)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--tiles", type=Path, help="a record of gpu_kernels.py --tune")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if not (args.tiny or torch.cuda.is_available()):
        parser.error("there is no GPU; rehearse with --tiny")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    config, peaks = PUBLISHED, device_peaks()
    if args.tiny:
        config = replace(TINY, layer_types=TINY.layer_types[-2:])
        args.context, args.experts_in_use, args.repeats, args.requests = 40, config.num_experts, 2, [1, 3]
    network = random_network(config, device, dtype, args.experts_in_use)
    kernels = choose_kernels("auto", device)
    if kernels is not None and args.tiles is not None:
        kernels = with_tiles(kernels, args.tiles, config)
    network.use_kernels(kernels)

    rows = []
    print(f"{peaks.name}, context {args.context}, {args.experts_in_use} experts in use")
    for count in args.requests:
        shape = {"context": args.context, "experts_in_use": args.experts_in_use}
        floor_ms = 1000 * sum(step_floor(config, peaks, batch=count, **shape).values())
        times = {
            name: milliseconds_of_a_round(
                network, count, graphs=name == "graphs", context=args.context, repeats=args.repeats
            )
            for name in ("started one by one", "graphs")
        }
        rows.append({"requests": count, "ms": times, "roofline_ms": floor_ms})
        told = ", ".join(f"{name} {value:.2f} ms ({floor_ms / value:.0%})" for name, value in times.items())
        print(f"{count:3} requests: {told}; roofline {floor_ms:.2f} ms")
    if args.output:
        settings = {"tiny": args.tiny, "context": args.context, "repeats": args.repeats}
        write_record(args.output, settings | {"experts_in_use": args.experts_in_use}, rows)


if __name__ == "__main__":
    with torch.no_grad():
        main()
