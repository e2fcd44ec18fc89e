"""JSON Schema as a language: the texts of the values that a schema allows.

What is written is always valid, but not everything that is valid can be written: properties come in the order of the
schema, those that it does not name are left out where it names any, numbers have a bounded number of digits, and what
is recursive or free has a bounded depth. A keyword that is not known is refused by its name and place, never ignored.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gesso.constrain import characters as sets
from gesso.constrain import json_numbers, json_text
from gesso.constrain.disjoint import first_overlap
from gesso.constrain.expression import Expression, Expressions
from gesso.constrain.json_text import JSON, Notation
from gesso.constrain.regex import parse_regex
from gesso.errors import SettingError

MAX_COUNT = 1000
"""The largest minLength, maxLength, minItems or maxItems."""

MAX_SCHEMAS = 20_000
"""The parts that a schema may have once its references are followed."""

TYPES = ("string", "number", "integer", "boolean", "null", "array", "object")

ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples"}
    | {"deprecated", "readOnly", "writeOnly"}
)
"""Keywords that say nothing about what is valid, or hold schemas for `$ref`."""

KEYWORDS = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "object": frozenset({"properties", "required", "additionalProperties"}),
}
"""Keywords about the values of one type."""

COMBINING = frozenset({"enum", "const", "anyOf", "oneOf", "$ref"})
"""Keywords about all values."""

_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_DATE = r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}T{_TIME}",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "ipv4": rf"{_BYTE}(\.{_BYTE}){{3}}",
}
"""The known values of `format`. Dates end with the 28th, so that each of them exists."""


def json_schema(
    schema: Mapping[str, Any] | bool, pool: Expressions, *, max_depth: int = 3, notation: Notation = JSON
) -> Expression:
    """Read a JSON Schema.

    Args:
        schema: the schema, as `json.loads` gives it.
        pool: where the result is stored.
        max_depth: how often a definition may contain itself, and how deep a value is about which nothing is said.
        notation: how values are written.

    Raises:
        SettingError: the schema is malformed or uses what is not known; names the keyword and its path.
    """
    return _Reader(schema, pool, max_depth, notation).read(schema, "#")


class _Reader:
    def __init__(self, root: Mapping[str, Any] | bool, pool: Expressions, max_depth: int, notation: Notation) -> None:
        self.root, self.pool, self.max_depth, self.notation = root, pool, max_depth, notation
        self.open: Counter[str] = Counter()
        self.num_read = 0

    def read(self, schema: Any, path: str) -> Expression:
        self.num_read += 1
        if self.num_read > MAX_SCHEMAS:
            raise SettingError(
                f"the schema unfolds to more than {MAX_SCHEMAS} parts, at {path}; let definitions refer to themselves "
                "less often, or to less depth"
            )
        if isinstance(schema, bool):
            return self.anything() if schema else self.pool.nothing
        if not isinstance(schema, Mapping):
            raise SettingError(f"the schema at {path} is {schema!r}; give an object, true or false")
        known = ANNOTATIONS | COMBINING | {"type"}.union(*KEYWORDS.values())
        for keyword in schema:
            if keyword not in known:
                raise SettingError(f"the keyword {keyword!r} at {path} is not supported; remove it from the schema")
        typed = {"type"}.union(*KEYWORDS.values()) & schema.keys()
        parts = [self.combined(schema, keyword, path) for keyword in sorted(COMBINING & schema.keys())]
        if {"enum", "const"} & schema.keys():
            typed -= {"type"}
        if not typed and not parts:
            return self.anything()
        if typed:
            parts.append(self.pool.choice(*(self.of_type(kind, schema, path) for kind in _types(schema, path))))
        return self.pool.both(*parts)

    def anything(self) -> Expression:
        return json_text.anything(self.pool, self.max_depth, self.notation)

    def combined(self, schema: Mapping[str, Any], keyword: str, path: str) -> Expression:
        where = f"{path}/{keyword}"
        if keyword == "$ref":
            return self.reference(_expect(schema, keyword, str, path), where)
        if keyword in ("enum", "const"):
            given = _expect(schema, keyword, list, path) if keyword == "enum" else [schema[keyword]]
            kinds = _types(schema, path)
            return self.pool.choice(*(self.constant(one, where) for one in given if _is_of(one, kinds)))
        alternatives = _expect(schema, keyword, list, path)
        if keyword == "oneOf":
            self.check_disjoint(alternatives, where)
        return self.pool.choice(*(self.read(one, f"{where}/{at}") for at, one in enumerate(alternatives)))

    def constant(self, content: Any, path: str) -> Expression:
        try:
            return json_text.value(self.pool, content, self.notation)
        except ValueError as error:
            raise SettingError(f"the value {content!r} at {path} is not one of JSON ({error}); change it") from error

    def check_disjoint(self, alternatives: Sequence[Any], path: str) -> None:
        overlap = first_overlap(alternatives, self.resolve)
        if overlap is not None:
            raise SettingError(
                f"the alternatives {overlap[0]} and {overlap[1]} of {path} may both hold for one value; use anyOf, or "
                "require a property of a different constant in each"
            )

    def reference(self, target: str, path: str) -> Expression:
        if self.open[target] > self.max_depth:
            return self.pool.nothing
        self.open[target] += 1
        result = self.read(self.resolve(target, path), target)
        self.open[target] -= 1
        return result

    def resolve(self, target: str, path: str = "#") -> Any:
        """Find a schema by its JSON pointer (RFC 6901) in the root."""
        found: Any = self.root
        if target != "#" and not target.startswith("#/"):
            raise SettingError(
                f"$ref {target!r} at {path} is not supported; refer within the schema, as in '#/$defs/name'"
            )
        for part in target.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, Mapping) and part in found:
                found = found[part]
            else:
                raise SettingError(
                    f"$ref {target!r} at {path} leads nowhere: there is no {part!r}; correct the reference"
                )
        return found

    def of_type(self, kind: str, schema: Mapping[str, Any], path: str) -> Expression:
        readers: dict[str, Callable[[Mapping[str, Any], str], Expression]] = {
            "string": self.string,
            "number": self.number,
            "integer": self.integer,
            "array": self.array,
            "object": self.object,
        }
        if kind in readers:
            return readers[kind](schema, path)
        values = (True, False) if kind == "boolean" else (None,)
        return self.pool.choice(*(json_text.value(self.pool, one) for one in values))

    def string(self, schema: Mapping[str, Any], path: str) -> Expression:
        pool, least, most = self.pool, *_counts(schema, "minLength", "maxLength", path)
        parts = []
        for pattern, search in self.patterns(schema, path):
            try:
                parts.append(parse_regex(pattern, pool, character=self.character, search=search))
            except SettingError as error:
                raise SettingError(f"the pattern at {path}: {error}") from error
        if not parts or (least, most) != (0, None):
            allowed = sets.ANY if parts else json_text.ORDINARY
            parts.append(pool.repeat(self.character(allowed), least, most))
        return json_text.string(pool, pool.both(*parts), self.notation)

    def character(self, ranges: sets.Ranges) -> Expression:
        return json_text.string_character(self.pool, ranges, self.notation)

    def patterns(self, schema: Mapping[str, Any], path: str) -> list[tuple[str, bool]]:
        """The regular expressions about a string, and whether a match anywhere in it is enough."""
        patterns = []
        if "pattern" in schema:
            patterns.append((_expect(schema, "pattern", str, path), True))
        if "format" in schema:
            name = _expect(schema, "format", str, path)
            if name not in FORMATS:
                raise SettingError(
                    f"the format {name!r} at {path} is not supported; remove it, or use one of {', '.join(FORMATS)}"
                )
            patterns.append((FORMATS[name], False))
        return patterns

    def integer(self, schema: Mapping[str, Any], path: str) -> Expression:
        lows = [math.ceil(bound) for bound in _bounds(schema, ("minimum",), path)]
        lows += [math.floor(bound) + 1 for bound in _bounds(schema, ("exclusiveMinimum",), path)]
        highs = [math.floor(bound) for bound in _bounds(schema, ("maximum",), path)]
        highs += [math.ceil(bound) - 1 for bound in _bounds(schema, ("exclusiveMaximum",), path)]
        return json_numbers.integer(self.pool, max(lows, default=None), min(highs, default=None))

    def number(self, schema: Mapping[str, Any], path: str) -> Expression:
        parts = [json_numbers.number(self.pool)]
        for keyword, strict in (("minimum", False), ("exclusiveMinimum", True)):
            for bound in _bounds(schema, (keyword,), path):
                parts.append(json_numbers.number(self.pool, low=bound, above_low=strict))
        for keyword, strict in (("maximum", False), ("exclusiveMaximum", True)):
            for bound in _bounds(schema, (keyword,), path):
                parts.append(json_numbers.number(self.pool, high=bound, below_high=strict))
        return self.pool.both(*parts)

    def array(self, schema: Mapping[str, Any], path: str) -> Expression:
        least, most = _counts(schema, "minItems", "maxItems", path)
        item = self.read(schema.get("items", True), f"{path}/items") if most != 0 else self.pool.nothing
        return json_text.array(self.pool, item, least, most, self.notation)

    def object(self, schema: Mapping[str, Any], path: str) -> Expression:
        properties = _expect(schema, "properties", Mapping, path, {})
        required = _expect(schema, "required", list, path, [])
        if not all(isinstance(name, str) for name in required):
            raise SettingError(f"the keyword 'required' at {path} is {required!r}; give names")
        others = schema.get("additionalProperties", True)
        if not properties and not required:
            return json_text.mapping(self.pool, self.read(others, f"{path}/additionalProperties"), self.notation)
        members = [
            (name, self.read(one, f"{path}/properties/{name}"), name in required) for name, one in properties.items()
        ]
        for name in dict.fromkeys(required):
            if name not in properties:
                members.append((name, self.read(others, f"{path}/additionalProperties"), True))
        return json_text.record(self.pool, members, self.notation)


def _types(schema: Mapping[str, Any], path: str) -> list[str]:
    """The types of a schema; where it names none all of them, "integer" within "number"."""
    given = schema.get("type", [kind for kind in TYPES if kind != "integer"])
    kinds = given if isinstance(given, list) else [given]
    for kind in kinds:
        if kind not in TYPES:
            raise SettingError(f"the type {kind!r} at {path} is not one of JSON Schema; use {', '.join(TYPES)}")
    return kinds


def _is_of(content: Any, kinds: Sequence[str]) -> bool:
    match content:
        case bool():
            return "boolean" in kinds
        case None:
            return "null" in kinds
        case int() | float():
            return "number" in kinds or ("integer" in kinds and content == int(content))
        case str():
            return "string" in kinds
        case list():
            return "array" in kinds
    return "object" in kinds


def _expect(schema: Mapping[str, Any], keyword: str, kind: type, path: str, default: Any = None) -> Any:
    content = schema.get(keyword, default)
    if not isinstance(content, kind):
        names = {str: "a string", list: "an array", Mapping: "an object"}
        raise SettingError(f"the keyword {keyword!r} at {path} is {json.dumps(content)}; give {names[kind]}")
    return content


def _counts(schema: Mapping[str, Any], least: str, most: str, path: str) -> tuple[int, int | None]:
    for keyword in (least, most):
        count = schema.get(keyword, 0)
        if isinstance(count, bool) or not isinstance(count, int | float) or count != int(count) or count < 0:
            raise SettingError(f"the keyword {keyword!r} at {path} is {count!r}; give a whole number from 0 up")
        if count > MAX_COUNT:
            raise SettingError(f"the keyword {keyword!r} at {path} is {count}; at most {MAX_COUNT} is supported")
    low, high = int(schema.get(least, 0)), schema.get(most)
    if high is not None and high < low:
        raise SettingError(f"{least!r} is {low} and {most!r} is {high} at {path}; nothing is that long, swap them")
    return low, None if high is None else int(high)


def _bounds(schema: Mapping[str, Any], keywords: Sequence[str], path: str) -> list[Decimal]:
    bounds = []
    for keyword in keywords:
        bound = schema.get(keyword)
        if bound is None and keyword not in schema:
            continue
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
            raise SettingError(f"the keyword {keyword!r} at {path} is {bound!r}; give a number")
        bounds.append(Decimal(repr(bound)))
    return bounds
