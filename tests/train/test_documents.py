import pytest

from gesso.errors import DataError
from gesso.text.message import Message
from gesso.train.documents import Continuation, Passage, parse_document
from tests.train.chat_text import turns


def say(role, content="x"):
    return {"role": role, "content": content}


def test_the_three_kinds_are_told_by_their_fields():
    messages = [say("system"), say("user"), say("assistant", "yes"), say("user"), say("model", "no")]
    conversation, unused = parse_document({"messages": messages})
    assert [m.role for m in conversation.messages] == ["system", "user", "model", "user", "model"]
    assert unused == frozenset()
    assert parse_document({"prompt": "", "response": "b"}) == (Continuation(prompt="", response="b"), frozenset())
    assert parse_document({"text": "a"}) == (Passage(text="a"), frozenset())


def test_fields_that_mean_nothing_are_told():
    assert parse_document({"text": "a", "id": 1, "source": "b"})[1] == {"id", "source"}


def test_what_a_table_fills_up_with_none_is_not_there():
    messages = [say("user") | {"name": None}, say("model") | {"name": None}]
    assert parse_document({"messages": messages})[0].messages[0] == Message(role="user", content="x")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "it has nothing; give"),
        ({"story": "a"}, "it has 'story'; give"),
        ({"text": "a", "prompt": "b"}, "it has 'text', 'prompt'; give"),
        ({"prompt": "a"}, "it has no 'response'"),
        ({"text": " \n"}, "the text is empty"),
        ({"text": 3}, "'text' is a int; write a string"),
        ({"prompt": "a", "response": ""}, "the response is empty"),
        ({"messages": "hello"}, "'messages' is a str"),
        ({"messages": []}, "the conversation is empty"),
        ({"messages": ["hello"]}, "message 0 is a str"),
        ({"messages": [{"role": "user"}]}, "message 0 has no string 'content'"),
        ({"messages": [say("user"), say("robot")]}, "message 1 has the role 'robot'; use one of system, user, model"),
        ({"messages": [say("user"), say("tool"), say("model")]}, "message 1 has the role 'tool'"),
        ({"messages": [say("user"), say("system"), say("model")]}, "message 1 is a system message"),
        ({"messages": [say("user"), say("model", " ")]}, "message 1 says nothing"),
        ({"messages": [say("model")]}, "message 0 is the model's and follows no user's"),
        ({"messages": [say("user"), say("model"), say("model")]}, "message 2 is the model's and follows no user's"),
        (turns("a", "b", "c"), "message 2 has no answer of the model to learn"),
        ({"messages": [say("user") | {"tool_calls": []}, say("model")]}, "message 0 has 'tool_calls'"),
    ],
)
def test_what_breaks_a_law_is_named_with_the_remedy(value, message):
    with pytest.raises(DataError, match=message):
        parse_document(value)
