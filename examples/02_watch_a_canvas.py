"""Shows a canvas coming into focus, a line for each step: `python examples/02_watch_a_canvas.py`.

Accepted tokens stand as they are; a dot stands for each character of a token that is still noise.
"""

import re

import gesso

COLUMNS = 100


def main() -> None:
    """Write one canvas and print what each step leaves of it."""
    lm = gesso.load()
    for event in lm.stream("The little fox", max_new_tokens=256, seed=3):
        match event:
            case gesso.StepDone():
                print(f"{event.step:2d} {sum(event.accepted):4d} kept  {in_focus(lm, event)}")
            case gesso.CanvasCommitted():
                print(f"\n{event.text.strip()}\n\n{event.steps} steps, converged: {event.converged}")


def in_focus(lm: gesso.LanguageModel, event: gesso.StepDone) -> str:
    """The beginning of the draft, with dots where the step did not accept."""
    pieces = []
    for token, accepted in zip(event.draft, event.accepted, strict=True):
        text = lm.tokenizer.decode([token])
        pieces.append(text if accepted else re.sub(r"\S", ".", text))
    return " ".join("".join(pieces).split())[:COLUMNS]


if __name__ == "__main__":
    main()
