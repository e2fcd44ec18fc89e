"""`gesso generate --input`: a text for each line of a JSONL file, a line for each text in another.

The lines of the output are in the order of the input, and each is written whole. So what is there after a kill says how
far the work has come: the same command goes on behind it, and nothing is lost or done twice.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from gesso.cli.output import as_json, remark
from gesso.errors import InputError, OutputError, PromptError
from gesso.lm.language_model import LanguageModel
from gesso.lm.together import write_together
from gesso.lm.writing import Writing

_WHOLE, _NUMBER = (int,), (int, float)
_KINDS: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "messages": (list,),
    "id": (str, int),
    "max_new_tokens": _WHOLE,
    "seed": _WHOLE,
    "steps": _WHOLE,
    "stability": _WHOLE,
    "temperature": _NUMBER,
    "t_max": _NUMBER,
    "t_min": _NUMBER,
    "entropy_bound": _NUMBER,
    "reach": _WHOLE,
    "confidence": _NUMBER,
    "sampler": (str,),
    "mode": (str,),
    "patience": _WHOLE,
    "slide": _WHOLE,
    "top_k": _WHOLE,
    "top_p": _NUMBER,
    "min_p": _NUMBER,
    "presence_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "repetition_penalty": _NUMBER,
    "draft": (str,),
    "draft_noise": _NUMBER,
    "stop": (str, list),
}
"""Keys that a line may have, and what their values are."""


def write_batch(
    lm: LanguageModel,
    source: Path,
    output: Path,
    *,
    settings: dict[str, Any],
    chat: bool = False,
    system: str | None = None,
    quiet: bool = False,
) -> bool:
    """Write a text for each line of `source` that `output` does not answer yet.

    Args:
        lm: What writes.
        source: A JSON object a line, with "prompt" or "messages", and if wanted an "id" and settings of its own.
        output: Where the texts go, a JSON object a line; it is made, or gone on with.
        settings: Keywords of `LanguageModel.start` for lines that have none of their own.
        chat: Answer prompts as a user's messages.
        system: Message that stands before them.
        quiet: Say nothing on standard error.

    Returns:
        Whether all is written; False after Ctrl-C.

    Raises:
        InputError: A line cannot be used; found before anything is written.
        OutputError: The output answers another input, or cannot be written.
    """
    lines = _read_lines(source)
    asked = [_keywords(line, settings, chat=chat, system=system) for line in lines]
    for number, keywords in enumerate(asked, 1):
        try:
            lm.start(**keywords)
        except InputError as error:
            raise type(error)(f"{source}:{number}: {error}") from error
    num_done, num_bytes = _written_already(output, lines, source)
    started, num_tokens, num_written = time.perf_counter(), 0, 0
    writings = write_together(
        (lm.start(**keywords) for keywords in asked[num_done:]), ahead=2 * lm.engine_settings.max_rows
    )
    console = Console(stderr=True)
    shown = track(
        writings,
        "Writing",
        total=len(lines),
        completed=num_done,
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    try:
        with output.open("ab") as file:
            file.truncate(num_bytes)
            for writing in shown:
                number = num_done + num_written + 1
                record = {"line": number, "input": lines[number - 1], **_facts(writing, lm.name)}
                file.write(f"{as_json(record)}\n".encode("utf-8", "surrogatepass"))  # as an id may hold
                file.flush()
                os.fsync(file.fileno())
                num_written += 1
                num_tokens += len(writing.token_ids)
    except OSError as error:
        raise OutputError(f"{output} cannot be written ({error.strerror or error}); choose another place") from error
    except KeyboardInterrupt:
        remark(f"stopped after {num_done + num_written} of {len(lines)} texts; the same command goes on")
        return False
    if not quiet:
        rate = num_tokens / (time.perf_counter() - started)
        earlier = f", {num_done} were there already" if num_done else ""
        remark(f"{num_written} texts of {num_tokens} tokens at {rate:.0f} tokens/s in {output}{earlier}")
    return True


def _read_lines(source: Path) -> list[dict[str, Any]]:
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(f"{source} cannot be read ({error.strerror or error}); name a JSONL file") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{source} is not UTF-8 at byte {error.start}; convert it first") from error
    if not text.strip():
        raise PromptError(f"{source} is empty; give a JSON object with a prompt on each line")
    lines = text.removesuffix("\n").split("\n")  # other line breaks may stand in a JSON string as they are
    return [_read_line(line, f"{source}:{number}") for number, line in enumerate(lines, 1)]


def _read_line(text: str, place: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except json.JSONDecodeError as error:
        raise PromptError(f"{place}: not JSON ({error.msg} at character {error.pos}); give an object a line") from error
    if not isinstance(line, dict) or ("prompt" in line) == ("messages" in line):
        raise PromptError(f'{place}: give an object with either "prompt" or "messages"')
    for key, value in line.items():
        if key not in _KINDS:
            raise PromptError(f"{place}: the key {key!r} means nothing here; use {', '.join(_KINDS)}")
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool):
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise PromptError(f"{place}: {key} is {value!r}; give it as {kinds}")
    if not all(isinstance(one, str) for one in line.get("stop", ())):
        raise PromptError(f"{place}: stop is {line['stop']!r}; give a string or a list of strings")
    return line


def _keywords(line: dict[str, Any], settings: dict[str, Any], *, chat: bool, system: str | None) -> dict[str, Any]:
    own = {key: value for key, value in line.items() if key not in ("prompt", "messages", "id")}
    prompt = line.get("messages", line.get("prompt"))
    first = [] if system is None else [{"role": "system", "content": system}]
    if "messages" in line:
        prompt = [*first, *prompt]
    elif chat:
        prompt = [*first, {"role": "user", "content": prompt}]
    return {"prompt": prompt, **settings, **own}


def _written_already(output: Path, lines: list[dict[str, Any]], source: Path) -> tuple[int, int]:
    """Lines of the output that are whole and answer the input, and the bytes that they take."""
    data = output.read_bytes() if output.exists() else b""
    whole, newline, rest = data.rpartition(b"\n")
    records = whole.split(b"\n") if newline else []
    for number, record in enumerate(records, 1):
        if number > len(lines) or _answered(record) != lines[number - 1]:
            raise OutputError(f"{output}:{number} does not answer {source}:{number}; choose another output")
    begun = f'{{"line": {len(records) + 1}, '.encode()
    if not (rest.startswith(begun) or begun.startswith(rest)):
        raise OutputError(f"{output} does not end with a line of this command; choose another output")
    return len(records), len(data) - len(rest)


def _answered(record: bytes) -> object:
    try:
        found = json.loads(record)
    except ValueError:
        return None
    return found.get("input") if isinstance(found, dict) else None


def _facts(writing: Writing, model: str) -> dict[str, Any]:
    result = writing.result()
    thought = {} if result.message is None else {"thought": result.message.thought}
    return {
        "text": writing.answer,
        **thought,
        "token_ids": list(result.token_ids),
        "finish_reason": result.finish_reason,
        "steps": result.steps,
        "seed": result.seed,
        "prompt_tokens": result.prompt_tokens,
        "model": model,
    }
