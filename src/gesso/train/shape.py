"""The shape of a new network, scaled from one that is known to work."""

from dataclasses import replace

from gesso.checkpoint.vision import minimal_vision_config
from gesso.errors import SettingError
from gesso.model.config import ModelConfig
from gesso.text.tokenizer import Tokenizer


def scaled_shape(
    pattern: ModelConfig,
    tokenizer: Tokenizer,
    *,
    width: int | None = None,
    layers: int | None = None,
    canvas_length: int | None = None,
) -> ModelConfig:
    """A shape like another's, for the vocabulary of a tokenizer.

    Wider means more heads of the same width and inner widths in proportion; more layers repeat the pattern of sliding
    and full ones, and the last is full.

    Args:
        pattern: What is scaled.
        tokenizer: Gives the vocabulary and the special tokens.
        width: D; None for the pattern's, as all below.
        layers: Number of layers.
        canvas_length: C.

    Raises:
        SettingError: A size is below 1, or the width does not divide into heads.
        ConfigError: The sizes make no network.
    """
    for name, size in (("width", width), ("number of layers", layers), ("canvas length", canvas_length)):
        if size is not None and size < 1:
            raise SettingError(f"the {name} is {size}; give at least 1")
    width = pattern.hidden_size if width is None else width
    layers = pattern.num_layers if layers is None else layers
    ratio = width / pattern.hidden_size
    num_heads = round(pattern.num_attention_heads * ratio)
    sharing = max(pattern.num_key_value_heads, pattern.num_global_key_value_heads)
    if num_heads < 1 or num_heads % sharing:
        per_group = pattern.hidden_size * sharing / pattern.num_attention_heads
        raise SettingError(f"a width of {width} does not divide into heads; give a multiple of {per_group:g}")
    kinds = (pattern.layer_types * layers)[:layers]
    stop_tokens = ("<eos>", "<turn|>", "<|tool_response>")
    return replace(
        pattern,
        vocab_size=tokenizer.vocab_size,
        hidden_size=width,
        intermediate_size=round(pattern.intermediate_size * ratio),
        moe_intermediate_size=round(pattern.moe_intermediate_size * ratio),
        num_attention_heads=num_heads,
        layer_types=(*kinds[:-1], "full_attention"),
        canvas_length=pattern.canvas_length if canvas_length is None else canvas_length,
        pad_token_id=tokenizer.pad_id,
        bos_token_id=tokenizer.bos_id,
        eos_token_ids=tuple(dict.fromkeys((tokenizer.eos_id, *(tokenizer.token_id(text) for text in stop_tokens)))),
        image_token_id=tokenizer.token_id("<|image|>"),
        boi_token_id=tokenizer.token_id("<|image>"),
        eoi_token_id=tokenizer.token_id("<image|>"),
        vision=minimal_vision_config(),
        unused_keys=(),
    )
