"""The names of tensors in a published checkpoint, and the network's names for the same tensors.

DiffusionGemma is published as an encoder and a decoder that share their weights. A shared weight is stored once, as the
decoder's; the encoder's own are only its layer scalars. Here the two are one stack, so one table of templates carries
every name over, in both directions.
"""

import re
from collections.abc import Iterable

_WILDCARDS = {"layer": r"[0-9]+", "projection": r"(?:gate|up|down)_proj", "rest": r".+"}

# Ours, and the file's. The first line that fits is the one that counts.
_TABLE = (
    ("layers.{layer}.encode_scalar", "model.encoder.language_model.layers.{layer}.layer_scalar"),
    ("layers.{layer}.denoise_scalar", "model.decoder.layers.{layer}.layer_scalar"),
    ("self_conditioning.feed_forward.{projection}.{rest}", "model.decoder.self_conditioning.{projection}.{rest}"),
    ("{rest}", "model.decoder.{rest}"),
)

# What some savers write although it repeats another tensor: the repetition, and what it repeats.
_TIED = (
    ("lm_head.weight", "model.decoder.embed_tokens.weight"),
    ("model.encoder.language_model.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
    ("model.encoder.language_model.norm.weight", "model.decoder.norm.weight"),
    ("model.encoder.language_model.layers.{layer}.{rest}", "model.decoder.layers.{layer}.{rest}"),
)

VISION_PREFIXES = ("model.encoder.vision_tower.", "model.encoder.embed_vision.")
"""Names of the image encoder's tensors begin with one of these."""


def file_name(parameter: str) -> str:
    """Name in a checkpoint file of one of the network's parameters."""
    name = _translate(parameter, _TO_FILE)
    assert name is not None, "the last line of the table fits every name"
    return name


def parameter_name(tensor: str) -> str | None:
    """Name in the network of a tensor in a checkpoint file, or None if no parameter is stored under that name."""
    parameter = _translate(tensor, _TO_OURS)
    return parameter if parameter is not None and file_name(parameter) == tensor else None


def repeated_name(tensor: str) -> str | None:
    """Name of the tensor that this one must repeat bit for bit because their weights are tied, or None."""
    return _translate(tensor, _TIES) if parameter_name(tensor) is None else None


def is_vision(tensor: str) -> bool:
    """Whether a tensor in a checkpoint file belongs to the image encoder."""
    return tensor.startswith(VISION_PREFIXES)


def list_few(names: Iterable[str]) -> str:
    """How many tensors, and up to three of them, for a message."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:3]) + (", ..." if len(ordered) > 3 else "")
    return f"{len(ordered)} tensor{'' if len(ordered) == 1 else 's'} ({shown})"


_Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(table: tuple[tuple[str, str], ...]) -> _Rules:
    return tuple((_pattern(source), target) for source, target in table)


def _pattern(template: str) -> re.Pattern[str]:
    literal, *rest = re.split(r"\{(\w+)\}", template)
    parts = [re.escape(literal)]
    for wildcard, literal in zip(rest[::2], rest[1::2], strict=True):
        parts.append(f"(?P<{wildcard}>{_WILDCARDS[wildcard]}){re.escape(literal)}")
    return re.compile("".join(parts))


def _translate(name: str, rules: _Rules) -> str | None:
    for pattern, target in rules:
        if match := pattern.fullmatch(name):
            return target.format(**match.groupdict())
    return None


_TO_FILE = _rules(_TABLE)
_TO_OURS = _rules(tuple((theirs, ours) for ours, theirs in _TABLE))
_TIES = _rules(_TIED)
