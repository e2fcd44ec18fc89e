"""Writes a story with the bundled model: `python examples/01_generate.py`."""

import gesso


def main() -> None:
    """Go on from a few words, then answer a request."""
    lm = gesso.load()

    story = lm.generate("Once upon a time", max_new_tokens=256, seed=0)
    print(story.text)
    print(
        f"\n{len(story.token_ids)} tokens in {sum(story.steps)} steps: {story.tokens_per_forward:.1f} tokens a pass\n"
    )

    reply = lm.generate([{"role": "user", "content": "Write a story about a lost toy."}], seed=1)
    print(reply.message.content)


if __name__ == "__main__":
    main()
