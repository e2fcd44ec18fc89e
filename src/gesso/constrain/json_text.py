"""JSON as it is written here: one way for every value.

A space follows each comma and each colon, and stands nowhere else; only the characters that must be escaped are. It is
what Python's `json.dumps(value, ensure_ascii=False)` writes. Another `Notation` writes the same values otherwise.
"""

import json
import re
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Notation:
    """How the values of JSON are written.

    Attributes:
        comma, colon: what separates members, and names from values.
        quote: what stands around a string.
        escaped: characters of a string that only an escape can write.
        has_bare_names: names of members are words without quotes, and members come in the order of their names.
    """

    comma: bytes = b", "
    colon: bytes = b": "
    quote: bytes = b'"'
    escaped: Ranges = _ESCAPED
    has_bare_names: bool = False


JSON = Notation()

_BARE = re.compile(r"\w[\w.-]*")


def string_character(pool: Expressions, ranges: Ranges, notation: Notation = JSON) -> Expression:
    """One character of a set, as it stands in a string."""
    escaped = [chr(point) for low, high in sets.common(ranges, notation.escaped) for point in range(low, high + 1)]
    return pool.choice(
        pool.characters(sets.common(ranges, sets.complement(notation.escaped))),
        *(pool.literal(json.dumps(character)[1:-1].encode()) for character in escaped),
    )


def string(pool: Expressions, body: Expression | None = None, notation: Notation = JSON) -> Expression:
    """A string; `body` is what stands between the quotes, None for anything."""
    body = pool.repeat(string_character(pool, ORDINARY, notation)) if body is None else body
    return pool.sequence(pool.literal(notation.quote), body, pool.literal(notation.quote))


def value(pool: Expressions, content: Any, notation: Notation = JSON) -> Expression:
    """Exactly this value. A number without a fraction is written as an integer."""
    return pool.literal(_written(_whole_as_integer(content), notation))


def array(
    pool: Expressions, item: Expression, least: int = 0, most: int | None = None, notation: Notation = JSON
) -> Expression:
    """An array of `least` to `most` items."""
    if most == 0:
        inside = pool.empty
    else:
        more = pool.repeat(
            pool.sequence(pool.literal(notation.comma), item), max(least - 1, 0), None if most is None else most - 1
        )
        inside = pool.sequence(item, more)
        inside = pool.optional(inside) if least == 0 else inside
    return pool.sequence(pool.literal(b"["), inside, pool.literal(b"]"))


def record(pool: Expressions, members: list[tuple[str, Expression, bool]], notation: Notation = JSON) -> Expression:
    """An object with given members in their order.

    Args:
        pool: where the result is stored.
        members: name, value, and whether the member must be there.
        notation: how it is written.
    """
    if notation.has_bare_names:
        members = sorted(members, key=lambda member: member[0].lower())
    first = following = pool.literal(b"}")
    for name, content, is_required in reversed(members):
        begins = pool.literal(_name(name, notation) + notation.colon)
        member = pool.sequence(begins, content, following)
        later = pool.sequence(pool.literal(notation.comma), member)
        first = member if is_required else pool.choice(member, first)
        following = later if is_required else pool.choice(later, following)
    return pool.sequence(pool.literal(b"{"), first)


def mapping(pool: Expressions, content: Expression, notation: Notation = JSON) -> Expression:
    """An object with any members, whose values are of one kind."""
    member = pool.sequence(string(pool, None, notation), pool.literal(notation.colon), content)
    more = pool.repeat(pool.sequence(pool.literal(notation.comma), member))
    return pool.sequence(pool.literal(b"{"), pool.optional(pool.sequence(member, more)), pool.literal(b"}"))


def anything(pool: Expressions, max_depth: int, notation: Notation = JSON) -> Expression:
    """Any value. Arrays and objects hold others down to `max_depth` levels; at 0 there are none."""
    kinds = [string(pool, None, notation), json_numbers.number(pool), *map(partial(value, pool), (True, False, None))]
    if max_depth > 0:
        inside = anything(pool, max_depth - 1, notation)
        kinds += [array(pool, inside, notation=notation), mapping(pool, inside, notation)]
    return pool.choice(*kinds)


def _written(content: Any, notation: Notation) -> bytes:
    if notation is JSON or not isinstance(content, str | list | dict):
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    if isinstance(content, str):
        return notation.quote + content.encode() + notation.quote
    if isinstance(content, list):
        return b"[" + notation.comma.join(_written(item, notation) for item in content) + b"]"
    names = sorted(content, key=str.lower)
    members = (_name(name, notation) + notation.colon + _written(content[name], notation) for name in names)
    return b"{" + notation.comma.join(members) + b"}"


def _name(name: str, notation: Notation) -> bytes:
    return name.encode() if notation.has_bare_names and _BARE.fullmatch(name) else _written(name, notation)


def _whole_as_integer(content: Any) -> Any:
    match content:
        case float() if content.is_integer():
            return int(content)
        case list():
            return [_whole_as_integer(item) for item in content]
        case dict():
            return {name: _whole_as_integer(item) for name, item in content.items()}
    return content
