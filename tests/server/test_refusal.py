import logging

import pytest

from gesso.errors import GenerationError, PromptError
from gesso.server.refusal import Refusal, as_refusal, validation_refusal


def test_a_refusal_has_the_shape_that_the_clients_of_its_path_know():
    refusal = Refusal("n is 99; give 16", param="n", code="invalid_value")
    assert refusal.body("/v1/chat/completions") == {
        "error": {"message": "n is 99; give 16", "type": "invalid_request_error", "param": "n", "code": "invalid_value"}
    }
    assert refusal.body("/v1/messages") == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "n is 99; give 16"},
    }


@pytest.mark.parametrize(
    ("status", "openai", "anthropic"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "authentication_error"),
        (404, "not_found_error", "not_found_error"),
        (429, "rate_limit_error", "rate_limit_error"),
        (504, "server_error", "api_error"),
    ],
)
def test_each_status_has_its_word(status, openai, anthropic):
    refusal = Refusal("no", status=status)
    assert refusal.body("/v1/completions")["error"]["type"] == openai
    assert refusal.body("/v1/messages/count_tokens")["error"]["type"] == anthropic


def test_what_the_caller_did_wrong_is_told_and_what_we_did_wrong_is_only_logged(caplog):
    assert as_refusal(PromptError("the prompt is empty; give some")).status == 400
    assert as_refusal(GenerationError("not numbers")).status == 500
    with caplog.at_level(logging.ERROR):
        refusal = as_refusal(KeyError("secret"))
    assert refusal.status == 500
    assert "secret" not in str(refusal)
    assert "secret" in caplog.text


def error(kind, *location, **more):
    return {"type": kind, "loc": ("body", *location), "msg": "is wrong", **more}


def test_a_field_is_named_as_the_caller_wrote_it_without_the_names_of_types():
    body = {"messages": [{"content": [{"type": "image"}]}]}
    errors = [
        error("string_type", "messages", 0, "content", "str"),
        error("literal_error", "messages", 0, "content", "list[TextPart]", 0, "type"),
    ]
    assert validation_refusal(errors, body).param == "messages.0.content.0.type"


def test_a_missing_and_an_unknown_field_are_told_apart():
    assert validation_refusal([error("missing", "messages")], {}).code == "missing_parameter"
    assert validation_refusal([error("extra_forbidden", "x")], {"x": 1}).code == "unknown_parameter"


def test_fields_that_contradict_each_other_are_told_in_the_rules_own_words():
    refusal = validation_refusal([{"type": "invalid_value", "loc": ("body",), "msg": "a and b are both given"}], {})
    assert (str(refusal), refusal.param) == ("a and b are both given", None)


def test_a_body_that_is_no_object_is_refused_as_that():
    assert "not a JSON object" in str(validation_refusal([error("model_attributes_type")], [1]))
    broken = {"type": "json_invalid", "loc": ("body", 7), "msg": "", "ctx": {"error": "Expecting value"}}
    assert "Expecting value at character 7" in str(validation_refusal([broken], "{"))
