"""JSON Schemas on the command line: the schema itself, or a file that holds it."""

import json
from pathlib import Path
from typing import Any

from gesso.errors import SettingError


def read_schema(words: str) -> dict[str, Any] | bool:
    """Read the value of `--json-schema`: what begins with a brace is a schema, anything else names a file.

    Raises:
        SettingError: There is no such file, or it is not JSON, or no schema.
    """
    place, text = "--json-schema", words
    if not words.lstrip().startswith("{"):
        place = words
        try:
            text = Path(words).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            raise SettingError(
                f"--json-schema names {words}, which cannot be read ({error.strerror or error}); name a file, or give "
                "the schema itself"
            ) from error
        except UnicodeDecodeError as error:
            raise SettingError(f"{words} is not UTF-8 at byte {error.start}; convert it first") from error
    try:
        schema = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingError(f"{place}: not JSON ({error.msg} at character {error.pos}); correct it") from error
    if not isinstance(schema, dict | bool):
        raise SettingError(f"{place}: a schema is an object, true or false, and this is {text.strip()[:40]}")
    return schema
