import pytest

from gesso.constrain.disjoint import are_disjoint, first_overlap

KIND_A = {"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]}
KIND_B = {"type": "object", "properties": {"kind": {"enum": ["b", "c"]}}, "required": ["kind"]}
CLOSED = {"type": "object", "properties": {"x": {"type": "null"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"type": "string"}, {"type": ["null", "integer"]}, True),
        ({"type": "integer"}, {"type": "number"}, False),
        ({"enum": [1, "x"]}, {"const": "y"}, True),
        ({"enum": [1, "x"]}, {"const": 1.0}, False),
        ({"const": True}, {"const": 1}, True),
        ({"const": "x"}, {"type": "number"}, True),
        ({"type": "number"}, {"enum": [1, "x"]}, False),
        (KIND_A, KIND_B, True),
        (KIND_A, {**KIND_B, "properties": {}}, False),
        (KIND_A, CLOSED, True),
        ({**KIND_A, "required": []}, KIND_B, True),
        ({**KIND_A, "required": []}, {**KIND_B, "required": []}, False),
        ({"$ref": "#/a"}, KIND_B, True),
        ({"anyOf": [{"type": "null"}, KIND_A]}, KIND_B, True),
        ({"anyOf": [{"type": "null"}, KIND_A]}, {"type": "null"}, False),
        (True, {"type": "null"}, False),
        (False, True, True),
        ({}, {}, False),
    ],
)
def test_schemas_are_disjoint_only_where_that_is_certain(first, second, expected):
    assert are_disjoint(first, second, {"#/a": KIND_A}.get) == expected
    assert are_disjoint(second, first, {"#/a": KIND_A}.get) == expected


def test_constants_are_told_apart_at_a_glance_as_they_are_two_by_two():
    schemas = [{"const": number} for number in range(9)] + [{"enum": ["x", 3.5]}, {"type": "null"}, KIND_A]
    assert first_overlap(schemas, {}.get) is None
    for more in ({"const": 4.0}, {"enum": ["y", "x"]}, {"type": "string"}, {"type": "object"}, True, {"const": None}):
        both = [*schemas, more]
        expected = next(first for first in range(len(both)) if not are_disjoint(both[first], more, {}.get))
        assert first_overlap(both, {}.get) == (expected, len(schemas))


def test_a_definition_that_contains_itself_ends():
    assert not are_disjoint({"$ref": "#"}, {"type": "null"}, lambda _: {"$ref": "#"})
