"""Draws what benchmarks/beside_left_to_right.py has found, a bar for each way: `python docs/draw_beside.py`."""

import json
from pathlib import Path

from picture import Pieces, sheet

DOCS = Path(__file__).parent
RECORD = DOCS.parent / "benchmarks" / "results" / "beside_left_to_right.json"
FIGURES = {
    "infill": ("ok", "a sentence is missing: stories without a fault"),
    "middle": ("ok", "the middle is missing: stories without a fault"),
    "edit": ("right", "a name changes: exactly right"),
    "record": ("right", "a JSON record of a text: exactly right"),
    "read": ("right", "one of several labels: right"),
    "repair": ("words right", "wrong tokens, unmarked: words as they were"),
}
BAR, NAME_COLUMNS, BAR_COLUMNS = "\N{FULL BLOCK}", 34, 40


def draw(results: dict[str, dict[str, dict[str, dict[str, float]]]]) -> str:
    """A paragraph for each task; ways of the canvas in ink, others in ochre."""
    paragraphs: list[tuple[str, Pieces]] = []
    for task, (figure, title) in FIGURES.items():
        for number, (way, figures) in enumerate(results.get(task, {}).items()):
            share, error = figures[figure]["value"], figures[figure]["standard_error"]
            style = "draft" if way.startswith("left to right") else "accepted"
            bar = BAR * round(share * BAR_COLUMNS)
            line = [("prompt", f"{way:{NAME_COLUMNS}}"), (style, bar), ("caption", f" {share:.0%} ({error:.0%})")]
            paragraphs.append(("" if number else title, line))
    return sheet(paragraphs, "What a canvas does beside left to right, task by task")


def main() -> None:
    """Draw, if it has been measured."""
    if RECORD.exists():
        picture = draw(json.loads(RECORD.read_text(encoding="utf-8"))["results"])
        (DOCS / "pictures" / "beside_left_to_right.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
