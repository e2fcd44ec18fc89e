"""Streams a text with its drafts: `python examples/10_stream_drafts.py`.

Committed text only grows, and may be shown as it comes. A draft is the whole text as it would be if writing ended now;
it may change anywhere behind what is committed, so whoever shows it replaces it. Leaving the loop ends the writing.
"""

from difflib import SequenceMatcher

import gesso

ASKED = [{"role": "user", "content": "Write a story about a lost toy."}]


def main() -> None:
    """Print how much of each draft was in the one before, then the text."""
    lm = gesso.load()
    writing = lm.start(ASKED, seed=1, max_new_tokens=256)
    shown: list[str] = []
    for event in writing:
        match event:
            case gesso.StepDone():
                words = event.draft_text.split()
                same = SequenceMatcher(None, shown, words, autojunk=False).ratio()
                print(f"step {event.step:2d}: {len(words):3d} words, {same:4.0%} as before: {' '.join(words[:8])} ...")
                shown = words
            case gesso.CanvasCommitted():
                print(f"committed after {event.steps} steps and {event.readings} readings")
            case gesso.Finished():
                print(f"finished: {event.reason}\n")
    print(writing.answer)


if __name__ == "__main__":
    main()
