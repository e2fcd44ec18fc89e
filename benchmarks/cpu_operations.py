"""Operations of a step in two ways each: the plain one, and the one that was tried against it.

    python benchmarks/cpu_operations.py --output benchmarks/results/cpu_operations.json

Shapes are those of the bundled model, dtype bfloat16. The two ways take turns; the figure is the least processor time
of all repeats, by thread. What wins is in use, and what loses is here so that nobody need try it again.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional as F

from gesso.evals.record import write_record
from gesso.ops.allocator import keep_freed_memory
from gesso.ops.attention import attend_to_all
from gesso.ops.categorical import invert_cdf, invert_cdf_in_groups, max_in_groups
from gesso.ops.experts import mix_experts_dense, mix_experts_sparse, route
from gesso.ops.gate import gated_gelu_by_sigmoid, gated_gelu_by_tanh
from gesso.ops.head import soft_embedding, softcapped_logits
from gesso.ops.read_head import read_head
from gesso.sampling.statistics import measure, temper

Pair = tuple[Callable[[], object], Callable[[], object]]
POSITIONS, WIDTH, INNER, VOCABULARY, HEADS, KV_HEADS, HEAD_WIDTH, KEYS = 256, 256, 512, 4096, 4, 2, 64, 320


def pairs() -> dict[str, Pair]:
    """The operations, each in its plain way and in the other."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).bfloat16()

    x, gate, up = drawn(POSITIONS, WIDTH), drawn(POSITIONS, INNER), drawn(POSITIONS, INNER)
    queries = drawn(1, POSITIONS, HEADS, HEAD_WIDTH).transpose(1, 2)
    keys = drawn(1, KV_HEADS, KEYS, HEAD_WIDTH)
    one, two, three = drawn(256, WIDTH), drawn(128, WIDTH), drawn(128, WIDTH)
    fused = torch.cat([one, two, three])
    gate_up, down = drawn(4, 2 * 64, WIDTH), drawn(4, WIDTH, 64)
    weights, chosen = route(drawn(POSITIONS, 4), torch.ones(4), 2)
    embedding, hidden = 0.3 * drawn(VOCABULARY, WIDTH), x[None]
    scores = drawn(POSITIONS, VOCABULARY).float()
    probabilities = scores.softmax(-1)
    temperature = torch.tensor([0.6])
    uniforms = torch.rand(1, POSITIONS, generator=generator, dtype=torch.float64)
    matrix = drawn(1024, WIDTH)
    matrix_scale = matrix.float().abs().amax(-1) / 127
    matrix_int8 = (matrix.float() / matrix_scale[:, None]).round().to(torch.int8).T

    def whole_logits() -> object:
        logits = temper(softcapped_logits(hidden, embedding, 30.0), temperature)
        return measure(logits, temperature, uniforms), soft_embedding(logits, embedding, 16.0)

    def int8_product() -> object:
        scale = x.float().abs().amax(-1, keepdim=True) / 127
        rounded = (x.float() / scale).round().to(torch.int8)
        return (torch._int_mm(rounded, matrix_int8).float() * scale * matrix_scale).bfloat16()

    return {
        "attention: torch's | two products": (
            lambda: F.scaled_dot_product_attention(queries, keys, keys, scale=1.0, enable_gqa=True),
            lambda: attend_to_all(queries, keys, keys),
        ),
        "gate: tanh | sigmoid": (lambda: gated_gelu_by_tanh(gate, up), lambda: gated_gelu_by_sigmoid(gate, up)),
        "projections: three | one": (
            lambda: [F.linear(x, part) for part in (one, two, three)],
            lambda: F.linear(x, fused).split((256, 128, 128), -1),
        ),
        "experts, 2 of 4: chosen | all": (
            lambda: mix_experts_sparse(x, gate_up, down, weights, chosen),
            lambda: mix_experts_dense(x, gate_up, down, weights, chosen),
        ),
        "softcap: tanh | sigmoid": (lambda: scores.tanh(), lambda: scores.sigmoid()),
        "sample: running sum | groups": (
            lambda: invert_cdf(probabilities, uniforms[0]),
            lambda: invert_cdf_in_groups(probabilities, uniforms[0]),
        ),
        "argmax: torch's | groups": (lambda: scores.max(-1), lambda: max_in_groups(scores)),
        "head: whole logits | one pass": (
            whole_logits,
            lambda: read_head(hidden, embedding, 30.0, temperature, uniforms),
        ),
        "product, 256 x 256 x 1024: bfloat16 | int8": (lambda: F.linear(x, matrix), int8_product),
    }


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    keep_freed_memory()
    rows = []
    with torch.no_grad():
        for name, ways in pairs().items():
            least = [float("inf")] * 2
            for _ in range(args.repeats):
                for index, way in enumerate(ways):
                    started = time.process_time()
                    way()
                    least[index] = min(least[index], time.process_time() - started)
            plain, tried = (1000 * value / torch.get_num_threads() for value in least)
            rows.append({"operation": name, "plain_ms": round(plain, 3), "tried_ms": round(tried, 3)})
            print(rows[-1], flush=True)
    if args.output:
        write_record(args.output, {key: value for key, value in vars(args).items() if key != "output"}, rows)


if __name__ == "__main__":
    main()
