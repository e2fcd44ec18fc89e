"""What a constraint adds to a step: plain and constrained steps of one network, at several sizes of vocabulary.

    python benchmarks/constraint_cost.py --output benchmarks/results/constraint_cost.json

The network has the shape of the bundled model and random weights, for only its cost counts; the vocabulary is the
bundled one, made larger by pairs of its tokens. Steps alternate, so that a machine whose speed drifts slows both. Times
are CPU time of one thread, which other work on the machine disturbs least. What differs is how the vocabulary head is
read: `head_ms` as it is, `ruled_head_ms` under the rule.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from gesso.checkpoint.hub import resolve
from gesso.constrain.constraint import CanvasConstraint, CompiledRule, constrain_row
from gesso.constrain.rule import Choice, JsonObject, JsonSchema, Rule, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.engine.denoiser import CachedDenoiser
from gesso.evals.record import write_record
from gesso.model.config import ModelConfig
from gesso.model.initialize import initialize
from gesso.model.network import Network
from gesso.sampling.draws import canvas_generator, draw_canvas, draw_step
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import denoise_step, start_state
from gesso.text.tokenizer import Tokenizer

CONTEXT = 64
RULES: dict[str, Rule] = {
    "choice": Choice(texts=("yes", "no")),
    "record": JsonSchema(
        schema={
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 40},
                "age": {"type": "integer", "minimum": 0, "maximum": 150},
                "city": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "score": {"type": "number"},
            },
            "required": ["name", "age", "city"],
        }
    ),
    "json object": JsonObject(),
}


def token_bytes(model: str | None, vocab_size: int) -> list[bytes]:
    """The model's vocabulary as bytes, with pairs of its tokens up to a size."""
    tokens = Tokenizer.load(resolve(model)).token_bytes()
    source, words = random.Random(0), [token for token in tokens if token]
    while len(tokens) < vocab_size:
        tokens.append(source.choice(words) + source.choice(words))
    return tokens[:vocab_size]


def seconds(call: Callable[[], object]) -> float:
    """CPU time of one call in this thread."""
    started = time.thread_time()
    call()
    return time.thread_time() - started


@torch.no_grad()
def measure(model: str | None, vocab_size: int, repeats: int) -> list[dict[str, object]]:
    """Figures of every rule at one size of vocabulary."""
    content = json.loads((resolve(model) / "config.json").read_text(encoding="utf-8"))
    config = replace(ModelConfig.from_hf(content), vocab_size=vocab_size)
    network = Network(config).eval()
    initialize(network, torch.Generator().manual_seed(0))
    cache = network.new_cache(batch=1, max_len=CONTEXT)
    network.encode(torch.zeros(1, CONTEXT, dtype=torch.int64), cache)
    denoiser, sampler = CachedDenoiser(network, cache), SamplerSettings()
    sizes = {"canvas_length": config.canvas_length, "vocab_size": vocab_size, "device": torch.device("cpu")}
    generators = [canvas_generator(0, 0)]
    canvas, draws = draw_canvas(generators, **sizes), draw_step(generators, **sizes)
    vocabulary = Vocabulary.of(token_bytes(model, vocab_size), config.eos_token_ids)

    rows: list[dict[str, object]] = []
    for name, rule in RULES.items():
        compiling = time.thread_time()
        compiled = CompiledRule.of(compile_rule(rule, vocabulary), torch.device("cpu"))
        compiling = time.thread_time() - compiling
        beginning = time.thread_time()
        row = constrain_row(compiled, state=0, remaining=config.canvas_length, canvas_length=config.canvas_length)
        beginning = time.thread_time() - beginning
        constraint = CanvasConstraint.of([row], canvas_length=config.canvas_length, device=torch.device("cpu"))
        hidden = denoiser.hidden_states(canvas, None)
        read = partial(network.read_head, hidden, torch.full((1,), 0.6), draws.uniforms)
        times: dict[str, list[float]] = {"plain": [], "constrained": [], "head": [], "ruled head": []}
        states = {
            "plain": start_state(canvas, sampler),
            "constrained": start_state(canvas, sampler, constraint=constraint),
        }
        for repeat in range(repeats + 1):
            for kind, state in states.items():
                spent = seconds(lambda state=state: denoise_step(state, denoiser, sampler, draws))
                if repeat > 0:
                    times[kind].append(1000 * spent)
            times["head"].append(1000 * seconds(read))
            times["ruled head"].append(1000 * seconds(partial(read, constraint.read_head)))
        plain, constrained, head, ruled_head = (statistics.median(spent) for spent in times.values())
        rows.append(
            {
                "vocab_size": vocab_size,
                "rule": name,
                "compile_ms": round(1000 * compiling, 1),
                "canvas_ms": round(1000 * beginning, 1),
                "states": compiled.lattice.num_states,
                "edges": len(compiled.lattice.source),
                "classes": compiled.lattice.num_classes,
                "plain_ms": round(plain, 1),
                "constrained_ms": round(constrained, 1),
                "head_ms": round(head, 1),
                "ruled_head_ms": round(ruled_head, 1),
                "added": round(constrained / plain - 1, 3),
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--vocab-sizes", type=int, nargs="+", default=[8192, 262_144])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for vocab_size in args.vocab_sizes for row in measure(args.model, vocab_size, args.repeats)]
    if args.output:
        write_record(args.output, {"repeats": args.repeats, "batch": 1, "context": CONTEXT}, rows)


if __name__ == "__main__":
    main()
