import pytest

from gesso.server.conversation import ChatMessage, FunctionTool, TextPart, as_messages, as_text
from gesso.server.refusal import Refusal
from gesso.text.message import Message, ToolCall


def assistant(arguments='{"city": "Oslo"}'):
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    return ChatMessage(role="assistant", content=None, reasoning_content="Hm.", tool_calls=[call])


def test_a_tools_answer_carries_the_name_of_the_call_that_it_is_to():
    turns = [
        ChatMessage(role="developer", content="Be brief."),
        ChatMessage(role="user", content="Rain?"),
        assistant(),
        ChatMessage(role="tool", content="Sun.", tool_call_id="c1"),
    ]
    assert as_messages(turns) == [
        Message("system", "Be brief."),
        Message("user", "Rain?"),
        Message("model", "", thought="Hm.", tool_calls=(ToolCall("weather", {"city": "Oslo"}),)),
        Message("tool", "Sun.", name="weather"),
    ]


def test_an_answer_to_no_call_is_refused():
    with pytest.raises(Refusal, match="no call before it has that id") as refused:
        as_messages([ChatMessage(role="user", content="x"), ChatMessage(role="tool", content="y", tool_call_id="c9")])
    assert refused.value.param == "messages.1.tool_call_id"


@pytest.mark.parametrize("arguments", ["{", "[1]", "[" * 100_000, "7"])
def test_arguments_that_are_no_object_are_refused(arguments):
    with pytest.raises(Refusal, match="not a JSON object"):
        as_messages([assistant(arguments)])


def test_what_only_the_assistant_has_is_refused_of_others():
    with pytest.raises(Refusal, match="only an assistant's message"):
        as_messages([ChatMessage(role="user", content="x", reasoning_content="y")])


def test_content_may_come_in_parts():
    assert as_text([TextPart(type="text", text="a"), TextPart(type="text", text="b")]) == "ab"
    assert as_text(None) == ""


def test_a_tool_is_declared_without_what_was_not_said_of_it():
    assert FunctionTool(name="f").declared() == {"type": "function", "function": {"name": "f"}}
    parameters = {"type": "object", "default": None}
    assert FunctionTool(name="f", parameters=parameters).declared()["function"]["parameters"] == parameters
