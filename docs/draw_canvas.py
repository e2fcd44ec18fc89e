"""Draws a canvas coming into focus as one animated SVG, from the events of a real generation.

    python docs/draw_canvas.py --prompt "Once upon a time" --seed 12 --output docs/pictures/canvas.svg

Each frame is one denoising step. Noise is faint, a draft that is not yet accepted is ochre, accepted text is ink.
"""

import argparse
from html import escape
from pathlib import Path

import gesso
from gesso.engine.events import StepDone

COLUMNS = 92
CHAR_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 21, 28
LIKELY_NATS = 1.0
SECONDS_PER_STEP, SECONDS_AT_REST = 0.45, 4.0

STYLE = """
  .ground { fill: #faf7f0; stroke: #e4dccb; }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; }
  .noise { fill: #cdc5b4; } .draft { fill: #c07f1d; } .accepted { fill: #20242c; } .prompt { fill: #2f6f62; }
  .caption { fill: #8b8371; font-size: 13px; }
"""


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


def wrap(pieces: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Break styled pieces into lines of at most COLUMNS characters, at the pieces' borders."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    for style, text in pieces:
        if used + len(text) > COLUMNS:
            lines.append([])
            used, text = 0, text.lstrip()
        lines[-1].append((style, text))
        used += len(text)
    return lines


def draw(lm: gesso.LanguageModel, prompt: str, events: list[StepDone]) -> str:
    """The whole picture."""
    frames = []
    for event in events:
        last = event is events[-1]
        caption = f"step {event.step}: {sum(event.accepted)} of {len(event.accepted)} positions accepted"
        frames.append((caption, wrap([("prompt", prompt), *spans(lm, event, last)])))
    num_lines = max(len(lines) for _, lines in frames)
    width = MARGIN * 2 + COLUMNS * CHAR_WIDTH
    height = MARGIN * 2 + (num_lines + 1.5) * LINE_HEIGHT
    total = SECONDS_PER_STEP * (len(frames) - 1) + SECONDS_AT_REST
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="A canvas of noise comes into focus in {len(frames)} denoising steps">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" x="1" y="1" width="{width - 2:.0f}" height="{height - 2:.0f}" rx="14"/>',
    ]
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
        for row, line in enumerate(lines):
            y = MARGIN + (row + 1) * LINE_HEIGHT
            styled = "".join(f'<tspan class="{style}">{escape(text)}</tspan>' for style, text in _merged(line))
            parts.append(f'<text x="{MARGIN}" y="{y}" xml:space="preserve">{styled}</text>')
        parts.append(f'<text class="caption" x="{MARGIN}" y="{height - MARGIN:.0f}">{caption}</text></g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _window(begin: float, end: float) -> tuple[str, str]:
    """Values and key times of an element that is visible from `begin` to `end` of a cycle."""
    if begin == 0:
        return "visible;hidden", f"0;{end:.4f}"
    if end == 1.0:
        return "hidden;visible", f"0;{begin:.4f}"
    return "hidden;visible;hidden", f"0;{begin:.4f};{end:.4f}"


def _merged(line: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join neighbours of one style: fewer elements, the same picture."""
    merged: list[tuple[str, str]] = []
    for style, text in line:
        if merged and merged[-1][0] == style:
            merged[-1] = (style, merged[-1][1] + text)
        else:
            merged.append((style, text))
    return merged


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
