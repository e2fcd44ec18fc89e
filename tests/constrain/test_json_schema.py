import json
import re
from datetime import date, datetime, time
from ipaddress import IPv4Address
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expressions
from gesso.constrain.json_schema import ANNOTATIONS, COMBINING, FORMATS, KEYWORDS, json_schema
from gesso.constrain.rule import JsonSchema
from gesso.errors import SettingError
from tests.constrain.byte_vocabulary import compiled, text_of, write


def automaton_of(schema, **options):
    pool = Expressions()
    return build_automaton(pool, json_schema(schema, pool, **options))


def accepts(schema, *contents, **options):
    automaton = automaton_of(schema, **options)
    return [automaton.accepts(json.dumps(content, ensure_ascii=False).encode()) for content in contents]


def check(schema, seed, *, spare):
    """Write texts under a schema from random predictions; each must parse and validate."""
    rule = compiled(JsonSchema(schema=schema, max_depth=1))
    remaining = int(rule.automaton.distance[0]) + spare
    for ids in write(rule, remaining, torch.Generator().manual_seed(seed), canvas_length=24):
        jsonschema.validate(json.loads(text_of(ids)), schema, jsonschema.Draft202012Validator)


def one_of_type(names, optional, **required):
    """Schemas of a type: keywords that may be there, and keywords that must."""
    return st.fixed_dictionaries({"type": st.sampled_from(names), **required}, optional=optional)


small = st.integers(0, 3)
bound = st.integers(-50, 50) | st.floats(-50, 50)
constant = st.sampled_from([None, True, 0, 1.0, -2.5, "", "x", 'a"\n', [1, {"k": None}], {"b": 1, "a": []}])
pattern = st.sampled_from(["a", "^[a-c]{2,3}$", r"\d|x$", r'^["\\]', "^$", r"\S{2}", "^(ab)*c?$"])
name = st.sampled_from(["a", "b c", "\u00e9"])
leaves = st.one_of(
    one_of_type(["string"], {"minLength": small, "maxLength": small}),
    one_of_type(["string"], {"maxLength": st.just(6)}, pattern=pattern),
    one_of_type(["string"], {}, format=st.sampled_from(sorted(FORMATS))),
    one_of_type(["integer", "number"], {"minimum": bound, "exclusiveMaximum": bound}),
    one_of_type(["integer", "number"], {"exclusiveMinimum": bound, "maximum": bound}),
    one_of_type(["boolean", "null", ["string", "null"], "object", "array"], {}),
    st.fixed_dictionaries({"enum": st.lists(constant, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": constant}),
)


def around(inner):
    """Schemas that hold other schemas."""
    some, required = st.lists(inner, min_size=1, max_size=2), {"required": st.lists(name, max_size=2, unique=True)}
    return st.one_of(
        one_of_type(["array"], {"minItems": small, "maxItems": st.just(3)}, items=inner),
        one_of_type(
            ["object"],
            {**required, "additionalProperties": st.just(False)},
            properties=st.dictionaries(name, inner, max_size=3),
        ),
        one_of_type(["object"], required, additionalProperties=inner),
        one_of_type(["string", "integer", "object"], {}, anyOf=some),
        st.fixed_dictionaries({"anyOf": some}),
    )


def referring(schema):
    return {"$defs": {"d": schema}, "type": "array", "items": {"$ref": "#/$defs/d"}, "maxItems": 2}


nested = st.recursive(leaves, around, max_leaves=5)
schemas = nested | nested.map(referring)
relaxed = settings(deadline=None, suppress_health_check=list(HealthCheck))


def check_or_leave(schema, seed, spare):
    try:
        check(schema, seed, spare=spare)
    except SettingError as error:
        assume(not re.search("allows no text|nothing is that long", str(error)))
        raise


@settings(relaxed, max_examples=150)
@given(schemas, st.integers(0, 10_000), st.sampled_from([0, 3, 20]))
def test_whatever_is_written_under_a_random_schema_parses_and_validates(schema, seed, spare):
    check_or_leave(schema, seed, spare)


@pytest.mark.slow
@settings(relaxed, max_examples=5000)
@given(schemas, st.integers(0, 10_000), st.sampled_from([0, 3, 40, 200]))
def test_whatever_is_written_under_thousands_of_random_schemas_parses_and_validates(schema, seed, spare):
    check_or_leave(schema, seed, spare)


RECURSIVE = {
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}},
            "required": ["v", "next"],
        }
    },
    "$ref": "#/$defs/tree",
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        RECURSIVE,
        {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "array", "items": {"type": "null"}}]},
        {"type": "object", "required": ["q"], "additionalProperties": {"type": "boolean"}},
        {"properties": {"a": {"const": 1}}, "minLength": 2, "minimum": 3, "maxItems": 0, "maxLength": 5},
    ],
)
def test_schemas_beyond_the_random_ones_hold_too(schema, seed):
    check(schema, seed, spare=25)


def test_recursion_ends_at_its_depth():
    def nested(depth):
        return {"v": 1, "next": nested(depth - 1) if depth else None}

    assert accepts(RECURSIVE, *map(nested, range(5)), max_depth=2) == [True, True, True, False, False]


def test_properties_come_in_the_order_of_the_schema_and_only_what_is_required_must_come():
    schema = {"type": "object", "properties": {"b": {"const": 1}, "a": {"const": 2}}, "required": ["a"]}
    assert accepts(schema, {"b": 1, "a": 2}, {"a": 2}, {"b": 1}, {"a": 2, "b": 1}) == [True, True, False, False]


def test_a_constant_is_narrowed_by_its_type_and_by_what_is_beside_it():
    assert accepts({"enum": [1, "a", "abc"], "type": "string"}, 1, "a", "abc") == [False, True, True]
    assert accepts({"enum": [1, "a", "abc"], "minLength": 2, "type": "string"}, "a", "abc") == [False, True]
    assert accepts({"const": 2.0, "type": "integer"}, 2) == [True]


def test_a_pattern_may_match_anywhere_and_is_about_what_the_string_means():
    assert accepts({"type": "string", "pattern": "b"}, "abc", "b", "ac") == [True, True, False]
    assert accepts({"type": "string", "pattern": '^"\\\\\n$'}, '"\\\n', "x") == [True, False]
    assert accepts({"type": "string", "pattern": "^a", "maxLength": 2}, "a", "ab", "abc") == [True, True, False]


READERS = {
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "date-time": datetime.fromisoformat,
    "uuid": UUID,
    "ipv4": IPv4Address,
}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_in_a_format_can_be_read_as_such(name):
    rule = compiled(JsonSchema(schema={"type": "string", "format": name}))
    for seed in range(3):
        remaining = int(rule.automaton.distance[0]) + 10
        for ids in write(rule, remaining, torch.Generator().manual_seed(seed), canvas_length=16):
            READERS[name](json.loads(text_of(ids)))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "array", "uniqueItems": True}, "'uniqueItems' at #"),
        ({"properties": {"a": {"multipleOf": 2}}}, "'multipleOf' at #/properties/a"),
        ({"anyOf": [{"not": {}}]}, "'not' at #/anyOf/0"),
        ({"items": {"if": True}}, "'if' at #/items"),
        ({"type": "text"}, "the type 'text' at #"),
        ({"type": "string", "format": "email"}, "the format 'email' at #"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "'minLength' is 3 and 'maxLength' is 2"),
        ({"type": "string", "maxLength": 5000}, "'maxLength' at # is 5000; at most 1000"),
        ({"type": "string", "minLength": -1}, "'minLength' at # is -1"),
        ({"type": "string", "pattern": "(?=a)"}, "the pattern at #"),
        ({"type": "number", "minimum": "3"}, "'minimum' at # is '3'"),
        ({"type": "integer", "exclusiveMinimum": True}, "'exclusiveMinimum' at # is True"),
        ({"type": "object", "required": "a"}, "'required' at # is \"a\""),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "0 and 1 of #/oneOf may both hold"),
        ({"$ref": "#/nowhere"}, "leads nowhere"),
        ({"$ref": "https://example.org/s.json"}, "refer within the schema"),
        ({"const": float("nan")}, "nan at #/const"),
        ({"items": 3}, "the schema at #/items is 3"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "allows no text"),
    ],
)
def test_what_is_not_supported_or_not_a_schema_is_refused_by_its_place(schema, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        automaton_of(schema)


def test_annotations_change_nothing():
    pool = Expressions()
    plain, annotated = {"type": "null"}, {"type": "null", **dict.fromkeys(ANNOTATIONS, "x")}
    assert json_schema(plain, pool) == json_schema(annotated, pool)


def test_the_page_lists_every_keyword_that_is_known():
    page = (Path(__file__).resolve().parents[2] / "docs" / "constrain.md").read_text(encoding="utf-8")
    for keyword in {"type"}.union(ANNOTATIONS, COMBINING, FORMATS, *KEYWORDS.values()):
        assert f"`{keyword}`" in page
