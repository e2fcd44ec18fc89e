"""Writes with samplers by name, and few steps: `python examples/09_samplers.py`.

A sampler decides which tokens of a prediction stay. "reference" has everything as published; the others are the model's
own settings but for the rule (docs/samplers.md). With 8 steps a rule that knows how many are left has an advantage.
"""

import gesso

SAMPLERS = ("reference", "entropy-bound", "rising-bound", "confidence", "top-k", "posterior", "gibbs")


def main() -> None:
    """Write the same canvas by each, and tell which part the last step accepted."""
    lm = gesso.load()
    for name in SAMPLERS:
        steps = [
            event
            for event in lm.stream("The little fox", sampler=name, mode="diffusion", steps=8, seed=0)
            if isinstance(event, gesso.StepDone) and event.canvas_index == 0
        ]
        last = steps[-1]
        share = sum(last.accepted) / len(last.accepted)
        print(f"{name:14} {len(steps)} steps, {share:4.0%} accepted: {' '.join(last.draft_text.split())[:80]}")


if __name__ == "__main__":
    main()
