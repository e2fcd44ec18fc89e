"""Regular expressions over bytes: a pool that stores each once, and their derivatives.

The derivative of a language by a byte is what may follow that byte. It turns an expression into an automaton without
detours, and knows intersections and counted repetitions as well as the usual operators (Brzozowski 1964; Owens, Reppy
and Turon 2009, "Regular-expression derivatives re-examined").
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import reduce
from typing import Any, NewType

from gesso.constrain.characters import Ranges
from gesso.errors import SettingError

MAX_PARTS = 2_000_000
"""Parts of expressions that one pool may put together: a second or two of work. What needs more is refused."""

Expression = NewType("Expression", int)
"""A regular language over bytes: its number in a pool. Equal numbers are equal languages."""


class _Kind(IntEnum):
    NOTHING, EMPTY, BYTES, SEQUENCE, CHOICE, BOTH, REPEAT = range(7)


class Expressions:
    """A pool of expressions. Those that are built the same way are the same number, whoever builds them.

    Whatever builds one raises SettingError once more than `MAX_PARTS` parts have been put together.

    Attributes:
        nothing: the language without any text.
        empty: the language of the empty text alone.
    """

    nothing: Expression
    empty: Expression

    def __init__(self) -> None:
        self._nodes: list[tuple[Any, ...]] = []
        self._parts = 0
        self._numbers: dict[tuple[Any, ...], Expression] = {}
        self._nullable: list[bool] = []
        self._derivatives: dict[tuple[Expression, int], Expression] = {}
        self._first: dict[Expression, tuple[int, ...]] = {}
        self.nothing = self._store(_Kind.NOTHING)
        self.empty = self._store(_Kind.EMPTY)

    def literal(self, text: bytes) -> Expression:
        """Exactly this text."""
        return self.sequence(*(self._bytes(1 << byte) for byte in text))

    def one_of(self, values: bytes) -> Expression:
        """One byte of a set, whether or not it is a part of a character."""
        return self._bytes(reduce(int.__or__, (1 << byte for byte in values), 0))

    def characters(self, ranges: Ranges) -> Expression:
        """One character of a set, in UTF-8."""
        choices = []
        for low, high in ranges:
            for first, last in _utf8_spans(low, high):
                pairs = zip(chr(first).encode(), chr(last).encode(), strict=True)
                choices.append(self.sequence(*(self._bytes((2 << b) - (1 << a)) for a, b in pairs)))
        return self.choice(*choices)

    def sequence(self, *parts: Expression) -> Expression:
        """One part after another."""
        # What is stored has its head first already: the last part is taken as it is.
        result = parts[-1] if parts else self.empty
        for part in reversed(parts[:-1]):
            heads = [part]
            while self._nodes[heads[-1]][0] is _Kind.SEQUENCE:
                heads[-1:] = self._nodes[heads[-1]][1:]
            self._count(len(heads))
            for head in reversed(heads):
                result = self._pair(head, result)
        return result

    def choice(self, *parts: Expression) -> Expression:
        """Any of the parts."""
        members = set(self._flatten(_Kind.CHOICE, parts)) - {self.nothing}
        sets = {part for part in members if self._nodes[part][0] is _Kind.BYTES}
        if len(sets) > 1:
            members = (members - sets) | {self._bytes(reduce(int.__or__, (self._nodes[part][1] for part in sets)))}
        if any(self._nullable[part] for part in members - {self.empty}):
            members -= {self.empty}
        if len(members) < 2:
            return next(iter(members), self.nothing)
        return self._store(_Kind.CHOICE, *sorted(members))

    def both(self, *parts: Expression) -> Expression:
        """What every part allows; at least one part."""
        members = set(self._flatten(_Kind.BOTH, parts))
        if self.nothing in members or (self.empty in members and not all(self._nullable[part] for part in members)):
            return self.nothing
        if self.empty in members:
            return self.empty
        return next(iter(members)) if len(members) == 1 else self._store(_Kind.BOTH, *sorted(members))

    def repeat(self, part: Expression, least: int = 0, most: int | None = None) -> Expression:
        """The part, from `least` to `most` times in a row; None: as often as one likes."""
        if most == 0 or part == self.empty or (part == self.nothing and least == 0):
            return self.empty
        if part == self.nothing or (least == 1 and most == 1):
            return part
        return self._store(_Kind.REPEAT, part, 0 if self._nullable[part] else least, most)

    def optional(self, part: Expression) -> Expression:
        """The part or nothing at all."""
        return self.choice(self.empty, part)

    def is_nullable(self, expression: Expression) -> bool:
        """Whether the empty text belongs to the language."""
        return self._nullable[expression]

    def derivative(self, expression: Expression, byte: int) -> Expression:
        """What may follow `byte` at the beginning of a text of the language."""
        key = (expression, byte)
        if key not in self._derivatives:
            self._derivatives[key] = self._derive(self._nodes[expression], byte)
        return self._derivatives[key]

    def first_bytes(self, expression: Expression) -> tuple[int, ...]:
        """Disjoint sets of bytes, as masks of 256 bits, that cover every byte a text of the language can begin with.

        All bytes of one set have the same derivative.
        """
        if expression not in self._first:
            self._first[expression] = self._first_of(self._nodes[expression])
        return self._first[expression]

    def _derive(self, node: tuple[Any, ...], byte: int) -> Expression:
        match node:
            case (_Kind.BYTES, mask):
                return self.empty if mask >> byte & 1 else self.nothing
            case (_Kind.SEQUENCE, head, tail):
                after_head = self.sequence(self.derivative(head, byte), tail)
                return self.choice(after_head, self.derivative(tail, byte)) if self._nullable[head] else after_head
            case (_Kind.CHOICE, *parts):
                return self.choice(*(self.derivative(part, byte) for part in parts))
            case (_Kind.BOTH, *parts):
                return self.both(*(self.derivative(part, byte) for part in parts))
            case (_Kind.REPEAT, part, least, most):
                rest = self.repeat(part, max(least - 1, 0), None if most is None else most - 1)
                return self.sequence(self.derivative(part, byte), rest)
        return self.nothing

    def _first_of(self, node: tuple[Any, ...]) -> tuple[int, ...]:
        match node:
            case (_Kind.BYTES, mask):
                return (mask,)
            case (_Kind.SEQUENCE, head, tail):
                first = self.first_bytes(head)
                return _refine(first, self.first_bytes(tail)) if self._nullable[head] else first
            case (_Kind.CHOICE, *parts):
                return reduce(_refine, map(self.first_bytes, parts))
            case (_Kind.BOTH, *parts):
                return reduce(_intersect, map(self.first_bytes, parts))
            case (_Kind.REPEAT, part, _, _):
                return self.first_bytes(part)
        return ()

    def _bytes(self, mask: int) -> Expression:
        return self._store(_Kind.BYTES, mask)

    def _pair(self, head: Expression, tail: Expression) -> Expression:
        if self.nothing in (head, tail):
            return self.nothing
        if head == self.empty:
            return tail
        return head if tail == self.empty else self._store(_Kind.SEQUENCE, head, tail)

    def _flatten(self, kind: _Kind, parts: Iterable[Expression]) -> Iterable[Expression]:
        for part in parts:
            node = self._nodes[part]
            members = node[1:] if node[0] is kind else (part,)
            self._count(len(members))
            yield from members

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise SettingError(
                f"the constraint takes more than {MAX_PARTS} parts to unfold; give shorter texts, smaller counts, "
                "fewer alternatives or less depth"
            )

    def _store(self, *node: Any) -> Expression:
        if node not in self._numbers:
            self._count(len(node))
            self._numbers[node] = Expression(len(self._nodes))
            self._nodes.append(node)
            self._nullable.append(self._is_nullable(node))
        return self._numbers[node]

    def _is_nullable(self, node: tuple[Any, ...]) -> bool:
        match node:
            case (_Kind.SEQUENCE | _Kind.BOTH, *parts):
                return all(self._nullable[part] for part in parts)
            case (_Kind.CHOICE, *parts):
                return any(self._nullable[part] for part in parts)
            case (_Kind.REPEAT, _, least, _):
                return least == 0
        return node[0] is _Kind.EMPTY


def _refine(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    if first == second:
        return tuple(first)
    in_first, in_second = reduce(int.__or__, first, 0), reduce(int.__or__, second, 0)
    only = [a & ~in_second for a in first] + [b & ~in_first for b in second]
    return tuple(mask for mask in (*_intersect(first, second), *only) if mask)


def _intersect(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    return tuple(a & b for a in first for b in second if a & b)


def _utf8_spans(low: int, high: int) -> Iterable[tuple[int, int]]:
    """Cut a range of characters so that in each piece every byte of the UTF-8 form runs over a range of its own."""
    for last in (0x7F, 0x7FF, 0xFFFF):
        if low <= last < high:
            yield from _utf8_spans(low, last)
            yield from _utf8_spans(last + 1, high)
            return
    for continuation_bytes in range(1, len(chr(high).encode())):
        mask = (1 << 6 * continuation_bytes) - 1
        if low & ~mask != high & ~mask:
            if low & mask:
                yield from _utf8_spans(low, low | mask)
                yield from _utf8_spans((low | mask) + 1, high)
                return
            if high & mask != mask:
                yield from _utf8_spans(low, (high & ~mask) - 1)
                yield from _utf8_spans(high & ~mask, high)
                return
    yield low, high
