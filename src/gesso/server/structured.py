"""Texts that must have a form: what clients call it, and the one rule that it comes to.

OpenAI's clients say `response_format` or `text.format`, vLLM's `structured_outputs` or `guided_json` and its like, and
whoever knows Gesso `diffusion.regex` or `diffusion.choice`. A tool that must be called is a rule about the reply, too,
and so is a strict one that may be.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from gesso.constrain.constraint import CompiledRule
from gesso.constrain.reply_rule import AfterThought, ToolUse, ValidCalls
from gesso.constrain.rule import Choice, JsonObject, JsonSchema, Regex, Rule
from gesso.errors import SettingError
from gesso.lm.language_model import LanguageModel
from gesso.server.conversation import FunctionTool, ToolChoice
from gesso.server.parameters import Body, Sampling, unsupported
from gesso.server.refusal import Refusal

Schema = dict[str, Any] | bool
Texts = Annotated[list[str], Field(min_length=1, max_length=10_000)]


class NamedSchema(Body):
    """A JSON Schema with a label. It is followed to the letter, `strict` or not."""

    model_config = ConfigDict(populate_by_name=True)

    name: str | None = None
    description: str | None = None
    content: Annotated[Schema | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponseFormat(Body):
    """Form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None


class TextFormat(NamedSchema):
    """Form of the answer, in the words of `/v1/responses`."""

    type: Literal["text", "json_object", "json_schema"]


class StructuredOutputs(Body):
    """Form of the text, in vLLM's words: one of these."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Annotated[Schema | str | None, Field(alias="json")] = None
    regex: str | None = None
    choice: Texts | None = None
    json_object: bool | None = None
    grammar: Annotated[str | None, unsupported()] = None
    structural_tag: Annotated[Any, unsupported()] = None


class Structured(Sampling):
    """Of the endpoints whose clients may have vLLM's words."""

    structured_outputs: StructuredOutputs = StructuredOutputs()
    guided_json: Schema | str | None = None
    guided_regex: str | None = None
    guided_choice: Texts | None = None
    guided_grammar: Annotated[str | None, unsupported()] = None


def compiled_rule(
    lm: LanguageModel,
    body: Sampling,
    *,
    form: ResponseFormat | TextFormat | None = None,
    tools: Sequence[FunctionTool] = (),
    tool_choice: ToolChoice = None,
    thinking: bool = False,
    stop: Sequence[str] = (),
) -> CompiledRule | None:
    """The rule that a request comes to, ready for use; None where everything is allowed.

    Args:
        lm: What shall follow it.
        body: The request.
        form: Its `response_format` or `text.format`.
        tools: Tools that may be called.
        tool_choice: Which of them must be.
        thinking: The model may think first.
        stop: Stop strings, which no text with a form may have.

    Raises:
        Refusal: Two rules are asked for, or one that cannot be followed.
    """
    asked = _asked(body) | _asked_by_form(form) | _asked_by_choice(tools, tool_choice)
    if not asked:
        return None
    (param, rule), *others = asked.items()
    if others:
        raise Refusal(f"{param} and {others[0][0]} are both given; a text can follow one of them", param=others[0][0])
    if stop:
        raise Refusal(f"stop could cut short what {param} asks for; leave one of the two out", param="stop")
    if thinking and not isinstance(rule, ValidCalls):  # which knows thoughts
        rule = AfterThought(rule=rule)
    try:
        return lm.rules.compiled(rule)
    except SettingError as error:
        raise Refusal(f"{param}: {error}", param=param) from error


def check_unstructured(body: Sampling, what: str) -> None:
    """Refuse a form where none can be followed.

    Raises:
        Refusal: There is one.
    """
    for param in _asked(body):
        raise Refusal(f"{param} and {what} are both given; leave the first out", param=param)


def _asked(body: Sampling) -> dict[str, Rule]:
    """The rules of a body, by their fields."""
    given: dict[str, Rule | None] = {
        "diffusion.regex": _regex(body.diffusion.regex),
        "diffusion.choice": _choice(body.diffusion.choice),
    }
    if isinstance(body, Structured):
        words = body.structured_outputs
        given |= {
            "structured_outputs.json": _schema(words.schema_, "structured_outputs.json"),
            "structured_outputs.regex": _regex(words.regex),
            "structured_outputs.choice": _choice(words.choice),
            "structured_outputs.json_object": JsonObject() if words.json_object else None,
            "guided_json": _schema(body.guided_json, "guided_json"),
            "guided_regex": _regex(body.guided_regex),
            "guided_choice": _choice(body.guided_choice),
        }
    return {param: rule for param, rule in given.items() if rule is not None}


def _asked_by_form(form: ResponseFormat | TextFormat | None) -> dict[str, Rule]:
    if form is None or form.type == "text":
        return {}
    param = "text.format" if isinstance(form, TextFormat) else "response_format"
    if form.type == "json_object":
        return {param: JsonObject()}
    named = form if isinstance(form, TextFormat) else form.json_schema
    if named is None or named.content is None:
        where = param if isinstance(form, TextFormat) else f"{param}.json_schema"
        raise Refusal(f"{where}.schema is missing; give the JSON Schema", param=f"{where}.schema")
    return {param: JsonSchema(schema=named.content)}


def _asked_by_choice(tools: Sequence[FunctionTool], tool_choice: ToolChoice) -> dict[str, Rule]:
    if tool_choice == "none":
        return {}
    is_asked = tool_choice not in (None, "auto")
    if not is_asked and not any(tool.strict for tool in tools):
        return {}
    schemas = {tool.name: _arguments(tool) for tool in tools}
    if isinstance(tool_choice, dict):
        function = tool_choice.get("function", tool_choice)
        name = function.get("name") if isinstance(function, dict) else None
        if tool_choice.get("type") != "function" or not isinstance(name, str):
            raise Refusal(
                f"tool_choice is {tool_choice!r}; give 'auto', 'none', 'required', or the name of one function",
                param="tool_choice",
            )
        if name not in schemas:
            raise Refusal(f"tool_choice names {name!r}, and there is no such tool; declare it", param="tool_choice")
        schemas = {name: schemas[name]}
    if not schemas:
        raise Refusal("tool_choice asks for a call and there are no tools; declare one", param="tool_choice")
    param = "tool_choice" if is_asked else "tools"
    try:
        call = ToolUse(tools=schemas)
    except SettingError as error:
        raise Refusal(f"{param}: {error}", param=param) from error
    return {param: call if is_asked else ValidCalls(call=call)}


def _arguments(tool: FunctionTool) -> dict[str, Any]:
    """What a tool takes; a tool that says nothing takes nothing."""
    return tool.parameters or {"type": "object", "additionalProperties": False}


def _regex(pattern: str | None) -> Rule | None:
    return None if pattern is None else Regex(pattern=pattern)


def _choice(texts: Sequence[str] | None) -> Rule | None:
    return None if texts is None else Choice(texts=tuple(texts))


def _schema(given: Schema | str | None, param: str) -> Rule | None:
    if given is None:
        return None
    try:
        schema = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{param} is a string that is not JSON ({error}); give the schema", param=param) from error
    if not isinstance(schema, dict | bool):
        raise Refusal(f"{param} is {given!r}; give a JSON Schema, which is an object", param=param)
    return JsonSchema(schema=schema)
