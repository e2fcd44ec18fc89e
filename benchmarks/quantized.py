"""What weights in few bits cost and save: size, likelihood of held-out stories, stories that are written, time.

    python benchmarks/quantized.py --texts 64 --stories 96 --output benchmarks/results/quantized.json

Every contender is the same model, and reads the same texts with the same noise, so a change of likelihood is measured
text by text: its error is much smaller than that of the likelihood. Stories are written in the model's own way from the
same seeds, and judged by the checker of the story world. A step is a denoising pass and the reading of its prediction;
contenders take turns, and times are those of the processor, per thread. Then products of 256 tokens with one large
matrix are timed: with the weights widened first, as Gesso does, and by products of torch that read codes.
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.nn import functional as F

import gesso
from gesso.evals.estimate import mean, ratio
from gesso.evals.likelihood import read_left_to_right, text_and_end, text_example
from gesso.evals.record import write_record
from gesso.evals.task import Item
from gesso.evals.texts import held_out_stories
from gesso.evals.world_tasks import Stories
from gesso.lm.language_model import LanguageModel
from gesso.lm.text_bound import bound_examples
from gesso.model.network import Network
from gesso.quant.network import quantize_network
from gesso.quant.scheme import EightBitFloats, EightBitIntegers, FourBitIntegers, Scheme, quantize

SCORES = ("ok", "sentences")
BASE = "as stored"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """How weights are held; with `embedding`, the embedding has the values that it would have in 8 bits too."""

    scheme: Scheme | None = None
    embedding: bool = False


CONTENDERS: Mapping[str, Contender] = {
    BASE: Contender(),
    "int8": Contender(scheme=EightBitIntegers()),
    "int8, embedding too": Contender(scheme=EightBitIntegers(), embedding=True),
    "fp8": Contender(scheme=EightBitFloats()),
    "int4, groups of 32": Contender(scheme=FourBitIntegers()),
    "int4, groups of 64": Contender(scheme=FourBitIntegers(group_size=64)),
}


@torch.no_grad()
def prepare(model: str | None, contender: Contender) -> tuple[LanguageModel, int]:
    """The model, and the bytes of its weights as the contender holds them."""
    lm = gesso.load(model)
    if contender.scheme is not None:
        quantize_network(lm.network, contender.scheme)
    size_bytes = sum(weight.nbytes for weight in lm.network.parameters())
    if contender.embedding:
        embedding = lm.network.embed_tokens.weight
        quantized = quantize(embedding, EightBitIntegers())
        embedding.copy_(quantized.dequantize())
        size_bytes += quantized.codes.nbytes + quantized.scale.nbytes - embedding.nbytes
    return lm, size_bytes


def read(lm: LanguageModel, text: str, *, seed: int, num_samples: int) -> dict[str, float]:
    """Bits of one text: left to right, and by the bound of diffusion with this seed's noise."""
    (left_to_right,) = read_left_to_right(lm.network, [text_and_end(lm, text)])
    generator = torch.Generator().manual_seed(seed)
    bound = bound_examples(lm.network, [text_example(lm, text)], generator=generator, num_samples=num_samples)
    return {"left_to_right": left_to_right.nats / math.log(2), "bound": bound.bits.item()}


def write(lm: LanguageModel, item: Item, seed: int) -> dict[str, float]:
    """The checker's verdict on one story."""
    text = lm.generate(item.prompt, seed=seed)
    verdict = item.judge(text.text if text.message is None else text.message.content)
    return {score: float(verdict[score]) for score in SCORES}


@torch.no_grad()
def step_of(network: Network) -> Callable[[], Any]:
    """One step of a canvas that follows 64 tokens."""
    generator = torch.Generator().manual_seed(0)
    length = network.config.canvas_length
    cache = network.new_cache(batch=1, max_len=64)
    network.encode(torch.randint(network.config.vocab_size, (1, 64), generator=generator), cache)
    canvas = torch.randint(network.config.vocab_size, (1, length), generator=generator)
    uniforms = torch.rand(1, length, dtype=torch.float64, generator=generator)

    @torch.no_grad()
    def step() -> None:
        hidden = network.denoise_hidden(canvas, cache, conditioning)
        network.read_head(hidden, torch.tensor([0.8]), uniforms)

    conditioning = network.embed(canvas)
    step()
    return step


def turns_ms(steps: Iterable[Callable[[], Any]], repeats: int) -> list[float]:
    """Median time of each; they take turns."""
    steps = list(steps)
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(repeats):
        for step, own in zip(steps, times, strict=True):
            started = time.process_time()
            step()
            own.append(1000 * (time.process_time() - started) / torch.get_num_threads())
    return [round(statistics.median(own), 2) for own in times]


def products(repeats: int) -> dict[str, float]:
    """Milliseconds of a product of 256 tokens with a matrix of the published width, in bfloat16, on a CPU."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(2112, 2816, generator=generator)
    tokens = torch.randn(256, 2816, generator=generator).to(torch.bfloat16)
    stored = weight.to(torch.bfloat16)
    schemes = (EightBitIntegers(), EightBitFloats(), FourBitIntegers())
    held = {scheme.name: quantize(weight, scheme) for scheme in schemes}
    packed = torch._convert_weight_to_int4pack_for_cpu(torch.randint(16, weight.shape, dtype=torch.int32), 1)
    scales_and_zeros = torch.ones(weight.shape[1] // 32, weight.shape[0], 2, dtype=torch.bfloat16)
    int8 = held["int8"]
    runs: dict[str, Callable[[], Any]] = {
        BASE: lambda: F.linear(tokens, stored),
        **{
            f"{name}, widened first": partial(lambda one: F.linear(tokens, one.dequantize(torch.bfloat16)), one)
            for name, one in held.items()
        },
        "int8, torch._weight_int8pack_mm": lambda: torch._weight_int8pack_mm(tokens, int8.codes, int8.scale[:, 0]),
        "int4, torch._weight_int4pack_mm_for_cpu": lambda: torch._weight_int4pack_mm_for_cpu(
            tokens, packed, 32, scales_and_zeros
        ),
    }
    return dict(zip(runs, turns_ms(runs.values(), repeats), strict=True))


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--samples", type=int, default=16, help="noisy copies of each canvas, for the bound")
    parser.add_argument("--stories", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    texts = held_out_stories(random.Random(f"quantized:{args.seed}"), args.texts)
    task = Stories(name="stories", kind="request")
    items = list(islice(task.items(random.Random(args.seed)), args.stories))
    prepared = {name: prepare(args.model, contender) for name, contender in CONTENDERS.items()}
    times = turns_ms((step_of(lm.network) for lm, _ in prepared.values()), args.repeats)
    product_ms = products(args.repeats)

    num_bytes = [float(len(text.encode())) for text in texts]
    console, remarks = Console(width=160), Console(stderr=True)
    results: dict[str, dict[str, Any]] = {}
    whole: dict[str, list[float]] = {}
    for (name, (lm, size_bytes)), milliseconds in zip(prepared.items(), times, strict=True):
        rows = [
            read(lm, text, seed=args.seed + number, num_samples=args.samples)
            for number, text in enumerate(track(texts, f"{name}: reading", console=remarks))
        ]
        bits = {key: [row[key] for row in rows] for key in rows[0]}
        whole = whole or bits
        changes = {key: [ours - theirs for ours, theirs in zip(bits[key], whole[key], strict=True)] for key in bits}
        verdicts = [
            write(lm, item, args.seed + number)
            for number, item in enumerate(track(items, f"{name}: writing", console=remarks))
        ]
        results[name] = {
            "mb": round(size_bytes / 1e6, 2),
            "step_ms": milliseconds,
            **{f"{key}_bits_per_byte": ratio(values, num_bytes).as_json() for key, values in bits.items()},
            **{f"{key}_change": ratio(values, num_bytes).as_json() for key, values in changes.items()},
            **{score: mean([verdict[score] for verdict in verdicts]).as_json() for score in SCORES},
        }
        if args.output:
            settings = {key: value for key, value in vars(args).items() if key != "output"}
            found = {"weights": results, "products_ms": product_ms}
            write_record(args.output, settings | {"threads": torch.get_num_threads()}, found)
    shown = Table("weights", *results[BASE])
    for name, figures in results.items():
        values = (value["value"] if isinstance(value, dict) else value for value in figures.values())
        shown.add_row(name, *(f"{value:.4g}" for value in values))
    console.print(shown)
    for name, milliseconds in product_ms.items():
        console.print(f"{milliseconds:8.1f} ms  {name}")


if __name__ == "__main__":
    main()
