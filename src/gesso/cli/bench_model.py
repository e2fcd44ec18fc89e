"""The model that a command of `gesso bench` measures."""

from typing import Any

import torch

from gesso.bench.random_models import as_loadable
from gesso.cli.loading import load_model
from gesso.lm.language_model import LanguageModel


def load_measured(model: str, **words: Any) -> LanguageModel:
    """Load a model, or random weights in a shape.

    Args:
        model: As the command's argument.
        **words: Keywords of `load_model`.

    Raises:
        CheckpointError: There is no such model, or its files cannot be used.
        SettingError: A setting is none of this computer.
    """
    with as_loadable(model) as name:
        return load_model(name, **words)


def facts_of(lm: LanguageModel) -> dict[str, Any]:
    """What a record tells of how the weights are held."""
    network = lm.network
    return {
        "dtype": str(network.dtype).removeprefix("torch."),
        "device": str(network.device),
        "threads": torch.get_num_threads(),
    }
