"""Memory of many requests at once, with a vocabulary of the published size.

    python benchmarks/request_memory.py --output benchmarks/results/request_memory.json

Requests are submitted to one engine, and rounds are run until each has taken two steps. The most that the process held
beside what it held before is put next to what the requests must hold: the pages of their text, a soft embedding each,
and one chunk of the head's scores. One canvas's logits would be 268 MB, and those of all requests that many times. The
first use of torch's operations is counted too: `--requests 1` shows how much that is. It reads /proc, so it needs
Linux.
"""

import argparse
from pathlib import Path

import torch

from gesso.bench.memory import forget_peak, held_bytes, peak_bytes
from gesso.bench.random_models import SHAPES, random_network
from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.request import Request
from gesso.evals.record import write_record
from gesso.ops.allocator import keep_freed_memory
from gesso.ops.read_head import CHUNK
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import NeverStop


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=tuple(SHAPES), default="100m")
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--prompt-tokens", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3, help="the first encodes, each of the others takes a step")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    keep_freed_memory()
    network = random_network(args.model, torch.bfloat16)
    config, page = network.config, 128
    pages_of_request = -(-(args.prompt_tokens + config.canvas_length) // page)
    sampler = SamplerSettings(max_steps=args.rounds, stop=NeverStop())

    def submit(engine: Engine, count: int) -> list[object]:
        return [
            engine.submit(
                Request(
                    prompt_ids=tuple(range(100 + row, 100 + row + args.prompt_tokens)),
                    max_new_tokens=config.canvas_length,
                    sampler=sampler,
                    seed=row,
                    stop_ids=frozenset(),
                )
            )
            for row in range(count)
        ]

    def run(count: int) -> int:
        settings = EngineSettings(
            max_rows=count, pool_tokens=count * pages_of_request * page, prompt_tokens=count * args.prompt_tokens + page
        )
        forget_peak(network.device)
        before = held_bytes()
        engine = Engine(network, settings)
        streams = submit(engine, count)
        for _ in range(args.rounds):
            engine.step()
        assert len(streams) == count
        return peak_bytes(network.device) - before

    growth = run(args.requests)
    cached = sum(2 * heads * width for heads, width in map(config.heads, range(config.num_layers))) * 2
    megabyte = 1e6
    result = {
        "held_for_requests_mb": round(growth / megabyte, 1),
        "caches_mb": round(args.requests * pages_of_request * page * cached / megabyte, 1),
        "soft_embeddings_mb": round(args.requests * config.canvas_length * config.hidden_size * 2 / megabyte, 1),
        "one_chunk_mb": round(config.canvas_length * CHUNK * 4 / megabyte, 1),
        "logits_of_one_canvas_mb": round(config.canvas_length * config.vocab_size * 4 / megabyte, 1),
    }
    print(result)
    if args.output:
        write_record(args.output, {key: value for key, value in vars(args).items() if key != "output"}, result)


if __name__ == "__main__":
    main()
