"""Whether two schemas can both hold for one value, which `oneOf` forbids. In doubt they can."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ALL = frozenset({"string", "integer", "fraction", "boolean", "null", "array", "object"})
_MAX_DEPTH = 8


def first_overlap(alternatives: Sequence[Any], resolve: Callable[[str], Any]) -> tuple[int, int] | None:
    """The first two of some schemas that are not `are_disjoint`; None if all are. Constants are looked up first."""
    holders: dict[str, int] = {}
    others: list[int] = []
    for second, schema in enumerate(alternatives):
        constants = _constants(schema) if isinstance(schema, Mapping) else None
        keys = [repr(_typed(one)) for one in constants or ()]
        same = (holders[key] for key in keys if key in holders)
        for first in range(second) if constants is None else sorted({*others, *same}):
            if not are_disjoint(alternatives[first], schema, resolve):
                return first, second
        holders.update(dict.fromkeys(keys, second))
        if constants is None:
            others.append(second)
    return None


def are_disjoint(first: Any, second: Any, resolve: Callable[[str], Any], depth: int = 0) -> bool:
    """Whether certainly no value is valid under both of two schemas.

    They are disjoint by type, by their constants, or as objects, by a property that one of them requires and that the
    other forbids or wants of a disjoint kind.

    Args:
        first: a schema.
        second: another one.
        resolve: finds the schema that a `$ref` means.
        depth: levels above this one.
    """
    if first is False or second is False:
        return True
    if depth > _MAX_DEPTH or not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return False

    def again(a: Any, b: Any) -> bool:
        return are_disjoint(a, b, resolve, depth + 1)

    for schema, other in ((first, second), (second, first)):
        if "$ref" in schema and again(resolve(schema["$ref"]), other):
            return True
        if any(
            keyword in schema and all(again(one, other) for one in schema[keyword]) for keyword in ("anyOf", "oneOf")
        ):
            return True
    shared = _types(first) & _types(second)
    if not shared:
        return True
    constants = _constants(first), _constants(second)
    if None not in constants:
        return not {repr(_typed(one)) for one in constants[0]} & {repr(_typed(one)) for one in constants[1]}
    if shared != {"object"}:
        return False
    return any(
        _excludes(one, other, name, again)
        for one, other in ((first, second), (second, first))
        for name in one.get("required", [])
    )


def _excludes(one: Mapping[str, Any], other: Mapping[str, Any], name: str, again: Callable[[Any, Any], bool]) -> bool:
    mine, theirs = (
        schema.get("properties", {}).get(name, schema.get("additionalProperties", True)) for schema in (one, other)
    )
    return again(mine, theirs)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    given = schema.get("type", list(_ALL))
    kinds = frozenset(given if isinstance(given, list) else [given])
    kinds = kinds | {"integer", "fraction"} if "number" in kinds else kinds
    constants = _constants(schema)
    return kinds if constants is None else kinds & {_typed(one)[0] for one in constants}


def _constants(schema: Mapping[str, Any]) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _typed(content: Any) -> tuple[str, Any]:
    """A value with its type, so that 1, 1.0 and true are told apart as JSON Schema does."""
    match content:
        case bool():
            return "boolean", content
        case None:
            return "null", None
        case int() | float():
            return ("integer", int(content)) if content == int(content) else ("fraction", content)
        case str():
            return "string", content
        case list():
            return "array", [_typed(item) for item in content]
    return "object", sorted((name, _typed(item)) for name, item in content.items())
