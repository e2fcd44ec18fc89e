"""Which sizes of a hole are tried."""

GROWTH = 1.3
"""Each size that is tried is about so many times the one before it."""


def sizes_to_try(most: int) -> list[int]:
    """Sizes from 1 to `most`, both among them, whose distances grow."""
    sizes, size = [], 1
    while size < most:
        sizes.append(size)
        size = max(size + 1, round(size * GROWTH))
    return [*sizes, most]
