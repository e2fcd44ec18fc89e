"""Conversations and tools as OpenAI's clients write them, as messages."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from gesso.lm.language_model import LanguageModel
from gesso.server.parameters import Body, unsupported
from gesso.server.refusal import Refusal
from gesso.text.message import Message, ToolCall


class TextPart(Body):
    """A part of a message's content. Only text is read."""

    type: Literal["text", "input_text", "output_text"]
    text: str


Content = str | list[TextPart]


class FunctionCall(Body):
    """A call of a tool; `arguments` is JSON."""

    name: Annotated[str, Field(min_length=1)]
    arguments: str = "{}"


class CallPart(Body):
    """A tool call in an assistant's message."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ChatMessage(Body):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallPart] | None = None
    tool_call_id: str | None = None
    name: Annotated[str | None, unsupported()] = None
    refusal: Annotated[str | None, unsupported()] = None
    annotations: Annotated[list[Any] | None, unsupported([])] = None
    audio: Annotated[dict[str, Any] | None, unsupported()] = None
    function_call: Annotated[dict[str, Any] | None, unsupported()] = None


class FunctionTool(Body):
    """What a tool is for and takes, as JSON Schema.

    A call that is asked for keeps to it, `strict` or not; if one tool is strict, so do all calls.
    """

    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def declared(self) -> dict[str, Any]:
        """The tool as the chat template reads it."""
        facts = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": {key: value for key, value in facts.items() if value is not None}}


class Tool(Body):
    """A tool that the model may want called."""

    type: Literal["function"]
    function: FunctionTool


ToolChoice = Literal["auto", "none", "required"] | dict[str, Any] | None
"""Whether the model may call tools, or must call one, or must call this one."""


def as_text(content: Content | None) -> str:
    """The text of a message's content."""
    if content is None:
        return ""
    return content if isinstance(content, str) else "".join(part.text for part in content)


def as_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """Turns in the terms of the chat template.

    Raises:
        Refusal: A tool's answer is to no call, or a call's arguments are not JSON.
    """
    names: dict[str, str] = {}
    read = []
    for index, message in enumerate(messages):
        param = f"messages.{index}"
        calls = message.tool_calls or []
        names |= {call.id: call.function.name for call in calls}
        is_answer = message.role == "tool"
        if is_answer and message.tool_call_id not in names:
            raise Refusal(
                f"{param}.tool_call_id is {message.tool_call_id!r}, and no call before it has that id; repeat the "
                "assistant's message that calls the tool",
                param=f"{param}.tool_call_id",
            )
        if message.role != "assistant" and (calls or message.reasoning_content):
            raise Refusal(f"{param} has what only an assistant's message has; remove it", param=param)
        read.append(
            Message(
                role=message.role,
                content=as_text(message.content),
                thought=message.reasoning_content or "",
                tool_calls=tuple(as_call(call.function, f"{param}.tool_calls") for call in calls),
                name=names[message.tool_call_id or ""] if is_answer else "",
            )
        )
    return read


def as_call(call: FunctionCall, param: str) -> ToolCall:
    """A call with its arguments read.

    Raises:
        Refusal: They are not a JSON object.
    """
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise Refusal(f"{param}: the arguments of {call.name!r} are not a JSON object; give one", param=param)
    return ToolCall(call.name, arguments)


def prompt_ids(
    lm: LanguageModel,
    messages: Sequence[Message],
    *,
    thinking: bool = False,
    tools: Sequence[FunctionTool] = (),
) -> list[int]:
    """Token ids of a conversation, with the model's turn opened.

    Raises:
        PromptError: A message is out of place.
    """
    return lm.template.encode(messages, thinking=thinking, tools=[tool.declared() for tool in tools])
