"""Measures the kinds of cases and writes their data sheet into docs/worlds.md: `python docs/generate_worlds.py`.

Lengths are in tokens of the bundled tokenizer, without the tokens of the chat format, over fresh cases of one seed.
"""

import random

import marked_section
from marked_section import ROOT

from gesso.text.tokenizer import Tokenizer
from gesso.worlds.splits import HELD_OUT_ONE_IN
from gesso.worlds.tasks import KINDS, MIXTURES, write_case

PAGE = ROOT / "docs" / "worlds.md"
SECTION = "data sheet"
CASES_PER_KIND = 200


def render(cases_per_kind: int = CASES_PER_KIND) -> str:
    """The data sheet as a Markdown table."""
    tokenizer = Tokenizer.load(ROOT / "src" / "gesso" / "bundled")
    names = [f"`{name}`" for name in MIXTURES]
    head = ["kind", *names, "prompt: mean", "max", "response: mean", "max", f"held out: one in {HELD_OUT_ONE_IN} of"]
    rows = [head, ["---"] * len(head)]
    for kind in KINDS:
        rng = random.Random(f"data sheet of {kind}")
        cases = [write_case(rng, kind) for _ in range(cases_per_kind)]
        weights = [f"{mixture.get(kind, 0):.2f}" for mixture in MIXTURES.values()]
        prompts = [len(tokenizer.encode(case.prompt)) for case in cases]
        responses = [len(tokenizer.encode(case.response)) for case in cases]
        rows.append([f"`{kind}`", *weights, *_mean_and_max(prompts), *_mean_and_max(responses), KINDS[kind].held_out])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _mean_and_max(lengths: list[int]) -> tuple[str, str]:
    return f"{sum(lengths) / len(lengths):.0f}", str(max(lengths))


if __name__ == "__main__":
    marked_section.write(PAGE, SECTION, render())
