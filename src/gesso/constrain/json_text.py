"""JSON as it is written here: one way for every value.

A space follows each comma and each colon, and stands nowhere else; only the characters that must be escaped are. It is
what Python's `json.dumps(value, ensure_ascii=False)` writes.
"""

import json
from functools import partial
from typing import Any

from gesso.constrain import characters as sets
from gesso.constrain import json_numbers
from gesso.constrain.characters import Ranges
from gesso.constrain.expression import Expression, Expressions

_CONTROL: Ranges = ((0x00, 0x1F),)
_ESCAPED: Ranges = sets.merged(_CONTROL, sets.single('"'), sets.single("\\"))
_RARE: Ranges = ((0x00, 0x07), (0x0B, 0x0B), (0x0E, 0x1F))

ORDINARY: Ranges = sets.complement(_RARE)
r"""The characters of a string about which nothing is said: all but those that only \u00XX can write."""


def string_character(pool: Expressions, ranges: Ranges) -> Expression:
    """One character of a set, as it stands in a JSON string."""
    escaped = [chr(point) for low, high in sets.common(ranges, _ESCAPED) for point in range(low, high + 1)]
    return pool.choice(
        pool.characters(sets.common(ranges, sets.complement(_ESCAPED))),
        *(pool.literal(json.dumps(character)[1:-1].encode()) for character in escaped),
    )


def string(pool: Expressions, body: Expression | None = None) -> Expression:
    """A string; `body` is what stands between the quotes, None for anything."""
    body = pool.repeat(string_character(pool, ORDINARY)) if body is None else body
    return pool.sequence(pool.literal(b'"'), body, pool.literal(b'"'))


def value(pool: Expressions, content: Any) -> Expression:
    """Exactly this value. A number without a fraction is written as an integer."""
    return pool.literal(json.dumps(_whole_as_integer(content), ensure_ascii=False, allow_nan=False).encode())


def array(pool: Expressions, item: Expression, least: int = 0, most: int | None = None) -> Expression:
    """An array of `least` to `most` items."""
    if most == 0:
        inside = pool.empty
    else:
        more = pool.repeat(
            pool.sequence(pool.literal(b", "), item), max(least - 1, 0), None if most is None else most - 1
        )
        inside = pool.sequence(item, more)
        inside = pool.optional(inside) if least == 0 else inside
    return pool.sequence(pool.literal(b"["), inside, pool.literal(b"]"))


def record(pool: Expressions, members: list[tuple[str, Expression, bool]]) -> Expression:
    """An object with given members in their order.

    Args:
        pool: where the result is stored.
        members: name, value, and whether the member must be there.
    """
    first = following = pool.literal(b"}")
    for name, content, is_required in reversed(members):
        member = pool.sequence(value(pool, name), pool.literal(b": "), content, following)
        later = pool.sequence(pool.literal(b", "), member)
        first = member if is_required else pool.choice(member, first)
        following = later if is_required else pool.choice(later, following)
    return pool.sequence(pool.literal(b"{"), first)


def mapping(pool: Expressions, content: Expression) -> Expression:
    """An object with any members, whose values are of one kind."""
    member = pool.sequence(string(pool), pool.literal(b": "), content)
    more = pool.repeat(pool.sequence(pool.literal(b", "), member))
    return pool.sequence(pool.literal(b"{"), pool.optional(pool.sequence(member, more)), pool.literal(b"}"))


def anything(pool: Expressions, max_depth: int) -> Expression:
    """Any value. Arrays and objects hold others down to `max_depth` levels; at 0 there are none."""
    kinds = [string(pool), json_numbers.number(pool), *map(partial(value, pool), (True, False, None))]
    if max_depth > 0:
        inside = anything(pool, max_depth - 1)
        kinds += [array(pool, inside), mapping(pool, inside)]
    return pool.choice(*kinds)


def _whole_as_integer(content: Any) -> Any:
    match content:
        case float() if content.is_integer():
            return int(content)
        case list():
            return [_whole_as_integer(item) for item in content]
        case dict():
            return {name: _whole_as_integer(item) for name, item in content.items()}
    return content
