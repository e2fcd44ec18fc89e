"""Writes one story in three modes with the same weights: `python examples/08_verified.py`.

Diffusion refines a whole canvas at once. Verified diffusion also reads each draft from left to right, and paints it
again from the first word that does not hold. Left to right writes word by word. What each costs stands beside it.
"""

import gesso
from gesso.engine.request import MODES


def main() -> None:
    """Write, and count passes of the network."""
    lm = gesso.load()
    for mode in MODES:
        story = lm.generate("Once upon a time", mode=mode, seed=0)
        passes = sum(story.steps) + sum(story.readings) + len(story.steps)
        print(f"{mode}: {len(story.token_ids)} tokens in {passes} passes, {story.seconds:.1f} s")
        print(f"Once upon a time{story.text}\n")


if __name__ == "__main__":
    main()
