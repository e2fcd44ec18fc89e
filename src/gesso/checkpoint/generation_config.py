"""`generation_config.json`: how its makers advise to sample from a model.

Advice that only Gesso can follow lies beside it in `gesso.json`: the reference refuses keys that it does not know.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gesso.checkpoint.json_file import read_json_object, write_json_object
from gesso.errors import ConfigError
from gesso.model.config import ModelConfig
from gesso.sampling.settings import OWN_SAMPLER_KEYS, SamplerSettings

GENERATION_CONFIG_FILE = "generation_config.json"
OWN_FILE = "gesso.json"
OWN_KEYS = OWN_SAMPLER_KEYS | {"mode", "about"}


def default_generation_config(config: ModelConfig) -> dict[str, Any]:
    """Values published with DiffusionGemma, with the special tokens of `config`."""
    return {
        **SamplerSettings().to_generation_config(),
        "max_new_tokens": 256,
        "eos_token_id": list(config.eos_token_ids),
        "pad_token_id": config.pad_token_id,
    }


def read_generation_config(folder: Path, config: ModelConfig) -> dict[str, Any]:
    """Read both files; a key that is absent or null has its published value, and so has every key if there is no file.

    Args:
        folder: The checkpoint's folder.
        config: The network's shape, whose end tokens stand in for a file that names none.

    Returns:
        The files' keys as they are, but `eos_token_id` always a list.

    Raises:
        ConfigError: A file is broken, its `eos_token_id` is not made of token ids, or gesso.json holds a foreign key.
    """
    path, own_path = folder / GENERATION_CONFIG_FILE, folder / OWN_FILE
    given = read_json_object(path) if path.exists() else {}
    own = read_json_object(own_path) if own_path.exists() else {}
    if foreign := sorted(own.keys() - OWN_KEYS):
        raise ConfigError(f"{own_path} holds {foreign[0]!r}; it may hold {', '.join(sorted(OWN_KEYS))}")
    given |= own
    values = default_generation_config(config) | {key: value for key, value in given.items() if value is not None}
    ids = values["eos_token_id"]
    ids = ids if isinstance(ids, list) else [ids]
    if not all(isinstance(i, int) and 0 <= i < config.vocab_size for i in ids):
        raise ConfigError(f"{path}: eos_token_id is {ids}; give token ids from 0 to {config.vocab_size - 1}")
    return values | {"eos_token_id": ids}


def write_generation_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write the file into `folder`, which must exist, and what is only Gesso's, if there is any, into another."""
    own = {key: value for key, value in values.items() if key in OWN_KEYS}
    published = {key: value for key, value in values.items() if key not in OWN_KEYS}
    write_json_object(folder / GENERATION_CONFIG_FILE, published)
    if own:
        write_json_object(folder / OWN_FILE, own)
