import json
import re
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.constrain.rule import Choice, JsonSchema, Regex
from gesso.engine.events import CanvasCommitted, Finished
from gesso.errors import SettingError
from gesso.lm import rules as module
from gesso.lm.rules import Rules, rule_of

LETTERS = "[a-f]{3,6}(, [a-f]{3,6}){1,4}\\."
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 11}}, "required": ["n"]}


def rules_for(lm):
    return Rules(lm.tokenizer, vocab_size=lm.network.config.vocab_size, stop_ids=lm.stop_ids, device=lm.network.device)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 999), most=st.integers(9, 50), temperature=st.sampled_from([None, 0.0, 1.0]))
def test_every_text_matches_and_keeps_to_its_tokens(lm, seed, most, temperature):
    out = lm.generate("Once", seed=seed, max_new_tokens=most, temperature=temperature, regex=LETTERS)
    assert re.fullmatch(LETTERS, out.text)
    assert len(out.token_ids) <= most


PROPERTIES = st.dictionaries(
    st.sampled_from(["a", "b", "long name"]),
    st.sampled_from(
        [
            {"type": "string", "maxLength": 3},
            {"type": "integer", "minimum": -5, "maximum": 200},
            {"type": "boolean"},
            {"type": "array", "items": {"type": "null"}, "maxItems": 2},
            {"enum": ["x", 1, None, {"y": [2]}]},
            {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "no"}]},
        ]
    ),
    min_size=1,
)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(properties=PROPERTIES, seed=st.integers(0, 99))
def test_every_text_parses_and_its_value_is_valid(lm, properties, seed):
    schema = {"type": "object", "properties": properties, "required": sorted(properties)[:1]}
    out = lm.generate("Once", seed=seed, max_new_tokens=60, steps=2, json_schema=schema)
    jsonschema.validate(json.loads(out.text), schema)


def test_a_conversation_is_answered_with_an_object_after_a_thought_or_without(lm):
    asked = [{"role": "user", "content": "Who?"}]
    for thinking in (False, True):
        out = lm.generate(asked, seed=1, max_new_tokens=40, json_object=True, thinking=thinking)
        assert isinstance(json.loads(out.message.content), dict)


def test_free_and_constrained_prompts_are_written_side_by_side(lm):
    writings = [lm.start("Once", seed=2), lm.start("Once", seed=2, choice=["a fox", "a dog"])]
    streams = [writing.begin() for writing in writings]
    while lm.engine.step():
        pass
    events = [stream.take() for stream in streams]
    assert all(isinstance(some[-1], Finished) for some in events)
    ids = [i for event in events[1] if isinstance(event, CanvasCommitted) for i in event.token_ids]
    assert lm.tokenizer.decode(ids) in ("a fox", "a dog")
    assert lm.generate("Once", seed=2).token_ids == tuple(
        i for event in events[0] if isinstance(event, CanvasCommitted) for i in event.token_ids
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"regex": "a", "choice": ["b"]}, "regex and choice are both given"),
        ({"json_schema": {}, "json_object": True}, "json_schema and json_object are both given"),
        ({"choice": "yes"}, "choice is the text 'yes'; give a list"),
        ({"choice": []}, "no text to choose"),
        ({"json_schema": {"not": {}}}, "the keyword 'not' at # is not supported"),
        ({"json_schema": False}, "the JSON schema allows no text at all"),
        ({"regex": "[ab]*a[ab]{16}c"}, "more than 20000 states"),
        ({"regex": "a" * 400}, "more tokens and 24 are left; raise max_new_tokens"),
        ({"regex": "a", "stop": "b"}, "stop is 'b', and could cut short what the regular expression 'a' asks for"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_any_step(lm, words, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        lm.start("Once", **words)


def test_a_rule_is_compiled_once_and_the_last_ones_are_kept(lm, monkeypatch):
    monkeypatch.setattr(module, "MAX_KEPT", 2)
    kept = rules_for(lm)
    first = kept.compiled(Regex(pattern="a+"))
    assert kept.compiled(Regex(pattern="a+")) is first
    kept.compiled(Choice(texts=("a+",)))
    assert kept.compiled(Regex(pattern="a+")) is first
    kept.compiled(Regex(pattern="b+"))
    kept.compiled(Regex(pattern="c+"))
    assert kept.compiled(Regex(pattern="a+")) is not first


def test_schemas_that_differ_in_the_order_of_their_members_are_two(lm):
    def schema(*names):
        return JsonSchema(schema={"type": "object", "properties": {name: {"const": 1} for name in names}})

    kept = rules_for(lm)
    assert kept.compiled(schema("a", "b")) is not kept.compiled(schema("b", "a"))


def test_control_tokens_that_are_no_symbols_are_never_valid(lm):
    anything = rules_for(lm).compiled(Regex(pattern="[^~]*"))
    classes = anything.automaton.token_class
    assert not any(classes[token] for token in lm.tokenizer.special_ids - lm.stop_ids)
    assert anything.end_ids == lm.stop_ids


def test_nothing_given_is_no_rule():
    assert rule_of() is None
    assert rule_of(json_schema=True) is not None


def test_a_network_with_more_tokens_than_the_tokenizer_never_writes_them(lm):
    wider = Rules(lm.tokenizer, vocab_size=lm.tokenizer.vocab_size + 5, stop_ids=lm.stop_ids, device=lm.network.device)
    rule = wider.compiled(Regex(pattern=".*"))
    assert not rule.automaton.token_class[-5:].any()
    request = replace(lm.start("Once").request, rule=rule)
    with pytest.raises(SettingError, match="compile it for this model"):
        request.check(lm.network.config)
