"""Asks the canvas instead of writing on it: `python examples/06_read_and_score.py`.

Reading pins a template and tells how likely each label is in its slots. Scoring tells how likely a whole text is.
"""

import gesso

STORY = "Once upon a time, there was a girl named Mia. She had a red kite"
ENDINGS = (" and took it everywhere.", " and everywhere took it.")


def main() -> None:
    """Read two slots at once, then compare two endings token by token."""
    lm = gesso.load()
    asked = [{"role": "user", "content": f"{STORY} and took it everywhere.\nWhat color is the kite?"}]
    reading = lm.read("The ___ is ___.", [["kite", "boat"], ["red", "blue", "green"]], prompt=asked)
    print(reading.text)
    for slot in reading.slots:
        print("   ", ", ".join(f"{label} {probability:.2f}" for label, probability in slot.probabilities.items()))

    for ending in ENDINGS:
        score = lm.score(ending, prompt=STORY, num_samples=0)
        tokens = zip(score.token_ids, score.token_nats, strict=True)
        print(" ".join(f"{lm.tokenizer.decode([token]).strip()}:{nats:.1f}" for token, nats in tokens))


if __name__ == "__main__":
    main()
