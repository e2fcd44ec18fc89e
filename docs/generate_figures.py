"""Puts the figures of benchmarks/results into the pages that show them: `python docs/generate_figures.py`."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import draw_beside
import marked_section
from marked_section import ROOT

DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"

BESIDE_PICTURE = "pictures/beside_left_to_right.svg"

Record = dict[str, Any]


def _table(*rows: list[object]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _steps(record: Record) -> str:
    kinds, parts = list(record["results"][0]["by_kind"]), ("step", "layers", "reading", "rest")
    rows = []
    for row in record["results"]:
        times = [row[f"{part}_ms"]["median"] for part in parts]
        shares = [f"{share:.0%}" for share in (row["of_peak"], *(row["by_kind"].get(kind, 0) for kind in kinds))]
        rows.append([row["model"], row["batch"], *times, row["step_gflop"], *shares])
    return _table(["model", "batch", "step, ms", *parts[1:], "GFLOP", "of peak", *kinds], *rows)


def _peers(record: Record) -> str:
    rows = []
    for row in record["results"]:
        times = [row.get("ms_per_step", {}).get(part, "") for part in ("median", "least")]
        rate = row.get("tokens_per_s", {}).get("median", row.get("remark", ""))
        rows.append([row["system"], row["dtype"], row["batch"], *times, rate, row.get("gesso_is_faster", "")])
    return _table(["system", "dtype", "batch", "ms a step, median", "least", "tokens/s", "gesso is faster"], *rows)


def _latency(record: Record) -> str:
    rows = []
    for row in record["results"]:
        times = [row[f"{name}_s"]["median"] for name in ("first_draft", "first_canvas", "total")]
        ends = f"{row['total_s']['least']} to {row['total_s']['most']}"
        rate, memory = row["tokens_per_s"]["median"], row["peak_memory_mb"]
        rows.append([row["mode"], row["tokens"], row["steps"], *times, ends, rate, memory])
    times = ["first draft, s", "first canvas, s", "whole, s", "least to most"]
    return _table(["mode", "tokens", "steps", *times, "tokens/s", "peak memory, MB"], *rows)


def _throughput(record: Record) -> str:
    rows = []
    for row in record["results"]:
        times = [row[f"{name}_s"] for name in ("first_draft_p50", "first_draft_p90", "total_p50", "total_p90")]
        rates = [row["tokens_per_s"]["median"], row["tokens_per_s_of_a_request"], row["tokens_per_forward"]]
        rows.append([row["traffic"], *rates, *times])
    rates, times = ["all tokens/s", "of one", "tokens a pass"], ["first draft, s", "p90", "whole, s", "p90"]
    return _table(["requests", *rates, *times], *rows)


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
        [row["way"], *(f"{row[key]['value']:.0%}" for key in shares), *(f"{row[key]['value']:.3g}" for key in costs)]
        for row in record["results"]
    ]
    stories = record["results"][0]["ok"]["count"]
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


def _quantized(record: Record) -> str:
    weights, products = record["results"]["weights"], record["results"]["products_ms"]
    changes = {
        "left to right, bits/byte": "left_to_right_change",
        "bound, bits/byte": "bound_change",
        "faultless stories": "ok",
        "sentences": "sentences",
    }
    rows = [
        [name, row["mb"], row["step_ms"], *(_estimate(row[key]) for key in changes.values())]
        for name, row in weights.items()
    ]
    timed = _table(["product of 256 tokens with 2,112 x 2,816 weights", "ms"], *map(list, products.items()))
    return _table(["weights", "MB", "step, ms", *changes], *rows) + "\n\n" + timed


def _cost(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _beside(task: str, record: Record) -> str:
    ways = record["results"].get(task)
    if ways is None:
        return "Not measured yet."
    names = list(dict.fromkeys(name for row in ways.values() for name in row if name != "reliability"))
    costs = [name for name in names if name in ("seconds", "passes", "positions")]
    scores = [name for name in names if name not in costs]
    rows = [
        [way, *(_estimate(row.get(name)) for name in scores), *(_cost(row[name]["value"]) for name in costs)]
        for way, row in ways.items()
    ]
    count = next(iter(ways.values()))["seconds"]["count"]
    table = _table([f"{task}, {count} items", *scores, *costs], *rows)
    return f"{table}\n\n![All tasks, a bar for each way]({BESIDE_PICTURE})" if task == "infill" else table


SECTIONS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "step_parts": ("performance.md", _steps),
    "step_parts_compiled": ("performance.md", _steps),
    "against_transformers": ("performance.md", _peers),
    "against_transformers_compiled": ("performance.md", _peers),
    "against_transformers_100m": ("performance.md", _peers),
    "latency": ("performance.md", _latency),
    "throughput": ("performance.md", _throughput),
    "request_memory": ("performance.md", _memory),
    "cpu_operations": ("performance.md", _operations),
    "modes": ("modes.md", _modes),
    "objectives": ("train.md", _objectives),
    "unrolling": ("train.md", _unrolling),
    "quantized": ("quant.md", _quantized),
    "beside_left_to_right infill": ("infill.md", partial(_beside, "infill")),
    "beside_left_to_right middle": ("infill.md", partial(_beside, "middle")),
    "beside_left_to_right edit": ("edit.md", partial(_beside, "edit")),
    "beside_left_to_right repair": ("edit.md", partial(_beside, "repair")),
    "beside_left_to_right record": ("constrain.md", partial(_beside, "record")),
    "beside_left_to_right read": ("read_and_score.md", partial(_beside, "read")),
}
"""The first word of a section's name is that of its record."""


def render(name: str) -> str:
    """The table of one record, and where and when it was measured; a remark where there is none yet."""
    path = RESULTS / f"{name.split()[0]}.json"
    if not path.exists():
        return "Not measured yet."
    record = json.loads(path.read_text(encoding="utf-8"))
    machine = record["machine"]
    origin = f"{record['date']}, {machine['cpu']}, {machine['threads']} threads, torch {record['versions']['torch']}"
    return f"{SECTIONS[name][1](record)}\n\n{origin}."


if __name__ == "__main__":
    for section, (page, _) in SECTIONS.items():
        marked_section.write(DOCS / page, section, render(section))
    draw_beside.main()
