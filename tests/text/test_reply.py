import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.text.chat import ChatTemplate, Message, ToolCall
from gesso.text.tokenizer import FORMAT_TOKENS, Tokenizer

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
KEYS = st.text("abcdefgh_", min_size=1, max_size=6)
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(ToolCall, KEYS, st.dictionaries(KEYS, VALUES, max_size=3))


def reply(text: str, tokenizer: Tokenizer) -> list[int]:
    return tokenizer.encode(text, allow_special=True)


def test_what_the_template_writes_is_read_back(chat: ChatTemplate) -> None:
    question = Message("user", "x")
    prompt_ids, prompt_text = chat.encode([question]), chat.render([question])

    @given(WORDS.map(str.strip), WORDS.map(str.strip), st.lists(CALLS, max_size=2).map(tuple))
    def law(thought: str, content: str, calls: tuple[ToolCall, ...]) -> None:
        message = Message("model", content, thought=thought, tool_calls=calls)
        ids = chat.encode([question, message], add_generation_prompt=False)
        assert ids[: len(prompt_ids)] == prompt_ids
        assert chat.parse_reply(ids[len(prompt_ids) :]) == message
        if "<" not in repr(message):  # what looks like a control string is one in a reply that is given as text
            text = chat.render([question, message], add_generation_prompt=False)
            assert chat.parse_reply(text[len(prompt_text) :]) == message

    law()


def test_a_spelled_out_control_string_is_text_when_ids_are_read(chat: ChatTemplate, tokenizer: Tokenizer) -> None:
    spelled = "Write <turn|> to end a turn, <|channel> to think."
    assert chat.parse_reply(tokenizer.encode(spelled)) == Message("model", spelled)
    assert chat.parse_reply(spelled).content == "Write"


@pytest.mark.parametrize("form", ["ids", "text"])
@pytest.mark.parametrize(
    ("written", "thought", "content"),
    [
        ("In the tree.<turn|>", "", "In the tree."),
        ("In the tree.<turn|><pad><pad>More.", "", "In the tree."),
        ("In the tree.<eos>Noise", "", "In the tree."),
        ("<|channel>thought\n<channel|>In the tree.<turn|>", "", "In the tree."),
        ("<|channel>thought<channel|>In the tree.<turn|>", "", "In the tree."),
        ("<|channel>thought\nIt flew.\n<channel|>In the tree.<turn|>", "It flew.", "In the tree."),
        ("thought\nIt flew.\n<channel|>In the tree.<turn|>", "It flew.", "In the tree."),
        (
            "<|channel>thought\nOne.<channel|>So<|channel>thought\nTwo.<channel|> be it.<turn|>",
            "One.\nTwo.",
            "So be it.",
        ),
        ("<|channel>thought\nIt flew.\n\nIt did.\n\nIn the tree.<turn|>", "It flew.\n\nIt did.", "In the tree."),
        ("<|channel>thought\nIn the tree.<turn|>", "", "In the tree."),
        ("<|channel>thought\n", "", ""),
        ("<|channel>", "", ""),
        ("", "", ""),
        ("<bos>Thoughtful<unused3> cats", "", "Thoughtful cats"),
    ],
)
def test_thought_and_answer_are_told_apart(
    chat: ChatTemplate, tokenizer: Tokenizer, written: str, thought: str, content: str, form: str
) -> None:
    parsed = chat.parse_reply(reply(written, tokenizer) if form == "ids" else written)
    assert parsed == Message("model", content, thought=thought)


def test_an_unfinished_thought_is_all_thought(chat: ChatTemplate) -> None:
    parsed = chat.parse_reply("<|channel>thought\nIt flew.\n\nIn the", finished=False)
    assert parsed == Message("model", "", thought="It flew.\n\nIn the")


def test_a_call_after_an_unclosed_thought_leaves_the_thought_whole(chat: ChatTemplate) -> None:
    parsed = chat.parse_reply("<|channel>thought\nHm.\n\nI will add.<|tool_call>call:add{a:1}<tool_call|><turn|>")
    assert parsed == Message("model", thought="Hm.\n\nI will add.", tool_calls=(ToolCall("add", {"a": 1}),))


@pytest.mark.parametrize(
    ("written", "call"),
    [
        ("<|tool_call>call:now{}<tool_call|><|tool_response>", ToolCall("now")),
        ("<|tool_call>call:now{}", ToolCall("now")),
        (
            '<|tool_call>call:f{<|"|>a b<|"|>: <|"|>x, {y}<|"|> , c :[ 1 ,2.5e3,] }<tool_call|>',
            ToolCall("f", {"a b": "x, {y}", "c": [1, 2500.0]}),
        ),
        (
            "<|tool_call>call:f{a:None,b:nan,c:007,d:1e999,e:-0.5}",
            ToolCall("f", {"a": None, "b": "nan", "c": "007", "d": "1e999", "e": -0.5}),
        ),
        ("<|tool_call>call:f{city:New York,on:true}<tool_call|>", ToolCall("f", {"city": "New York", "on": True})),
        ('<|tool_call>call:f{a:<|"|><|"|>,b:null}<|tool_response>', ToolCall("f", {"a": "", "b": None})),
    ],
)
def test_calls_are_read_as_models_write_them(chat: ChatTemplate, written: str, call: ToolCall) -> None:
    assert chat.parse_reply(written) == Message("model", tool_calls=(call,))


@pytest.mark.parametrize(
    "broken",
    [
        "add 1 and 2",
        "call:{a:1}",
        "call:f",
        "call:f{a:1",
        "call:f{a}",
        "call:f{a:}",
        "call:f{a:[1}",
        "call:f{a:" + "[" * 5000,
    ],
)
def test_a_call_that_cannot_be_read_stays_in_the_answer(chat: ChatTemplate, broken: str) -> None:
    parsed = chat.parse_reply(f"Well: <|tool_call>{broken}<tool_call|>")
    assert parsed == Message("model", f"Well: {broken}")


def test_any_reply_can_be_read(chat: ChatTemplate, tokenizer: Tokenizer) -> None:
    parts = st.sampled_from([*FORMAT_TOKENS, "call:f", "{", "}", "a", ":", ",", "[", "]", "thought\n", "\n\n", "1"])

    @given(st.lists(parts).map("".join), st.booleans())
    def law(text: str, finished: bool) -> None:
        parsed = chat.parse_reply(text, finished=finished)
        assert parsed == chat.parse_reply(reply(text, tokenizer), finished=finished)
        shown = parsed.content + parsed.thought
        assert not any(token in shown for token in FORMAT_TOKENS)

    law()
