"""JSON files that hold one object, such as config.json."""

import json
from pathlib import Path
from typing import Any

from gesso.errors import ConfigError


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        ConfigError: The file is missing, cannot be read, is not JSON, or holds something else than an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path.parent} has no {path.name}; give a folder that holds a checkpoint") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); copy or download it again") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} is not JSON ({error}); copy or download it again") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds a JSON {type(value).__name__} where an object belongs; download it again")
    return value


def write_json_object(path: Path, value: dict[str, Any]) -> None:
    """Write one JSON object; equal objects make equal files."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
