import re

import pytest

from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expressions
from gesso.constrain.reply_rule import NO_TEXT, OTHER, SYMBOLS, AfterThought, ToolUse, ValidCalls
from gesso.constrain.rule import Choice
from gesso.errors import SettingError
from gesso.text.message import ToolCall
from gesso.text.reply import parse_call, parse_pieces

WEATHER = {
    "properties": {
        "days": {"type": "integer", "minimum": 1, "maximum": 3},
        "City": {"type": "string", "maxLength": 20},
        "at": {"type": "array", "items": {"type": "string"}},
        "two words": {"const": {"b": [1.0, None], "A": 'say "hi"\n'}},
    },
    "required": ["City"],
}


def accepts(rule, text):
    pool = Expressions()
    return build_automaton(pool, rule.expression(pool)).accepts(marked(text))


def marked(text):
    data = text.encode()
    for control, symbol in SYMBOLS.items():
        data = data.replace(control.encode(), symbol)
    return data


def pieces(text):
    """The text as the reader of replies gets it."""
    parts = re.split("({})".format("|".join(map(re.escape, SYMBOLS))), text)
    return [(part in SYMBOLS, part) for part in parts if part]


def test_a_call_is_written_as_the_chat_format_does_with_its_arguments_in_order():
    body = (
        'call:weather{at:[<|"|>noon<|"|>,<|"|><|"|>],City:<|"|>S\u00e3o "P"<|"|>,days:2,'
        '<|"|>two words<|"|>:{A:<|"|>say "hi"\n<|"|>,b:[1,null]}}'
    )
    assert accepts(ToolUse(tools={"weather": WEATHER}), f"<|tool_call>{body}<tool_call|>")
    assert parse_call(pieces(body)) == ToolCall(
        "weather",
        {
            "at": ["noon", ""],
            "City": 'S\u00e3o "P"',
            "days": 2,
            "two words": {"A": 'say "hi"\n', "b": [1, None]},
        },
    )


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ('<|tool_call>call:weather{City:<|"|>Oslo<|"|>}<tool_call|>', True),
        ("<|tool_call>call:clock{}<tool_call|>", True),
        ('<|tool_call>call:weather{City:"Oslo"}<tool_call|>', False),
        ('<|tool_call>call:weather{City:<|"|>Oslo<|"|>,days:4}<tool_call|>', False),
        ("<|tool_call>call:weather{}<tool_call|>", False),
        ("<|tool_call>call:other{}<tool_call|>", False),
        ("call:clock{}", False),
        ("Yes.<|tool_call>call:clock{}<tool_call|>", False),
    ],
)
def test_a_call_is_of_a_known_tool_with_what_it_takes(text, is_valid):
    rule = ToolUse(tools={"weather": WEATHER, "clock": {"additionalProperties": False}})
    assert accepts(rule, text) == is_valid


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ({}, "there is none"),
        ({"": {}}, "the tool '' cannot be called"),
        ({"a{b": {}}, "cannot be called"),
        ({"a": {"type": "string"}}, "the arguments of the tool 'a' have the type 'string'; give 'object'"),
    ],
)
def test_tools_that_cannot_be_called_are_named(tools, words):
    with pytest.raises(SettingError, match=words):
        ToolUse(tools=tools)


def test_a_keyword_that_is_not_known_is_named_with_its_tool():
    with pytest.raises(SettingError, match="the tool 'a': the keyword 'not' at #/properties/x"):
        ToolUse(tools={"a": {"properties": {"x": {"not": {}}}}}).expression(Expressions())


def test_an_answer_may_come_after_a_thought_or_at_once():
    rule = AfterThought(rule=Choice(texts=("yes", "no")))
    thoughtful = "<|channel>thought\nIs it? It is.\n<channel|>yes"
    assert accepts(rule, "no")
    assert accepts(rule, thoughtful)
    assert not accepts(rule, "<|channel>thought\nIs it?")
    assert not accepts(rule, "<|channel>thought\nIs it?<channel|>perhaps")
    message = parse_pieces(pieces(thoughtful), finished=True)
    assert (message.thought, message.content) == ("Is it? It is.", "yes")


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("", True),
        ("Any text \N{GRINNING FACE} <channel|><|channel>{<tool_call|>", True),
        ("<|tool_call>call:clock{}<tool_call|>", True),
        (
            "<|channel>thought\nHm.<channel|>Now.<|tool_call>call:clock{}<tool_call|><|tool_call>call:clock{}<tool_call|>.",
            True,
        ),
        ("<|tool_call>call:clock{", False),
        ("<|tool_call>call:clock{now:true}<tool_call|>", False),
        ("Now.<|tool_call>call:other{}<tool_call|>", False),
    ],
)
def test_where_calls_are_valid_only_a_call_can_be_wrong(text, is_valid):
    assert accepts(ValidCalls(call=ToolUse(tools={"clock": {"additionalProperties": False}})), text) == is_valid


def test_where_calls_are_valid_every_token_but_the_opening_one_may_stand_anywhere_outside():
    pool = Expressions()
    rule = ValidCalls(call=ToolUse(tools={"clock": {}}))
    automaton = build_automaton(pool, rule.expression(pool))
    outside = [byte for byte in range(256) if automaton.next_state[0, byte] == 0]
    assert outside == [byte for byte in range(256) if bytes([byte]) != SYMBOLS["<|tool_call>"]]


def test_the_bytes_of_control_tokens_are_those_of_no_text():
    symbols = {*SYMBOLS.values(), OTHER}
    assert len(symbols) == len(SYMBOLS) + 1
    assert all(symbol[0] in NO_TEXT for symbol in symbols)
    for byte in NO_TEXT:
        with pytest.raises(UnicodeDecodeError):
            bytes([byte]).decode()
