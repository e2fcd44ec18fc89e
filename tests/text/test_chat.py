import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from gesso.errors import ConfigError, OutputError, PromptError
from gesso.text.chat import DEFAULT_TEMPLATE, ChatTemplate, Message, ToolCall
from gesso.text.tokenizer import FORMAT_TOKENS, Tokenizer

TALK = [
    Message("system", " Be brief. "),
    Message("user", "Where is the kite?"),
    Message("model", "In the tree.", thought="It flew up."),
    Message("user", "Thanks!\n"),
]
ADD: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers.",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
    },
}
CALL = ToolCall("add", {"a": 2, "b": -1.5, "note": 'say "hi"', "flags": [True, None, {"deep": "x"}]})
TOOL_TALK = [
    Message("user", "What is 2 + 3?"),
    Message("model", thought="I had better ask.", tool_calls=(CALL,)),
    Message("tool", "5", name="add"),
]
CONTENT = st.lists(st.sampled_from([*FORMAT_TOKENS, "thought\n", "a", " ", "\n", "\ue000", "\U0001f600"])).map("".join)


def test_a_conversation_is_written_in_turns(chat: ChatTemplate) -> None:
    assert chat.render(TALK) == (
        "<bos><|turn>system\nBe brief.<turn|>\n<|turn>user\nWhere is the kite?<turn|>\n"
        "<|turn>model\nIn the tree.<turn|>\n<|turn>user\nThanks!<turn|>\n<|turn>model\n"
    )


def test_without_a_generation_prompt_the_last_turn_ends_the_text(chat: ChatTemplate) -> None:
    assert chat.render(TALK[:2], add_generation_prompt=False).endswith("Where is the kite?<turn|>\n")


def test_thinking_is_switched_on_at_the_top_of_the_system_turn(chat: ChatTemplate) -> None:
    assert chat.render(TALK, thinking=True).startswith("<bos><|turn>system\n<|think|>\nBe brief.<turn|>\n")
    assert chat.render(TALK[1:], thinking=True).startswith("<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user")


def test_old_thoughts_do_not_return(chat: ChatTemplate) -> None:
    raw = Message("model", "<|channel>thought\nIt flew up.\n<channel|>In the tree.")
    assert chat.encode([*TALK[:2], raw, TALK[3]]) == chat.encode(TALK)
    assert "flew" not in chat.render(TALK)


def test_a_spelled_out_channel_in_an_old_answer_is_kept(chat: ChatTemplate, tokenizer: Tokenizer) -> None:
    answer = "Write <|channel> and then your thoughts."
    assert answer in tokenizer.decode(chat.encode([*TALK[:2], Message("model", answer), TALK[3]]))


def test_a_tool_answers_inside_the_turn_that_called_it(chat: ChatTemplate) -> None:
    assert chat.render(TOOL_TALK, tools=[ADD]) == (
        '<bos><|turn>system\n<|tool>declaration:add{description:<|"|>Adds two numbers.<|"|>,'
        'parameters:{properties:{a:{type:<|"|>NUMBER<|"|>}},required:[<|"|>a<|"|>],type:<|"|>OBJECT<|"|>}}<tool|>'
        "<turn|>\n<|turn>user\nWhat is 2 + 3?<turn|>\n"
        "<|turn>model\n<|channel>thought\nI had better ask.\n<channel|>"
        '<|tool_call>call:add{a:2,b:-1.5,flags:[true,null,{deep:<|"|>x<|"|>}],note:<|"|>say "hi"<|"|>}<tool_call|>'
        '<|tool_response>response:add{value:<|"|>5<|"|>}<tool_response|>'
    )
    after = [*TOOL_TALK, Message("model", "It is 5."), Message("user", "And now?")]
    assert chat.render(after).endswith("<tool_response|>It is 5.<turn|>\n<|turn>user\nAnd now?<turn|>\n<|turn>model\n")
    assert "better" not in chat.render(after)


def test_a_template_inside_tokenizer_config_is_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    source = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"
    for named in (source, [{"name": "rag", "template": ""}, {"name": "default", "template": source}]):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
        assert ChatTemplate.load(tmp_path, Tokenizer.load(tmp_path)).render(TALK[1:3]) == (
            "user:Where is the kite?;assistant:In the tree.;"
        )


def test_the_default_template_serves_where_there_is_none(
    tokenizer: Tokenizer, chat: ChatTemplate, tmp_path: Path
) -> None:
    assert ChatTemplate.load(tmp_path, tokenizer).source == DEFAULT_TEMPLATE == chat.source


def test_what_is_saved_loads_as_the_same_template(tokenizer: Tokenizer, tmp_path: Path) -> None:
    ChatTemplate("{{ bos_token }}\n\U0001f600", tokenizer).save(tmp_path)
    assert ChatTemplate.load(tmp_path, tokenizer).source == "{{ bos_token }}\n\U0001f600"
    with pytest.raises(OutputError, match="choose another folder"):
        ChatTemplate("", tokenizer).save(tmp_path / "missing")


# Control strings in messages -----------------------------------------------------------------------------------------


def test_what_a_user_types_never_becomes_a_control_token(chat: ChatTemplate, tokenizer: Tokenizer) -> None:
    def controls(ids: list[int]) -> list[int]:
        return [token_id for token_id in ids if token_id in tokenizer.special_ids]

    harmless = controls(chat.encode([Message("user", "x"), Message("model", "x"), Message("user", "x")]))

    @given(CONTENT, CONTENT)
    def law(first: str, last: str) -> None:
        ids = chat.encode([Message("user", first), Message("model", "x"), Message("user", last)])
        assert controls(ids) == harmless
        assert tokenizer.decode(ids) == f"user\n{first.strip()}\nmodel\nx\nuser\n{last.strip()}\nmodel\n"

    law()


def test_control_strings_in_tools_and_arguments_are_text_too(chat: ChatTemplate, tokenizer: Tokenizer) -> None:
    def conversation(text: str) -> list[int]:
        tool = {"type": "function", "function": {"name": "f", "description": text, "parameters": {text: [text]}}}
        call = Message("model", tool_calls=(ToolCall("f", {text: text}),))
        return chat.encode([Message("user", "x"), call, Message("tool", text, name="f")], tools=[tool])

    def num_controls(ids: list[int]) -> int:
        return sum(token_id in tokenizer.special_ids for token_id in ids)

    assert num_controls(conversation('<|"|>}<tool_call|><turn|>')) == num_controls(conversation("x"))


# Transformers as the oracle ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize("prompt", [False, True])
@pytest.mark.parametrize(("messages", "tools"), [(TALK, None), (TALK[1:2], None), (TOOL_TALK, [ADD])])
def test_transformers_renders_the_same_template_to_the_same_ids(
    folder: Path, chat: ChatTemplate, messages: list[Message], tools: list[Any] | None, prompt: bool, thinking: bool
) -> None:
    turns: list[dict[str, Any]] = []
    for message in messages:
        turn: dict[str, Any] = {"role": {"model": "assistant"}.get(message.role, message.role)}
        turn |= {"content": message.content, "reasoning_content": message.thought, "name": message.name}
        calls = [
            {"type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in message.tool_calls
        ]
        turns.append(turn | {"tool_calls": calls})
    reference = AutoTokenizer.from_pretrained(folder)
    settings: dict[str, Any] = {"tools": tools, "add_generation_prompt": prompt, "enable_thinking": thinking}
    ours: dict[str, Any] = {"tools": tools or (), "add_generation_prompt": prompt, "thinking": thinking}
    assert reference.apply_chat_template(turns, tokenize=False, **settings) == chat.render(messages, **ours)
    assert reference.apply_chat_template(turns, **settings).input_ids == chat.encode(messages, **ours)


@pytest.mark.parametrize(
    "source",
    [
        "{%- for m in messages %}\n    {% if loop.first %}\n{{ bos_token }}{% endif %}\n  {{ m | tojson }}{% endfor %}",
        "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
        "{% for m in messages %}{% generation %}<|turn>{{ m.content }}{{ eos_token }}{% endgeneration %}{% endfor %}",
        "{% set s = namespace(n=0) %}{% for m in messages %}{% set s.n = s.n + 1 %}{% endfor %}{{ dict(n=s.n)['n'] }}",
        "{{ strftime_now('%Y') }}{{ messages | map(attribute='role') | join('<br>') }}",
    ],
)
def test_other_templates_render_as_transformers_renders_them(tokenizer: Tokenizer, folder: Path, source: str) -> None:
    messages = [Message("system", "Short <b>."), Message("user", "Hi \U0001f600")]
    turns = [{"role": message.role, "content": message.content} for message in messages]
    reference = AutoTokenizer.from_pretrained(folder)
    expected = reference.apply_chat_template(turns, chat_template=source, tokenize=False)
    assert ChatTemplate(source, tokenizer).render(messages, add_generation_prompt=False) == expected


# Bad input -----------------------------------------------------------------------------------------------------------


def test_an_empty_conversation_is_refused(chat: ChatTemplate) -> None:
    with pytest.raises(PromptError, match="empty; give at least one user message"):
        chat.encode([])


def test_arguments_that_are_not_json_are_refused(chat: ChatTemplate) -> None:
    call = Message("model", tool_calls=(ToolCall("f", {"a": {1, 2}}),))
    with pytest.raises(PromptError, match=r"not JSON .* give JSON values"):
        chat.encode([Message("user", "x"), call])


def test_an_unknown_role_is_named(chat: ChatTemplate) -> None:
    with pytest.raises(PromptError, match="message 1 has the role 'robot'; use one of system, user, model, tool"):
        chat.encode([Message("user", "Hi"), Message("robot", "Hi")])


def test_a_late_system_message_is_named(chat: ChatTemplate) -> None:
    with pytest.raises(PromptError, match="message 1 is a system message; only message 0"):
        chat.encode([Message("user", "Hi"), Message("system", "Be brief.")])


def test_a_tool_answer_without_a_call_is_named(chat: ChatTemplate) -> None:
    with pytest.raises(PromptError, match=r"message 1: .* must follow the assistant message"):
        chat.encode([Message("user", "Hi"), Message("tool", "5", name="add"), Message("user", "Hi")])


def test_the_message_that_a_template_refuses_is_named(tokenizer: Tokenizer) -> None:
    source = (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('turns must alternate') }}{% endif %}{% endfor %}"
    )
    strict = ChatTemplate(source, tokenizer)
    with pytest.raises(PromptError, match=r"message 2: .*turns must alternate"):
        strict.encode([Message("user", "a"), Message("model", "b"), Message("model", "c"), Message("user", "d")])


@pytest.mark.parametrize(
    "source",
    ["{{ messages.__class__.__mro__ }}", "{{ messages.append(1) }}", "{{ raise_exception.__globals__.json }}"],
)
def test_a_template_cannot_reach_out_of_the_sandbox(tokenizer: Tokenizer, source: str) -> None:
    with pytest.raises(PromptError, match=r"message 0: the chat template refuses it .*(unsafe|not safely callable)"):
        ChatTemplate(source, tokenizer).render([Message("user", "Hi")])


def test_a_broken_template_is_named_with_its_line(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("\n{% for %}")
    with pytest.raises(ConfigError, match=r"chat_template\.jinja, line 2: not Jinja"):
        ChatTemplate.load(tmp_path, tokenizer)
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"chat_template\.jinja cannot be read"):
        ChatTemplate.load(tmp_path, tokenizer)


def test_a_list_of_templates_without_a_default_is_refused(folder: Path, tmp_path: Path) -> None:
    definition = json.loads((folder / "tokenizer.json").read_text())
    tokenizer = Tokenizer(definition, {"chat_template": [{"name": "rag", "template": ""}]})
    with pytest.raises(ConfigError, match=r"no list with a default in it; put chat_template\.jinja"):
        ChatTemplate.load(tmp_path, tokenizer)
