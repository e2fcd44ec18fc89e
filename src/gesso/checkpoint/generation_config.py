"""`generation_config.json`: how its makers advise to sample from a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gesso.checkpoint.json_file import read_json_object, write_json_object
from gesso.errors import ConfigError
from gesso.model.config import ModelConfig
from gesso.sampling.settings import SamplerSettings

GENERATION_CONFIG_FILE = "generation_config.json"


def default_generation_config(config: ModelConfig) -> dict[str, Any]:
    """Values published with DiffusionGemma, with the special tokens of `config`."""
    return {
        **SamplerSettings().to_generation_config(),
        "max_new_tokens": 256,
        "eos_token_id": list(config.eos_token_ids),
        "pad_token_id": config.pad_token_id,
    }


def read_generation_config(folder: Path, config: ModelConfig) -> dict[str, Any]:
    """Read the file; a key that is absent or null has its published value, and so has every key if there is no file.

    Args:
        folder: The checkpoint's folder.
        config: The network's shape, whose end tokens stand in for a file that names none.

    Returns:
        The file's keys as they are, but `eos_token_id` always a list.

    Raises:
        ConfigError: The file is broken, or its `eos_token_id` is not made of token ids.
    """
    path = folder / GENERATION_CONFIG_FILE
    given = read_json_object(path) if path.exists() else {}
    values = default_generation_config(config) | {key: value for key, value in given.items() if value is not None}
    ids = values["eos_token_id"]
    ids = ids if isinstance(ids, list) else [ids]
    if not all(isinstance(i, int) and 0 <= i < config.vocab_size for i in ids):
        raise ConfigError(f"{path}: eos_token_id is {ids}; give token ids from 0 to {config.vocab_size - 1}")
    return values | {"eos_token_id": ids}


def write_generation_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write the file into `folder`, which must exist."""
    write_json_object(folder / GENERATION_CONFIG_FILE, dict(values))
