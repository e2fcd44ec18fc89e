import json

import pytest
import torch

from gesso.constrain import expression
from gesso.constrain.rule import Choice, JsonObject, JsonSchema, Regex, Rule, compile_rule
from gesso.errors import SettingError
from tests.constrain.byte_vocabulary import VOCABULARY, compiled, text_of, write

RULES = [
    Regex(pattern=r"\d{2,5}"),
    Choice(texts=("yes", "no", "perhaps")),
    JsonSchema(schema={"type": "integer"}),
    JsonObject(max_depth=1),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_every_rule_compiles_and_what_is_written_under_it_is_valid(rule):
    assert isinstance(rule, Rule)
    one = compiled(rule)
    assert one.automaton.name == rule.name
    remaining = int(one.automaton.distance[0]) + 30
    for ids in write(one, remaining, torch.Generator().manual_seed(0), canvas_length=16):
        assert one.automaton.accepts(ids)
        if isinstance(rule, JsonObject):
            assert isinstance(json.loads(text_of(ids)), dict)
        if isinstance(rule, Choice):
            assert text_of(ids).decode() in rule.texts


def test_rules_that_cannot_be_are_refused():
    with pytest.raises(SettingError, match="give at least one"):
        Choice(texts=())
    with pytest.raises(SettingError, match="half a surrogate pair"):
        compile_rule(Choice(texts=("\ud800",)), VOCABULARY)
    for rule in (JsonSchema, JsonObject):
        with pytest.raises(SettingError, match="max_depth is -1"):
            rule(**({"schema": True} if rule is JsonSchema else {}), max_depth=-1)
    with pytest.raises(SettingError, match="the JSON schema allows no text"):
        compile_rule(JsonSchema(schema=False), VOCABULARY)


@pytest.mark.parametrize(
    "rule",
    [
        Regex(pattern="((a{1,100}){1,100}){1,100}"),
        Regex(pattern="[ab]*a[ab]{30}"),
        Choice(texts=tuple(str(number) * 200 for number in range(200))),
        JsonSchema(schema={"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(200)}}),
    ],
    ids=["counts of counts", "a choice long before", "long texts", "any of many properties"],
)
def test_what_would_blow_up_is_refused(rule, monkeypatch):
    monkeypatch.setattr(expression, "MAX_PARTS", 20_000)
    with pytest.raises(SettingError, match=r"give .*fewer"):
        compile_rule(rule, VOCABULARY)
