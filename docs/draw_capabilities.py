"""Draws a picture for each page about what a canvas can do, from what the bundled model really writes.

python docs/draw_capabilities.py --only infill modes
"""

import argparse
import random
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from picture import LINE_HEIGHT, MARGIN, WIDTH, Pieces, picture, sheet, text_line, words

import gesso
from gesso.engine.events import StepDone
from gesso.worlds.lexicon import COLORS
from gesso.worlds.stories import World, write_story
from gesso.worlds.tasks import write_case

WORLD = World(phrasings=1)
SCHEMA = {
    "type": "object",
    "properties": {
        "hero": {"enum": ["fox", "bear", "rabbit"]},
        "colors": {"type": "array", "items": {"enum": ["red", "blue", "yellow"]}, "minItems": 1, "maxItems": 2},
        "friends": {"type": "integer", "minimum": 1, "maximum": 3},
    },
    "required": ["hero", "colors", "friends"],
}
SAMPLERS = ("reference", "entropy-bound", "rising-bound", "confidence", "top-k", "posterior")
FULL_BLOCK = "\N{FULL BLOCK}"
MAX_HOLE_TOKENS, WORDS_BESIDE = 80, 12
BAR_CHARACTERS = 60
MAX_DRAFTS, MAX_LABELS = 4, 3


def infill(lm: gesso.LanguageModel) -> str:
    """A story, and what is written where some of it is taken out; how much it was is not told."""
    sentences = write_story(random.Random(3), split="held_out", world=WORLD).sentences
    text = " ".join(sentences)
    holes = {
        "a word": sentences[2].split()[-1],
        "a sentence": sentences[4],
        "three sentences": " ".join(sentences[7:10]),
    }
    paragraphs: list[tuple[str, Pieces]] = [("a story", words("accepted", text))]
    for what, hole in holes.items():
        before, after = text.split(hole)
        filled = lm.infill(before, after, seed=0, max_hole_tokens=MAX_HOLE_TOKENS)
        pieces = [
            *words("prompt", " ".join(["...", *before.split()[-WORDS_BESIDE:]])),
            *words("draft", f" {filled.text}"),
            *words("prompt", " ".join([after.partition(" ")[0], *after.split()[:WORDS_BESIDE], "..."])),
        ]
        caption = f"{what} missing, {len(filled.token_ids)} tokens written, {filled.nats_per_token:.2f} nats a token"
        paragraphs.append((caption, pieces))
    return sheet(paragraphs, "A story, and what is written where some of it is taken out")


def edit(lm: gesso.LanguageModel) -> str:
    """A story, two of whose sentences are written anew."""
    sentences = write_story(random.Random(4), split="held_out", world=WORLD).sentences
    text, chosen = " ".join(sentences), (sentences[2], sentences[-2])
    edited = lm.edit(text, [(text.index(one), text.index(one) + len(one)) for one in chosen], seed=1)
    old = _marked(text, [(span.start, span.old) for span in edited.spans])
    new = _marked(edited.text, [(span.new_start, span.new) for span in edited.spans])
    return sheet([("marked", old), ("edited: all else is as it was", new)], "A story before and after an edit")


def _marked(text: str, parts: list[tuple[int, str]]) -> Pieces:
    pieces, end = [], 0
    for start, part in parts:
        pieces += [*words("accepted", text[end:start]), *words("draft", part)]
        end = start + len(part)
    return [*pieces, *words("accepted", text[end:])]


def read_and_score(lm: gesso.LanguageModel) -> str:
    """The probabilities of all colors at a slot, by the canvas and from left to right."""
    rng = random.Random(1)
    case = write_case(rng, "question", "held_out", WORLD)
    while "color" not in case.prompt.rpartition("\n")[2]:
        case = write_case(rng, "question", "held_out", WORLD)
    answer, color = case.answer.removesuffix(".").rsplit(" ", 1)
    asked = [{"role": "user", "content": case.prompt}]
    paragraphs: list[tuple[str, Pieces]] = [("a story and a question", words("prompt", case.prompt.replace("\n", " ")))]
    for by in ("canvas", "left_to_right"):
        slot = lm.read(f"{answer} ___.", COLORS, prompt=asked, by=by).slots[0]
        ranked = sorted(slot.probabilities.items(), key=lambda one: -one[1])[:MAX_LABELS]
        for number, (label, share) in enumerate(ranked):
            style = "accepted" if label == color else "draft"
            bar = FULL_BLOCK * max(1, round(share * BAR_CHARACTERS))
            caption = "" if number else f"{answer} ___.   by {by}; all labels together had {slot.mass:.2f}"
            paragraphs.append((caption, [("prompt", f"{label:10}"), (style, bar), ("caption", f" {share:.2f}")]))
    return sheet(paragraphs, "Probabilities of colors at a slot")


def constrain(lm: gesso.LanguageModel) -> str:
    """Drafts of a text under a JSON Schema, step by step."""
    asked = [{"role": "user", "content": "Tell me a story about an animal and its friends."}]
    steps = [event for event in lm.stream(asked, seed=3, json_schema=SCHEMA, mode="diffusion") if _is_step(event)]
    paragraphs: list[tuple[str, Pieces]] = []
    for event in steps[: MAX_DRAFTS * 2]:
        style = "accepted" if event is steps[-1] else "draft"
        paragraphs.append((f"draft after step {event.step}", words(style, event.draft_text)))
    return sheet(paragraphs, "Each draft is valid JSON")


def modes(lm: gesso.LanguageModel) -> str:
    """Drafts of a verified canvas: what each reading kept, and what was painted behind it."""
    prompt = "Once upon a time"
    steps = [event for event in lm.stream(prompt, seed=1, mode="verified") if _is_step(event)]
    drafts = [(kept, list(some)[-1]) for kept, some in groupby(steps, key=_num_kept)]
    shown = drafts if len(drafts) <= MAX_DRAFTS else [*drafts[: MAX_DRAFTS - 1], drafts[-1]]
    paragraphs: list[tuple[str, Pieces]] = []
    for kept, event in shown:
        ids = [token for token in event.draft if token not in lm.stop_ids]
        pieces = [("accepted" if i < kept else "draft", lm.tokenizer.decode([one])) for i, one in enumerate(ids)]
        caption = (
            f"draft {drafts.index((kept, event)) + 1} of {len(drafts)}, after step {event.step}; kept: {kept} tokens"
        )
        paragraphs.append((caption, [*words("prompt", prompt), *pieces]))
    return sheet(paragraphs, "Drafts of a verified canvas")


def _num_kept(event: StepDone) -> int:
    """Positions at the beginning that are pinned: their entropy is exactly 0."""
    return next((place for place, nats in enumerate(event.entropy) if nats), len(event.entropy))


def samplers_steps(lm: gesso.LanguageModel) -> str:
    """Which positions of a canvas each sampler accepts, step by step."""
    cell, steps_shown = (WIDTH - 2 * MARGIN) / 256, 16
    parts, y = [], MARGIN + LINE_HEIGHT / 2
    for name in SAMPLERS:
        drawn = lm.stream("Once upon a time", seed=2, sampler=name, mode="diffusion", steps=steps_shown)
        steps = [event for event in drawn if _is_step(event) and event.canvas_index == 0]
        parts.append(text_line([("caption", f"{name}: accepted positions, a line for each of {len(steps)} steps")], y))
        path = ""
        for event in steps:
            y += 5
            path += "".join(
                f"M{MARGIN + start * cell:.1f} {y:g}h{(stop - start) * cell:.1f}"
                for start, stop in _runs(event.accepted)
            )
        parts.append(f'<path d="{path}" stroke="#20242c" stroke-width="4"/>')
        y += 1.5 * LINE_HEIGHT
    return picture(parts, y - LINE_HEIGHT + MARGIN / 2, "Which positions of a canvas each sampler accepts at each step")


def _runs(accepted: tuple[bool, ...]) -> Iterator[tuple[int, int]]:
    """First and last + 1 of neighbours that are accepted."""
    for is_accepted, some in groupby(range(len(accepted)), key=accepted.__getitem__):
        places = list(some)
        if is_accepted:
            yield places[0], places[-1] + 1


def _is_step(event: object) -> bool:
    return isinstance(event, StepDone)


PICTURES: dict[str, Callable[[gesso.LanguageModel], str]] = {
    draw.__name__: draw for draw in (infill, edit, read_and_score, constrain, modes, samplers_steps)
}
"""By the name of its file: a picture of a page."""


def main() -> None:
    """Draw, and tell where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    args = parser.parse_args()
    lm = gesso.load(args.model)
    for name in args.only:
        file = Path(__file__).parent / "pictures" / f"{name}.svg"
        file.write_text(PICTURES[name](lm), encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main()
