"""Ranges of numbers as languages: the numbers of JSON between two bounds, as they are written."""

from decimal import Decimal

from gesso.constrain.expression import Expression, Expressions

INTEGER_DIGITS = 15
"""Digits of an integer. Every integer of so many digits is exact in float64, which most readers of JSON use."""

WHOLE_DIGITS, FRACTION_DIGITS, EXPONENT_DIGITS = 9, 6, 2
"""Digits of a number with a fraction: 15 in all, so that different numbers are different in float64 too."""


def integer(pool: Expressions, low: int | None = None, high: int | None = None) -> Expression:
    """The integers from `low` to `high`, both included; None: as far as `INTEGER_DIGITS` or the other bound reach."""
    needed = max(1 if low is None else low, 1 if high is None else -high)
    digits = max(INTEGER_DIGITS, len(str(needed)))
    positive, negative = [_whole(pool, digits)], [_whole(pool, digits), _at_least(pool, 1)]
    if low is not None:
        positive.append(_at_least(pool, max(low, 0)))
        negative.append(_at_most(pool, -low) if low < 0 else pool.nothing)
    if high is not None:
        positive.append(_at_most(pool, high) if high >= 0 else pool.nothing)
        negative.append(_at_least(pool, max(-high, 1)))
    return pool.choice(pool.both(*positive), pool.sequence(pool.literal(b"-"), pool.both(*negative)))


def number(
    pool: Expressions,
    low: Decimal | None = None,
    high: Decimal | None = None,
    *,
    above_low: bool = False,
    below_high: bool = False,
) -> Expression:
    """The numbers between two bounds.

    Args:
        pool: where the result is stored.
        low: the least number.
        high: the greatest one.
        above_low: leave out `low` itself.
        below_high: leave out `high` itself.
    """
    fraction = pool.sequence(pool.literal(b"."), _digits(pool, 1, FRACTION_DIGITS))
    size = pool.choice(pool.sequence(_whole(pool, WHOLE_DIGITS), pool.optional(fraction)), _whole(pool, INTEGER_DIGITS))
    minus = pool.literal(b"-")
    if low is None and high is None:
        sign = pool.optional(pool.choice(pool.literal(b"+"), minus))
        exponent = pool.sequence(pool.literal(b"e"), sign, _digits(pool, 1, EXPONENT_DIGITS))
        return pool.sequence(pool.optional(minus), size, pool.optional(exponent))
    zero = Decimal(0)
    positive, negative = [size], [size, _above(pool, zero, strict=True)]
    if low is not None:
        positive.append(_above(pool, max(low, zero), strict=above_low and low >= 0))
        negative.append(_below(pool, -low, strict=above_low) if low < 0 else pool.nothing)
    if high is not None:
        positive.append(_below(pool, high, strict=below_high) if high >= 0 else pool.nothing)
        negative.append(_above(pool, max(-high, zero), strict=below_high and high <= 0))
    return pool.choice(pool.both(*positive), pool.sequence(minus, pool.both(*negative)))


def _digit(pool: Expressions, low: int = 0, high: int = 9) -> Expression:
    return pool.characters(((48 + low, 48 + high),)) if low <= high else pool.nothing


def _digits(pool: Expressions, least: int, most: int | None) -> Expression:
    return pool.repeat(_digit(pool), least, most)


def _whole(pool: Expressions, most_digits: int) -> Expression:
    return pool.choice(pool.literal(b"0"), pool.sequence(_digit(pool, 1), _digits(pool, 0, most_digits - 1)))


def _differing(pool: Expressions, text: str, rest: bool, *, larger: bool) -> Expression:
    """Digits that first agree with `text` and then, within it, are larger or smaller; then as many digits, or any."""
    choices = []
    for at, digit in enumerate(text):
        other = _digit(pool, int(digit) + 1, 9) if larger else _digit(pool, 0, int(digit) - 1)
        after = _digits(pool, 0, None) if rest else _digits(pool, len(text) - at - 1, len(text) - at - 1)
        choices.append(pool.sequence(pool.literal(text[:at].encode()), other, after))
    return pool.choice(*choices)


def _at_least(pool: Expressions, bound: int) -> Expression:
    text = str(bound)
    longer = pool.sequence(_digit(pool, 1), _digits(pool, len(text), None))
    return pool.choice(longer, _differing(pool, text, False, larger=True), pool.literal(text.encode()))


def _at_most(pool: Expressions, bound: int) -> Expression:
    text = str(bound)
    shorter = _whole(pool, len(text) - 1) if len(text) > 1 else pool.nothing
    same_length = pool.choice(_differing(pool, text, False, larger=False), pool.literal(text.encode()))
    return pool.choice(shorter, pool.both(same_length, _whole(pool, len(text))))


def _parts(bound: Decimal) -> tuple[int, str]:
    whole, _, fraction = f"{bound:f}".partition(".")
    return int(whole), fraction.rstrip("0")


def _above(pool: Expressions, bound: Decimal, *, strict: bool) -> Expression:
    """What is written of a number of at least `bound`, which is not negative; `strict`: of more than that."""
    whole, fraction = _parts(bound)
    point, any_digits = pool.literal(b"."), _digits(pool, 0, None)
    after = pool.sequence(_digits(pool, 0, None), _digit(pool, 1), any_digits) if strict else any_digits
    same = pool.sequence(
        point,
        pool.choice(
            _differing(pool, fraction, True, larger=True), pool.sequence(pool.literal(fraction.encode()), after)
        ),
    )
    if not fraction and not strict:
        same = pool.optional(same)
    return pool.choice(
        pool.sequence(_at_least(pool, whole + 1), pool.optional(pool.sequence(point, any_digits))),
        pool.sequence(pool.literal(str(whole).encode()), same),
    )


def _below(pool: Expressions, bound: Decimal, *, strict: bool) -> Expression:
    """What is written of a number of at most `bound`, which is not negative; `strict`: of less than that."""
    whole, fraction = _parts(bound)
    point, any_digits = pool.literal(b"."), _digits(pool, 0, None)
    less = (
        pool.sequence(_at_most(pool, whole - 1), pool.optional(pool.sequence(point, any_digits)))
        if whole
        else pool.nothing
    )
    beginnings = [pool.literal(fraction[:size].encode()) for size in range(1, len(fraction))]
    equal = pool.sequence(pool.literal(fraction.encode()), pool.repeat(pool.literal(b"0")))
    same = pool.sequence(
        point,
        pool.choice(*beginnings, _differing(pool, fraction, True, larger=False), pool.nothing if strict else equal),
    )
    if fraction or not strict:
        same = pool.optional(same)
    return pool.choice(less, pool.sequence(pool.literal(str(whole).encode()), same))
