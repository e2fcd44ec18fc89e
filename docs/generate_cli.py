"""Writes the commands and their options into docs/cli.md: `python docs/generate_cli.py`.

They are read off the functions that are the commands, so the page depends neither on the width of a terminal nor on
how a release of typer lays out its help.
"""

import inspect
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import marked_section
from marked_section import ROOT

from gesso.cli.main import app

PAGE = ROOT / "docs" / "cli.md"
SECTION = "commands"


def render() -> str:
    """Every command as Markdown: what it says of itself, and a table of its arguments and options."""
    lines = (line for words, function in _commands(app, "gesso") for line in _command(words, function))
    return "\n".join(lines).strip()


def _commands(group: Any, words: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The words and the function of each command, and then of those in the groups."""
    for command in group.registered_commands:
        yield f"{words} {command.name or command.callback.__name__.replace('_', '-')}", command.callback
    for inner in group.registered_groups:
        yield from _commands(inner.typer_instance, f"{words} {inner.typer_instance.info.name}")


def _command(words: str, function: Callable[..., Any]) -> Iterator[str]:
    yield from (f"## {words}", "", "```text", inspect.getdoc(function) or "", "```", "")
    parameters = _parameters(function)
    if not parameters:
        return
    yield from ("| argument or option | meaning | if left out |", "| --- | --- | --- |")
    last_panel = None
    for declared, annotation, default, panel in parameters:
        if panel != last_panel:
            yield f"| **{panel}** | | |"
        last_panel = panel
        yield _row(declared, annotation, default)
    yield ""


def _parameters(function: Callable[..., Any]) -> list[tuple[Any, Any, Any, str | None]]:
    """Declaration, type, default and panel of each parameter: those without a panel first, then panel by panel."""
    hints = typing.get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if not hasattr(hints[name], "__metadata__"):
            continue
        declared = hints[name].__metadata__[0]
        if not declared.hidden:
            found.append((name, declared, hints[name].__origin__, parameter.default, declared.rich_help_panel))
    panels = list(dict.fromkeys([None, *(panel for *_, panel in found)]))
    return [rest for panel in panels for _, *rest in found if rest[-1] == panel]


def _row(declared: Any, annotation: Any, default: Any) -> str:
    # In an annotation the first word of an option stands where a default stands otherwise.
    words = [word for word in (declared.default, *(declared.param_decls or ())) if isinstance(word, str)]
    if not words:
        words = [declared.metavar]
    elif annotation is not bool:
        words[-1] += " ..."
    kinds = [kind for kind in (annotation, *typing.get_args(annotation)) if isinstance(kind, type)]
    choices = [str(choice.value) for kind in kinds if issubclass(kind, Enum) for choice in kind]
    meaning = (declared.help or "") + (f" One of {', '.join(choices)}." if choices else "")
    return f"| {', '.join(f'`{word}`' for word in words)} | {meaning} | {_default(default)} |"


def _default(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    value = default.value if isinstance(default, Enum) else default
    return "" if value is None or value is False else f"`{value}`"


if __name__ == "__main__":
    marked_section.write(PAGE, SECTION, render())
