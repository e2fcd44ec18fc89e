"""Long texts with canvases that slide, and without: passes, seconds, when the first text is final, and sentences.

    python benchmarks/slide.py --texts 9 --slides 0 32 64 128 --output slide.json

Held-out beginnings of stories are gone on from, by diffusion, past the end of the story: the tokens that would end the
text are ruled out. Each text is written in every way in turn, from the same noise.
"""

import argparse
import random
import sys
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path

import gesso
from gesso.engine.events import CanvasCommitted
from gesso.evals.estimate import mean
from gesso.evals.record import write_record
from gesso.evals.world_tasks import Stories, judge_story
from gesso.lm.language_model import LanguageModel
from gesso.worlds.beats import split_sentences

COLUMNS = ("steps", "commits", "passes", "seconds", "ms_per_token", "first_text_s", "sentences")


def write(lm: LanguageModel, prompt: str, num_tokens: int, slide: int, seed: int) -> dict[str, float]:
    """Write one text and tell what it took."""
    never = dict.fromkeys(lm.stop_ids, -100.0)
    writing = lm.start(prompt, max_new_tokens=num_tokens, seed=seed, mode="diffusion", slide=slide, logit_bias=never)
    began, first = time.perf_counter(), None
    for event in writing:
        if first is None and isinstance(event, CanvasCommitted):
            first = time.perf_counter() - began
    out = writing.result()
    whole = " ".join(split_sentences((prompt + out.text).strip())[:-1])  # the last one is cut
    return {
        "steps": sum(out.steps),
        "commits": len(out.steps),
        "passes": sum(out.steps) + len(out.steps) - 1,  # the last canvas is not encoded
        "seconds": out.seconds,
        "ms_per_token": 1000 * out.seconds / len(out.token_ids),
        "first_text_s": first or 0.0,
        "sentences": judge_story(whole)["sentences"],
    }


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--texts", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--slides", type=int, nargs="+", default=[0, 32, 64, 128])
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    lm = gesso.load(args.model)
    items = list(islice(Stories(name="stories", kind="continuation").items(random.Random(0)), args.texts))
    found: dict[int, dict[str, list[float]]] = {slide: defaultdict(list) for slide in args.slides}
    for seed, item in enumerate(items):
        assert isinstance(item.prompt, str), "a beginning"
        for slide in args.slides:
            figures = write(lm, item.prompt, args.tokens, slide, seed)
            print(
                f"text {seed}, slide {slide}:",
                {name: round(value, 3) for name, value in figures.items()},
                file=sys.stderr,
            )
            for name, value in figures.items():
                found[slide][name].append(value)
    means = {slide: {name: mean(values) for name, values in rows.items()} for slide, rows in found.items()}
    print("| slide | " + " | ".join(COLUMNS) + " |\n" + "| --- " * (1 + len(COLUMNS)) + "|")
    for slide, row in means.items():
        cells = [f"{row[name].value:.3g} ({row[name].standard_error:.1g})" for name in COLUMNS]
        print(f"| {slide} | " + " | ".join(cells) + " |")
    if args.output:
        settings = {name: value for name, value in vars(args).items() if name != "output"}
        results = {str(slide): {name: one.as_json() for name, one in row.items()} for slide, row in means.items()}
        write_record(args.output, settings, results)


if __name__ == "__main__":
    main()
