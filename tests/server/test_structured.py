import json

import jsonschema
import pytest

from gesso.server.structured import compiled_rule
from tests.server.conftest import chat, events

CHAT, TEXTS, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 4}, "age": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["name", "age"],
}
TOOL = {"name": "weather", "parameters": {"properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"]}}
OTHER = {"name": "clock", "parameters": None}
STRICT = [{"type": "function", "function": TOOL | {"strict": True}}]
STRICT_BUT_ODD = [*STRICT, {"type": "function", "function": {"name": "odd", "parameters": {"not": {}}}}]
LENIENT = [{"type": "function", "function": TOOL}]
GOOD = '<|tool_call>call:weather{city:<|"|>Oslo<|"|>}<tool_call|>'
BAD = '<|tool_call>call:weather{city:<|"|>Paris<|"|>}<tool_call|>'
FORM = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}}


def text_of(answer):
    assert answer.status_code == 200, answer.text
    (choice,) = answer.json()["choices"]
    return choice["text"] if "text" in choice else choice["message"]["content"]


def refusal(answer):
    assert answer.status_code == 400
    return answer.json()["error"]


@pytest.mark.parametrize(
    "more",
    [
        {"response_format": FORM},
        {"structured_outputs": {"json": SCHEMA}},
        {"structured_outputs": {"json": json.dumps(SCHEMA)}},
        {"guided_json": SCHEMA},
        {"response_format": FORM, "chat_template_kwargs": {"enable_thinking": True}},
    ],
)
def test_an_answer_is_what_the_schema_allows(client, more):
    for seed in range(3):
        answer = client.post(CHAT, json=chat(seed=seed, max_tokens=60, **more))
        jsonschema.validate(json.loads(text_of(answer)), SCHEMA)


@pytest.mark.parametrize(
    "more",
    [
        {"diffusion": {"regex": "[a-f]{4}!"}},
        {"structured_outputs": {"regex": "[a-f]{4}!"}},
        {"guided_regex": "[a-f]{4}!"},
    ],
)
def test_a_text_matches_the_expression_in_every_word_for_it(client, more):
    text = text_of(client.post(TEXTS, json={"prompt": "Once", "seed": 0, **more}))
    assert len(text) == 5
    assert set(text[:4]) <= set("abcdef")


@pytest.mark.parametrize(
    "more",
    [
        {"diffusion": {"choice": ["yes", "no"]}},
        {"structured_outputs": {"choice": ["yes", "no"]}},
        {"guided_choice": ["yes", "no"]},
    ],
)
def test_a_text_is_one_of_the_choices_in_every_word_for_it(client, more):
    assert text_of(client.post(TEXTS, json={"prompt": "Once", **more})) in ("yes", "no")


@pytest.mark.parametrize(
    "more", [{"response_format": {"type": "json_object"}}, {"structured_outputs": {"json_object": True}}]
)
def test_any_object_parses(client, more):
    assert isinstance(json.loads(text_of(client.post(TEXTS, json={"prompt": "x", "max_tokens": 40, **more}))), dict)


def test_a_response_has_the_form_and_repeats_it(client):
    form = {"type": "json_schema", "name": "person", "schema": SCHEMA}
    answer = client.post(RESPONSES, json={"input": "x", "text": {"format": form}, "max_output_tokens": 60}).json()
    jsonschema.validate(json.loads(answer["output"][0]["content"][0]["text"]), SCHEMA)
    assert answer["text"]["format"] == form


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
@pytest.mark.parametrize("thinking", [False, True])
def test_a_tool_that_must_be_called_is_called_with_what_it_takes(client, choice, thinking):
    tools = [{"type": "function", "function": TOOL | {"strict": True}}]
    body = chat(tools=tools, tool_choice=choice, chat_template_kwargs={"enable_thinking": thinking}, max_tokens=80)
    answer = client.post(CHAT, json=body)
    assert answer.status_code == 200, answer.text
    message = answer.json()["choices"][0]["message"]
    (call,) = message["tool_calls"]
    assert call["function"]["name"] == "weather"
    assert json.loads(call["function"]["arguments"])["city"] in ("Oslo", "Rome")
    assert message["content"] is None


def test_a_call_is_forced_in_the_other_dialects_and_in_streams(client):
    anthropic = {"name": "weather", "input_schema": TOOL["parameters"]}
    for choice in ({"type": "any"}, {"type": "tool", "name": "weather"}):
        body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 60, "tools": [anthropic]}
        (block,) = client.post(MESSAGES, json=body | {"tool_choice": choice}).json()["content"]
        assert (block["type"], block["input"]["city"] in ("Oslo", "Rome")) == ("tool_use", True)
    tools = [{"type": "function", **TOOL}, {"type": "function", **OTHER}]
    body = {"input": "x", "tools": tools, "tool_choice": {"type": "function", "name": "clock"}}
    (item,) = client.post(RESPONSES, json=body).json()["output"]
    assert (item["name"], item["arguments"]) == ("clock", "{}")
    tools = [{"type": "function", "function": TOOL}]
    answer = client.post(CHAT, json=chat(tools=tools, tool_choice="required", stream=True, max_tokens=60))
    calls = [c for e in events(answer.text) for c in e["choices"][0]["delta"].get("tool_calls", [])]
    assert [call["function"]["name"] for call in calls] == ["weather"]


@pytest.mark.parametrize("thinking", [False, True])
def test_beside_a_strict_tool_everything_may_be_written_but_a_call_that_it_does_not_take(client_of, writer, thinking):
    body = chat(max_tokens=64, chat_template_kwargs={"enable_thinking": thinking})
    for written in ("It is fine, <|channel>thought\nis it?<channel|>yes.", "Let me look." + GOOD, GOOD + GOOD):
        plain, strict = (
            client_of(writer(written, "<turn|>")).post(CHAT, json=body | {"tools": tools}).json()["choices"][0]
            for tools in (LENIENT, STRICT)
        )
        assert _without_ids(strict) == _without_ids(plain)
        assert strict["finish_reason"] == ("tool_calls" if GOOD in written else "stop")


def _without_ids(choice):
    calls = [call["function"] for call in choice["message"].get("tool_calls", [])]
    return choice["message"]["content"], choice["message"].get("reasoning_content"), calls, choice["finish_reason"]


@pytest.mark.parametrize("strict", [False, True])
def test_a_call_with_what_a_tool_does_not_take_is_made_only_if_the_tool_is_not_strict(client_of, writer, strict):
    bad = client_of(writer("Let me look." + BAD, "<turn|>"))
    tools = STRICT if strict else LENIENT
    message = bad.post(CHAT, json=chat(tools=tools, max_tokens=64)).json()["choices"][0]["message"]
    said = [call["function"]["arguments"] for call in message.get("tool_calls", [])]
    tool = {"name": "weather", "input_schema": TOOL["parameters"], "strict": strict}
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 64, "tools": [tool]}
    said += [json.dumps(block.get("input")) for block in bad.post(MESSAGES, json=body).json()["content"]]
    tools = [{"type": "function", **TOOL, "strict": strict}]
    items = bad.post(RESPONSES, json={"input": "x", "max_output_tokens": 64, "tools": tools}).json()["output"]
    said += [item.get("arguments") for item in items]
    assert said.count('{"city": "Paris"}') == (0 if strict else 3)


@pytest.mark.parametrize(
    ("more", "param", "words"),
    [
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema", "is missing"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"not": {}}}}},
            "response_format",
            "the keyword 'not' at # is not supported",
        ),
        ({"guided_json": {"patternProperties": {}}}, "guided_json", "'patternProperties'"),
        ({"guided_json": "{"}, "guided_json", "not JSON"),
        ({"guided_json": False}, "guided_json", "allows no text at all"),
        ({"guided_regex": "(a"}, "guided_regex", "never closed"),
        ({"guided_regex": "[ab]*a[ab]{30}c"}, "guided_regex", "more than 20000 states"),
        ({"guided_regex": "a{300}", "max_tokens": 5}, None, "more tokens and 5 are left"),
        ({"guided_regex": "a", "guided_json": {}}, "guided_regex", "both given"),
        ({"guided_regex": "a", "stop": ["b"]}, "stop", "could cut short"),
        ({"guided_grammar": "x"}, "guided_grammar", "not supported"),
        ({"structured_outputs": {"grammar": "x"}}, "structured_outputs.grammar", "not supported"),
        ({"tool_choice": "required"}, "tool_choice", "there are no tools"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", "no such tool"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice", "allowed_tools"),
        ({"tools": STRICT, "stop": ["b"]}, "stop", "could cut short what tools asks for"),
        ({"tools": STRICT, "response_format": FORM}, "tools", "both given"),
        ({"tools": STRICT_BUT_ODD}, "tools", "the tool 'odd': the keyword 'not'"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_any_step_with_the_keyword(client, more, param, words):
    error = refusal(client.post(CHAT, json=chat(**more)))
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert words in error["message"]


def test_a_hole_with_a_form_is_refused(client):
    error = refusal(client.post(TEXTS, json={"prompt": "a", "suffix": "b", "guided_regex": "c"}))
    assert error["param"] == "guided_regex"


def test_a_rule_that_comes_again_is_not_compiled_again(lm):
    from gesso.server.chat import ChatRequest

    body = ChatRequest.model_validate(chat(guided_regex="[xyz]{3}"))
    assert compiled_rule(lm, body) is compiled_rule(lm, body)
