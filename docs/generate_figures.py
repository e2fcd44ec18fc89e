"""Puts the figures of benchmarks/results into the pages that show them: `python docs/generate_figures.py`."""

import json
from collections.abc import Callable
from typing import Any

import marked_section
from marked_section import ROOT

DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"

Record = dict[str, Any]


def _table(*rows: list[object]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _steps(record: Record) -> str:
    kinds = list(record["results"][0]["by_kind"])
    rows = [
        [row["model"], row["batch"], *row["ms"].values(), row["gflop"], f"{row['of_peak']:.0%}"]
        + [f"{row['by_kind'].get(kind, 0):.0%}" for kind in kinds]
        for row in record["results"]
    ]
    return _table(["model", "batch", "step, ms", "layers", "reading", "GFLOP", "of peak", *kinds], *rows)


def _peers(record: Record) -> str:
    rows = [
        [row["system"], row["dtype"], row["ms_per_step_median"], row["ms_per_step_min"]] for row in record["results"]
    ]
    return _table(["system", "dtype", "ms a step, median", "least"], *rows)


def _memory(record: Record) -> str:
    return _table(
        ["what", "MB"], *([name.removesuffix("_mb").replace("_", " "), v] for name, v in record["results"].items())
    )


def _operations(record: Record) -> str:
    rows = [[row["operation"].replace(" | ", " / "), row["plain_ms"], row["tried_ms"]] for row in record["results"]]
    return _table(["operation: plain / other", "plain, ms", "other, ms"], *rows)


def _modes(record: Record) -> str:
    shares, costs = ("ok", "consistent", "complete", "sentences"), ("seconds", "passes", "tokens_per_second")
    rows = [
        [name, *(f"{row[key]['value']:.0%}" for key in shares), *(f"{row[key]['value']:.3g}" for key in costs)]
        for name, row in record["results"].items()
    ]
    stories = next(iter(record["results"].values()))["ok"]["count"]
    return _table(["way", "faultless", *shares[1:], "seconds", "passes", "tokens/s"], *rows) + f"\n\n{stories} stories."


def _estimate(figure: Record | None) -> str:
    return "" if figure is None else f"{figure['value']:.3f} ({figure['standard_error']:.3f})"


def _objectives(record: Record) -> str:
    names = list(dict.fromkeys(name for row in record["results"].values() for name in row))
    rows = [[way, *(_estimate(row.get(name)) for name in names)] for way, row in record["results"].items()]
    return _table(["trained by", *(name.replace("_", " ") for name in names)], *rows)


def _unrolling(record: Record) -> str:
    reports = record["results"]
    steps = [point["max_steps"] for point in next(iter(reports.values()))["curve"]]
    rows = [[name, *(_estimate(point["sentences"]) for point in one["curve"])] for name, one in reports.items()]
    return "Sentences without a fault:\n\n" + _table(["second stage", *(f"{count} steps" for count in steps)], *rows)


SECTIONS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "step_parts": ("performance.md", _steps),
    "step_parts_compiled": ("performance.md", _steps),
    "against_transformers": ("performance.md", _peers),
    "against_transformers_compiled": ("performance.md", _peers),
    "against_transformers_100m": ("performance.md", _peers),
    "request_memory": ("performance.md", _memory),
    "cpu_operations": ("performance.md", _operations),
    "modes": ("modes.md", _modes),
    "objectives": ("train.md", _objectives),
    "unrolling": ("train.md", _unrolling),
}


def render(name: str) -> str:
    """The table of one record, and where and when it was measured; a remark where there is none yet."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return "Not measured yet."
    record = json.loads(path.read_text(encoding="utf-8"))
    machine = record["machine"]
    origin = f"{record['date']}, {machine['cpu']}, {machine['threads']} threads, torch {record['versions']['torch']}"
    return f"{SECTIONS[name][1](record)}\n\n{origin}."


if __name__ == "__main__":
    for section, (page, _) in SECTIONS.items():
        marked_section.write(DOCS / page, section, render(section))
