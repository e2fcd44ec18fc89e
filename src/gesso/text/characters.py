"""Tokens spelled one by one: where a character is made of several, those together."""

from collections.abc import Callable, Iterator, Sequence

Spell = Callable[[Sequence[int]], str]
"""Text of token ids, control tokens left out, such as `Tokenizer.decode`."""

_LONGEST_CHARACTER = 4  # bytes, and so tokens
_BROKEN = "\N{REPLACEMENT CHARACTER}"


def characters(tokens: Sequence[int], spell: Spell) -> Iterator[tuple[int, int, str]]:
    """Spell tokens one by one; those that hold parts of one character together, if together they are one.

    Yields:
        The first token's position, the position after the last, and the text.
    """
    start = 0
    while start < len(tokens):
        text, end = spell(tokens[start : start + 1]), start + 1
        if _BROKEN in text:
            for more in range(start + 2, min(start + _LONGEST_CHARACTER, len(tokens)) + 1):
                joined = spell(tokens[start:more])
                if _BROKEN not in joined:
                    text, end = joined, more
                    break
        yield start, end, text
        start = end
