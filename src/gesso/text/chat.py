"""Conversations to token ids, and replies back to messages, by the checkpoint's own chat template.

Whoever types "<turn|>" has typed seven harmless characters: only what the template itself writes becomes a
control token. `ChatTemplate.encode` marks such strings inside the messages before the template runs, and takes the
marks out again once the control tokens are found.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from gesso.errors import ConfigError, OutputError, PromptError
from gesso.text.message import ROLES, Message, ToolCall
from gesso.text.reply import parse_pieces, strip_thoughts
from gesso.text.sandbox import compile_template
from gesso.text.tokenizer import Tokenizer

__all__ = ["DEFAULT_TEMPLATE", "ChatTemplate", "Message", "ToolCall"]

# Used where a checkpoint has no template of its own, and written beside the bundled model.
DEFAULT_TEMPLATE: str = (files("gesso.text") / "gemma_turns.jinja").read_text(encoding="utf-8")

# Breaks control strings inside messages: a private-use character, repeated until no message holds the same run.
_MARK = chr(0xE000)


class ChatTemplate:
    """A checkpoint's chat template together with the tokenizer it was written for."""

    def __init__(self, source: str, tokenizer: Tokenizer, *, origin: str = "chat template") -> None:
        """Compile a template.

        Args:
            source: The Jinja text.
            tokenizer: Its special tokens are the template's control strings.
            origin: What errors call the place that the text came from.

        Raises:
            ConfigError: The text is not Jinja.
        """
        self.source = source
        self._tokenizer = tokenizer
        self._names = {name: tokenizer.token_text(getattr(tokenizer, f"{name[:3]}_id")) for name in _TOKEN_NAMES}
        try:
            self._template = compile_template(source)
        except jinja2.TemplateSyntaxError as error:
            raise ConfigError(f"{origin}, line {error.lineno}: not Jinja ({error.message}); copy it anew") from error

    @classmethod
    def load(cls, folder: Path, tokenizer: Tokenizer) -> "ChatTemplate":
        """Take the template from chat_template.jinja, else from tokenizer_config.json, else the default one.

        Raises:
            ConfigError: The file cannot be read, or is not Jinja.
        """
        path = folder / "chat_template.jinja"
        if path.is_file():
            try:
                return cls(path.read_text(encoding="utf-8"), tokenizer, origin=str(path))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{path} cannot be read ({error}); copy it anew") from error
        origin = f"{folder / 'tokenizer_config.json'}, chat_template"
        source = tokenizer.config.get("chat_template", DEFAULT_TEMPLATE)
        if isinstance(source, list):  # several, by name
            source = {entry.get("name"): entry.get("template") for entry in source}.get("default")
        if not isinstance(source, str):
            raise ConfigError(f"{origin}: no text and no list with a default in it; put chat_template.jinja beside it")
        return cls(source, tokenizer, origin=origin)

    def save(self, folder: Path) -> None:
        """Write chat_template.jinja into `folder`.

        Raises:
            OutputError: The file cannot be written.
        """
        path = folder / "chat_template.jinja"
        try:
            path.write_text(self.source, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({error}); choose another folder") from error

    def render(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = True,
        thinking: bool = False,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Write the conversation as the template does, for people to read; `encode` is what the model reads.

        Args:
            messages: The turns, oldest first.
            add_generation_prompt: End with the opening of the model's next turn.
            thinking: Ask the model to think before it answers.
            tools: JSON-schema declarations: {"type": "function", "function": {"name", "description", "parameters"}}.

        Raises:
            PromptError: There are no messages, or one is out of place; names its index and the remedy.
        """
        return self._render(_as_turns(messages), add_generation_prompt, thinking, tools)

    def encode(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = True,
        thinking: bool = False,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> list[int]:
        """Turn the conversation into token ids. Control strings inside messages and tools stay plain text.

        Arguments and errors are those of `render`.
        """
        turns = _as_turns(messages)
        mark = _unused_mark(turns, tools)
        turns, tools = self._marked(turns, mark), self._marked(list(tools), mark)
        rendered = self._render(turns, add_generation_prompt, thinking, tools)
        ids: list[int] = []
        for special, part in self._tokenizer.split_specials(rendered):
            ids += self._tokenizer.encode(part if special else part.replace(mark, ""), allow_special=special)
        return ids

    def parse_reply(self, reply: str | Sequence[int], *, finished: bool = True) -> Message:
        """Split what the model wrote into thought, answer and tool calls. It ends at the first end of turn.

        Args:
            reply: Token ids, or their text with the special tokens kept. Ids are the safer of the two: a control
                string that the model spelled out letter by letter stays text.
            finished: The reply is whole. Then a thought that was never closed gives its last paragraph to the answer,
                because a reader wants an answer; in an unfinished reply it is all still thought.
        """
        pieces = self._tokenizer.split_specials(reply) if isinstance(reply, str) else self._pieces(reply)
        return parse_pieces(pieces, finished=finished)

    def _render(
        self,
        turns: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool,
        thinking: bool,
        tools: Sequence[Mapping[str, Any]],
    ) -> str:
        def render(turns: Sequence[Mapping[str, Any]]) -> str:
            return self._template.render(
                messages=turns,
                tools=list(tools) or None,
                add_generation_prompt=add_generation_prompt,
                enable_thinking=thinking,
                **self._names,
            )

        try:
            return render(turns)
        except Exception as error:  # a stranger's template can fail in any way
            index = _first_refused(render, turns)
            raise PromptError(
                f"message {index}: the chat template refuses it ({error}); change that message"
            ) from error

    def _marked(self, value: Any, mark: str) -> Any:
        """Copy a JSON value with `mark` after the first character of every control string in it."""
        if isinstance(value, str):
            pieces = self._tokenizer.split_specials(value)
            return "".join(part[0] + mark + part[1:] if special else part for special, part in pieces)
        if isinstance(value, Mapping):
            return {self._marked(key, mark): self._marked(item, mark) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [self._marked(item, mark) for item in value]
        return value

    def _pieces(self, ids: Sequence[int]) -> list[tuple[bool, str]]:
        pieces: list[tuple[bool, str]] = []
        plain: list[int] = []
        for token_id in ids:
            if token_id not in self._tokenizer.special_ids:
                plain.append(token_id)
                continue
            pieces += [(False, self._tokenizer.decode(plain)), (True, self._tokenizer.token_text(token_id))]
            plain = []
        return [*pieces, (False, self._tokenizer.decode(plain))]


_TOKEN_NAMES = ("bos_token", "eos_token", "pad_token")


def _as_turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    if not messages:
        raise PromptError("the conversation is empty; give at least one user message")
    for index, message in enumerate(messages):
        if message.role not in ROLES:
            raise PromptError(f"message {index} has the role {message.role!r}; use one of {', '.join(ROLES)}")
        if message.role == "system" and index > 0:
            raise PromptError(f"message {index} is a system message; only message 0 can be one, so join them there")
    return [_as_turn(message) for message in messages]


def _as_turn(message: Message) -> dict[str, Any]:
    """Give the message the shape that chat templates expect, which is that of the Transformers library."""
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role == "model":
        turn = {"role": "assistant", "content": strip_thoughts(message.content)}
    if message.thought:
        turn |= {"reasoning_content": message.thought, "reasoning": message.thought, "thinking": message.thought}
    if message.tool_calls:
        turn["tool_calls"] = [
            {"type": "function", "function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.name:
        turn["name"] = message.name
    return turn


def _first_refused(render: Callable[[Sequence[Mapping[str, Any]]], str], turns: Sequence[Mapping[str, Any]]) -> int:
    """Find the message with which the template first refuses the conversation."""
    for end in range(1, len(turns)):
        try:
            render(turns[:end])
        except Exception:
            return end - 1
    return len(turns) - 1


def _unused_mark(*values: Any) -> str:
    try:
        text = json.dumps(values, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise PromptError(f"tools and arguments of tools are not JSON ({error}); give JSON values") from error
    return _MARK * (1 + max(map(len, re.findall(f"{_MARK}+", text)), default=0))
