"""What a canvas does beside left to right with the same weights: the same held-out items, each done in several ways.

    python benchmarks/beside_left_to_right.py --items 16 --output benchmarks/results/beside_left_to_right.json

Tasks: a sentence is missing (`infill`), or the middle of a story (`middle`); a name changes everywhere (`edit`); a text
becomes a JSON record (`record`); a question has one of several answers (`read`); tokens are wrong, unmarked (`repair`).
From left to right one sees what comes before (the prefix alone), or is told the rest beforehand in a prompt, of a kind
that the model was trained on. The checker of the story world judges.

What an item costs is told in seconds, in passes of the network, and in positions that those computed: a pass over a
canvas is one pass of 256 positions, a token from left to right one of 1, and a batch of 8 canvases one of 2048.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from typing import Any

import torch

import gesso
from gesso.evals.calibration import calibration_error, reliability
from gesso.evals.estimate import mean
from gesso.evals.record import write_record
from gesso.evals.repair import MENDING, damage_and_mend, damaged_text
from gesso.evals.table import aligned
from gesso.evals.task import Task
from gesso.evals.world_tasks import MissingMiddle, MissingSentence
from gesso.worlds.beats import split_sentences
from gesso.worlds.cases import Case
from gesso.worlds.check import check_story
from gesso.worlds.lexicon import COLORS
from gesso.worlds.stories import World, write_story
from gesso.worlds.tasks import BLANK, write_case

CANVAS, LEFT, ASKED = "canvas", "left to right, prefix alone", "left to right, all in the prompt"
HOLE_TOKENS, RECORD_TOKENS, RECORD_STEPS = 40, 64, 24
WRONG_SHARES = (0.05, 0.1, 0.3, 0.5)
WORD = {"type": "string", "pattern": "^[A-Za-z][A-Za-z' ]{0,19}$"}
NUMBER = {"type": "integer", "minimum": 0, "maximum": 99}

Scores = Mapping[str, float]
Way = Callable[[], Scores]
"""Does one item in one way, and tells how well; called once."""


def infill(lm: gesso.LanguageModel, rng: random.Random, seed: int, world: World) -> dict[str, Way]:
    """A sentence between others; its length is not told."""
    return _hole(lm, MissingSentence(world=world), rng, seed, "Fill in the missing sentence:")


def middle(lm: gesso.LanguageModel, rng: random.Random, seed: int, world: World) -> dict[str, Way]:
    """Two fifths of a story, from the middle of a sentence to that of another; how many tokens at most is told."""
    return _hole(lm, MissingMiddle(world=world), rng, seed, "Fill in the missing sentences:")


def _hole(lm: gesso.LanguageModel, task: Task, rng: random.Random, seed: int, instruction: str) -> dict[str, Way]:
    (item,) = islice(task.items(rng), 1)
    prefix, size = str(item.prompt), len(lm.tokenizer.encode(item.hole)) or HOLE_TOKENS

    def go_on() -> Scores:
        text = lm.generate(prefix, mode="autoregressive", max_new_tokens=size, seed=seed).text
        return item.judge(text if item.hole else " " + " ".join(split_sentences(text.strip())[:1]))

    def ask() -> Scores:
        prompt = f"{instruction}\n{prefix} {BLANK}{item.suffix}"
        return item.judge(" " + _ask(lm, prompt, seed, mode="autoregressive", max_new_tokens=2 * size).strip())

    return {
        CANVAS: lambda: item.judge(lm.infill(prefix, item.suffix, seed=seed, max_hole_tokens=size).text),
        LEFT: go_on,
        ASKED: ask,
    }


def edit(lm: gesso.LanguageModel, rng: random.Random, seed: int, world: World) -> dict[str, Way]:
    """The hero has another name. The canvas is told by where the text names it first, and writes the other places."""
    case = write_case(rng, "rename", "held_out", world)
    order, passage = case.prompt.split("\n", 1)
    old, new = re.fullmatch(r"Change the name from (\w+) to (\w+):", order).groups()

    def judge(text: str) -> Scores:
        apart = [re.sub(rf"\b({old}|{new})\b", "_", one) for one in (text.strip(), passage)]
        return {"right": float(text.strip() == case.answer), "rest kept": float(apart[0] == apart[1])}

    def repaint() -> Scores:
        told = re.sub(rf"\b{old}\b", new, passage, count=1)
        spans = [match.span() for match in re.finditer(rf"\b{old}\b", told)]
        return judge(lm.edit(told, spans, seed=seed).text if spans else told)

    return {
        CANVAS: repaint,
        ASKED: lambda: judge(_ask(lm, case.prompt, seed, mode="autoregressive")),
        "verified, all in the prompt": lambda: judge(_ask(lm, case.prompt, seed, mode="verified")),
    }


def record(lm: gesso.LanguageModel, rng: random.Random, seed: int, world: World) -> dict[str, Way]:
    """Some fields of what a text says, as JSON."""
    case = write_case(rng, "record", "held_out", world)
    truth = json.loads(case.answer)
    schema = {
        "type": "object",
        "properties": {field: NUMBER if isinstance(value, int) else WORD for field, value in truth.items()},
        "required": list(truth),
    }

    def judge(text: str) -> Scores:
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = None
        fields = value if isinstance(value, dict) else {}
        return {
            "valid JSON": float(value is not None),
            "fields asked for": float(list(fields) == list(truth)),
            "values right": sum(fields.get(field) == truth[field] for field in truth) / len(truth),
            "right": float(text.strip() == case.answer),
        }

    def way(**settings: Any) -> Way:
        limits = {"max_new_tokens": RECORD_TOKENS, "steps": RECORD_STEPS}
        return lambda: judge(_ask(lm, case.prompt, seed, **limits, **settings))

    return {
        "canvas, schema": way(mode="diffusion", json_schema=schema),
        "canvas, verified, schema": way(mode="verified", json_schema=schema),
        "canvas, free": way(mode="diffusion"),
        "canvas, verified, free": way(mode="verified"),
        "left to right, free": way(mode="autoregressive"),
    }


def read(lm: gesso.LanguageModel, rng: random.Random, seed: int, world: World) -> dict[str, Way]:
    """The color of a thing in a story: a label for the slot in the answer, and how sure that is."""
    case = _color_question(rng, world)
    words, color = case.answer.removesuffix(".").rsplit(" ", 1)
    asked = [{"role": "user", "content": case.prompt}]

    def way(**settings: Any) -> Way:
        def look() -> Scores:
            slot = lm.read(f"{words} {BLANK}.", COLORS, prompt=asked, seed=seed, **settings).slots[0]
            return {"right": float(slot.choice == color), "confidence": slot.probabilities[slot.choice]}

        return look

    return {
        "canvas, 1 draw": way(num_draws=1),
        "canvas, 8 draws": way(num_draws=8),
        "left to right, each label": way(by="left_to_right"),
    }


def _color_question(rng: random.Random, world: World) -> Case:
    while True:
        case = write_case(rng, "question", "held_out", world)
        if "What color" in case.prompt:
            return case


def repair(lm: gesso.LanguageModel, rng: random.Random, seed: int, world: World) -> dict[str, Way]:
    """A story some of whose tokens are others; left to right there is only to write it anew, with all of it in view."""
    story = write_story(rng, split="held_out", world=world).text

    def judge(text: str) -> Scores:
        here, there = story.split(), text.split()
        same = sum(block.size for block in SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks())
        report = check_story(text)
        return {"right": float(text.strip() == story), "ok": float(report.ok), "words right": same / len(here)}

    def mend(share: float) -> Scores:
        (outcome,) = damage_and_mend(lm, [story], share, MENDING, [seed])
        broken = outcome.broken / outcome.right if outcome.right else 0.0
        return {**judge(outcome.text), "mended": outcome.mended / outcome.wrong, "broken": broken}

    def rewrite(share: float) -> Scores:
        damaged = damaged_text(lm, story, share, seed)
        return judge(_ask(lm, f"Mend this story:\n{damaged}", seed, mode="autoregressive"))

    ways: dict[str, Way] = {}
    for share in WRONG_SHARES:
        ways[f"{CANVAS}, {share:.0%} wrong"] = lambda share=share: mend(share)
        ways[f"left to right, {share:.0%} wrong"] = lambda share=share: rewrite(share)
    return ways


TASKS = {task.__name__: task for task in (infill, middle, edit, record, read, repair)}


def _ask(lm: gesso.LanguageModel, prompt: str, seed: int, **settings: Any) -> str:
    reply = lm.generate([{"role": "user", "content": prompt}], seed=seed, **settings)
    return reply.message.content


@contextmanager
def counted(lm: gesso.LanguageModel) -> Iterator[dict[str, float]]:
    """Count the seconds, passes and positions of what is done inside; known when it is left."""
    cost = {"seconds": 0.0, "passes": 0.0, "positions": 0.0}

    def count(layer: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        cost["passes"] += 1
        cost["positions"] += inputs[0].shape[0] * inputs[0].shape[1]

    hook = lm.network.layers[0].register_forward_pre_hook(count)
    started = time.perf_counter()
    try:
        yield cost
    finally:
        cost["seconds"] = time.perf_counter() - started
        hook.remove()


def measure(lm: gesso.LanguageModel, name: str, args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Do the items of a task in every way, in turns, so that a machine that is busy for a while is so for all."""
    rows: dict[str, list[Scores]] = {}
    for seed in args.seeds:
        rng = random.Random(f"{name} {seed}")
        for number in range(args.items):
            ways = TASKS[name](lm, rng, seed * 1_000_003 + number, World(phrasings=args.phrasings))
            for way, do in ways.items():
                with counted(lm) as cost:
                    scores = do()
                rows.setdefault(way, []).append({**scores, **cost})
    return {way: _figures(found) for way, found in rows.items()}


def _figures(rows: list[Scores]) -> dict[str, Any]:
    figures: dict[str, Any] = {key: mean([row[key] for row in rows]).as_json() for key in rows[0]}
    if "confidence" in rows[0]:
        curve = reliability([row["confidence"] for row in rows], [bool(row["right"]) for row in rows])
        figures["calibration error"] = calibration_error(curve).as_json()
        figures["reliability"] = [[round(one.confidence, 3), one.right.as_json()] for one in curve]
    return figures


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--tasks", default=",".join(TASKS), help="of %(default)s, with commas between")
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--phrasings", type=int)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    unknown = set(args.tasks.split(",")) - set(TASKS)
    if unknown:
        parser.error(f"no task is called {sorted(unknown)[0]!r}; choose from {', '.join(TASKS)}")

    lm = gesso.load(args.model)
    lm.generate("Once", max_new_tokens=1, seed=0)  # the first text of a process is slower than the others
    results = {}
    for name in args.tasks.split(","):
        results[name] = measure(lm, name, args)
        keys = list(dict.fromkeys(key for row in results[name].values() for key in row if key != "reliability"))
        shown = [[f"{row[key]['value']:.3g}" if key in row else "" for key in keys] for row in results[name].values()]
        table = [[name, *keys], *([way, *cells] for way, cells in zip(results[name], shown, strict=True))]
        print(aligned(table), flush=True)
        if args.output:
            settings = {key: value for key, value in vars(args).items() if key != "output"}
            write_record(args.output, settings | {"threads": torch.get_num_threads()}, results)


if __name__ == "__main__":
    main()
