"""Draws a canvas coming into focus as one animated SVG, from the events of a real generation.

    python docs/draw_canvas.py --prompt "Once upon a time" --seed 12 --output docs/pictures/canvas.svg

Each frame is one denoising step. Noise is faint, a draft that is not yet accepted is ochre, accepted text is ink.
"""

import argparse
from pathlib import Path

from picture import LINE_HEIGHT, MARGIN, picture, text_line, wrap

import gesso
from gesso.engine.events import StepDone

LIKELY_NATS = 1.0
SECONDS_PER_STEP, SECONDS_AT_REST = 0.45, 4.0


def spans(lm: gesso.LanguageModel, event: StepDone, last: bool) -> list[tuple[str, str]]:
    """Style and text of each position; what follows the end of the text is left out of the last frame."""
    shown = []
    for position, accepted in enumerate(event.accepted):
        likely = event.entropy[position] < LIKELY_NATS
        token = event.draft[position] if accepted or likely or last else event.canvas[position]
        if last and token in lm.stop_ids:
            break
        style = "accepted" if accepted or last else "draft" if likely else "noise"
        text = lm.tokenizer.decode([token], skip_special=True) if token not in lm.stop_ids else " ."
        shown.append((style, "".join(c if c.isprintable() else " " for c in text)))
    return shown


def draw(lm: gesso.LanguageModel, prompt: str, events: list[StepDone]) -> str:
    """The whole picture."""
    frames = []
    for event in events:
        last = event is events[-1]
        caption = f"step {event.step}: {sum(event.accepted)} of {len(event.accepted)} positions accepted"
        frames.append((caption, wrap([("prompt", prompt), *spans(lm, event, last)])))
    num_lines = max(len(lines) for _, lines in frames)
    height = MARGIN * 2 + (num_lines + 1.5) * LINE_HEIGHT
    total = SECONDS_PER_STEP * (len(frames) - 1) + SECONDS_AT_REST
    parts = []
    for index, (caption, lines) in enumerate(frames):
        begin = SECONDS_PER_STEP * index / total
        end = 1.0 if index == len(frames) - 1 else SECONDS_PER_STEP * (index + 1) / total
        # The last frame is what a viewer without animation sees.
        visibility = "visible" if index == len(frames) - 1 else "hidden"
        parts.append(f'<g visibility="{visibility}">')
        if len(frames) > 1:
            values, times = _window(begin, end)
            parts.append(
                f'<animate attributeName="visibility" values="{values}" keyTimes="{times}" dur="{total:.2f}s" '
                'calcMode="discrete" repeatCount="indefinite"/>'
            )
        parts += [text_line(line, MARGIN + (row + 1) * LINE_HEIGHT) for row, line in enumerate(lines)]
        parts.append(f'<text class="caption" x="{MARGIN}" y="{height - MARGIN:.0f}">{caption}</text></g>')
    return picture(parts, height, f"A canvas of noise comes into focus in {len(frames)} denoising steps")


def _window(begin: float, end: float) -> tuple[str, str]:
    """Values and key times of an element that is visible from `begin` to `end` of a cycle."""
    if begin == 0:
        return "visible;hidden", f"0;{end:.4f}"
    if end == 1.0:
        return "hidden;visible", f"0;{begin:.4f}"
    return "hidden;visible;hidden", f"0;{begin:.4f};{end:.4f}"


def main() -> None:
    """Generate one canvas and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompt", default="Once upon a time")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--model")
    parser.add_argument("--output", type=Path, default=Path("docs/pictures/canvas.svg"))
    args = parser.parse_args()
    lm = gesso.load(args.model)
    events = [
        event for event in lm.stream(args.prompt, seed=args.seed, max_new_tokens=256) if isinstance(event, StepDone)
    ]
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(draw(lm, args.prompt, events), encoding="utf-8")


if __name__ == "__main__":
    main()
