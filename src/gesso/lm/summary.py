"""What can be said of a model without reading its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from gesso.checkpoint.generation_config import read_generation_config
from gesso.checkpoint.load import inspect_checkpoint, load_config, load_scheme
from gesso.checkpoint.report import LoadReport
from gesso.checkpoint.shards import INDEX_FILE, SINGLE_FILE
from gesso.model.config import ModelConfig
from gesso.model.network import Network
from gesso.quant.scheme import Scheme
from gesso.sampling.settings import SamplerSettings

# What a parameter belongs to, by a piece of its name. The first that fits is the one that counts.
_PARTS = (
    ("embed_tokens.", "embedding"),
    ("self_conditioning.", "self-conditioning"),
    ("norm", "norms and scalars"),
    ("scalar", "norms and scalars"),
    (".self_attn.", "attention"),
    (".mlp.", "dense feed-forward"),
    (".router.", "router"),
    (".experts.", "experts"),
)
EXPERTS = "experts"


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """A model as its configuration and the headers of its files describe it.

    Attributes:
        folder: Where it is.
        config: Shape of the network.
        sampler: Its own sampler settings.
        max_new_tokens: How long a text is unless asked otherwise.
        parameters: Parameters of the text network by part.
        report: The account of the weight files; None if the folder holds none.
        scheme: How the weights are quantized; None if they are not.
    """

    folder: Path
    config: ModelConfig
    sampler: SamplerSettings
    max_new_tokens: int
    parameters: Mapping[str, int]
    report: LoadReport | None
    scheme: Scheme | None

    @property
    def num_parameters(self) -> int:
        """Parameters of the text network."""
        return sum(self.parameters.values())

    @property
    def num_active_parameters(self) -> int:
        """Parameters that one token meets: all but the experts that are not chosen for it."""
        if not self.config.num_experts:
            return self.num_parameters
        idle = self.config.num_experts - self.config.top_k_experts
        return self.num_parameters - self.parameters[EXPERTS] * idle // self.config.num_experts

    @property
    def cached_elements_per_token(self) -> int:
        """Numbers that the cache keeps for each encoded position."""
        shapes = map(self.config.heads, range(self.config.num_layers))
        return sum(2 * heads * width for heads, width in shapes)


def summarize(folder: Path) -> ModelSummary:
    """Describe a model by its configuration and, where there are weights, by their headers. No weights are read.

    Raises:
        ConfigError: A JSON file is missing, broken, or of another kind of model.
        TensorError: The weights are not exactly those that the configuration asks for.
    """
    config = load_config(folder)
    defaults = read_generation_config(folder, config)
    has_weights = any((folder / name).is_file() for name in (SINGLE_FILE, INDEX_FILE))
    return ModelSummary(
        folder=folder,
        config=config,
        sampler=SamplerSettings.from_generation_config(defaults),
        max_new_tokens=defaults["max_new_tokens"],
        parameters=_count(config),
        report=inspect_checkpoint(folder) if has_weights else None,
        scheme=load_scheme(folder),
    )


def _count(config: ModelConfig) -> dict[str, int]:
    with torch.device("meta"):
        network = Network(config)
    counts: dict[str, int] = {}
    for name, parameter in network.named_parameters():
        part = next(part for piece, part in _PARTS if piece in name)
        counts[part] = counts.get(part, 0) + parameter.numel()
    return counts
