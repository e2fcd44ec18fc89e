"""Writes the sentence that is missing in the middle of a story: `python examples/03_infill.py`.

The text after the hole is pinned in the canvas, so the model sees both sides of it at once, and it searches for the
likeliest filling of any length. Seeds may differ in what they find; the surprise of each tells which reads best.
"""

import gesso

BEFORE = "Once upon a time, there was a little girl named Mia. She had a red kite and took it everywhere."
AFTER = " Mia was very happy."


def main() -> None:
    """Fill the hole three times, the most natural first."""
    lm = gesso.load()
    fillings = [lm.infill(BEFORE, AFTER, seed=seed, max_hole_tokens=24) for seed in range(3)]
    for filling in sorted(fillings, key=lambda filling: filling.nats_per_token):
        print(f"{filling.nats_per_token:.2f} nats a token  {BEFORE} [{filling.text.strip()}]{AFTER}")


if __name__ == "__main__":
    main()
