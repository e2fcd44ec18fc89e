"""The shape of a network, and the only reader and writer of `config.json`."""

from dataclasses import dataclass, field
from typing import Any, Literal

from gesso.errors import ConfigError

MODEL_TYPE = "diffusion_gemma"

LayerType = Literal["sliding_attention", "full_attention"]

# Keys of config.json that shape nothing here: book-keeping of other tools, or what generation_config.json repeats.
_BOOKKEEPING = {
    "architectures", "dtype", "torch_dtype", "transformers_version", "initializer_range", "attention_dropout",
    "use_cache", "model_type", "return_dict", "output_hidden_states", "output_attentions", "chunk_size_feed_forward",
    "is_encoder_decoder", "id2label", "label2id", "problem_type", "_name_or_path", "bos_token_id", "pad_token_id",
    "eos_token_id", "vision_soft_tokens_per_image",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Rope:
    """Rotary embedding of one kind of layer: base wavelength and the share of pairs that turn."""

    theta: float
    partial: float = 1.0

    def to_hf(self) -> dict[str, Any]:
        """One entry of `rope_parameters` in the published layout."""
        if self.partial == 1.0:
            return {"rope_type": "default", "rope_theta": self.theta}
        return {"rope_type": "proportional", "rope_theta": self.theta, "partial_rotary_factor": self.partial}


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that fixes the shape of a network. Field names are those of the published `config.json`.

    Attributes:
        vocab_size: V, the number of tokens.
        hidden_size: D, the model width.
        intermediate_size: F of the dense feed-forward and of self-conditioning.
        num_attention_heads: N, query heads of every layer.
        num_key_value_heads: K of sliding layers.
        num_global_key_value_heads: K of full layers.
        head_dim: H of sliding layers.
        global_head_dim: H of full layers.
        layer_types: The kind of each layer, first to last. The last is full.
        sliding_window: A sliding layer's query sees itself and this many positions less one before it.
        num_experts: E, or 0 for a network without a mixture of experts.
        top_k_experts: How many experts each token uses.
        moe_intermediate_size: F of each expert.
        sliding_rope: Rotary embedding of sliding layers.
        full_rope: Rotary embedding of full layers.
        final_logit_softcapping: Logits lie in (-this, this).
        canvas_length: C, positions denoised together.
        image_token_id: Placeholder of an image; with the two below, carried through for the file's sake.
        boi_token_id: Begin of image.
        eoi_token_id: End of image.
        vision: The `vision_config` of the file, untouched, or None.
        unused_keys: Keys of the file that mean nothing here; shown by `gesso info`.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    num_global_key_value_heads: int
    head_dim: int
    global_head_dim: int
    layer_types: tuple[LayerType, ...]
    sliding_window: int
    num_experts: int = 0
    top_k_experts: int = 0
    moe_intermediate_size: int = 0
    rms_norm_eps: float = 1e-6
    max_position_embeddings: int = 131_072
    sliding_rope: Rope = Rope(theta=10_000.0)
    full_rope: Rope = Rope(theta=1_000_000.0, partial=0.25)
    final_logit_softcapping: float = 30.0
    canvas_length: int = 256
    pad_token_id: int = 0
    bos_token_id: int | None = 2
    eos_token_ids: tuple[int, ...] = (1,)
    image_token_id: int | None = None
    boi_token_id: int | None = None
    eoi_token_id: int | None = None
    vision: dict[str, Any] | None = field(default=None, hash=False)
    unused_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (
            "vocab_size", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
            "num_global_key_value_heads", "head_dim", "global_head_dim", "canvas_length", "max_position_embeddings",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not self.layer_types or set(self.layer_types) - {"sliding_attention", "full_attention"}:
            raise ConfigError(
                f"layer_types is {self.layer_types}; each must be 'sliding_attention' or 'full_attention'"
            )
        if self.layer_types[-1] != "full_attention":
            raise ConfigError(f"the last of layer_types is {self.layer_types[-1]!r}; it must be 'full_attention'")
        for heads in (self.num_key_value_heads, self.num_global_key_value_heads):
            if self.num_attention_heads % heads:
                raise ConfigError(
                    f"{self.num_attention_heads} query heads cannot share {heads} key heads evenly; make it divide"
                )
        for width in (self.head_dim, self.global_head_dim):
            if width % 2:
                raise ConfigError(f"head width {width} is odd; rotary embedding turns pairs, so it must be even")
        if self.sliding_window < 2:
            raise ConfigError(f"sliding_window is {self.sliding_window}; it must be at least 2")
        if self.num_experts and not (0 < self.top_k_experts <= self.num_experts and self.moe_intermediate_size > 0):
            raise ConfigError(
                f"{self.num_experts} experts with top_k_experts {self.top_k_experts} and moe_intermediate_size "
                f"{self.moe_intermediate_size} make no mixture; choose 1 to {self.num_experts} of a positive size"
            )

    @property
    def num_layers(self) -> int:
        """Number of transformer layers."""
        return len(self.layer_types)

    def heads(self, layer: int) -> tuple[int, int]:
        """Key heads K and head width H of a layer."""
        if self.layer_types[layer] == "full_attention":
            return self.num_global_key_value_heads, self.global_head_dim
        return self.num_key_value_heads, self.head_dim

    @classmethod
    def from_hf(cls, raw: dict[str, Any]) -> "ModelConfig":
        """Read the contents of a published `config.json`.

        Raises:
            ConfigError: Another model type, a missing key, or a setting that this network does not compute.
        """
        if raw.get("model_type") != MODEL_TYPE:
            raise ConfigError(
                f"config.json has model_type {raw.get('model_type')!r}; Gesso runs {MODEL_TYPE!r} checkpoints only"
            )
        if not isinstance(raw.get("text_config"), dict):
            raise ConfigError("config.json has no text_config; the file is not a DiffusionGemma configuration")
        return _read(dict(raw), dict(raw["text_config"]))

    def to_hf(self) -> dict[str, Any]:
        """The contents of `config.json` in the published layout; `from_hf` reads it back to an equal config."""
        text = {
            "model_type": "diffusion_gemma_text",
            **{name: getattr(self, name) for name in _PLAIN_TEXT_KEYS},
            "layer_types": list(self.layer_types),
            "num_hidden_layers": self.num_layers,
            "num_experts": self.num_experts or None,
            "top_k_experts": self.top_k_experts or None,
            "moe_intermediate_size": self.moe_intermediate_size or None,
            "rope_parameters": {
                "sliding_attention": self.sliding_rope.to_hf(),
                "full_attention": self.full_rope.to_hf(),
            },
            "hidden_activation": "gelu_pytorch_tanh",
            "attention_bias": False,
            "use_bidirectional_attention": "vision",
            "tie_word_embeddings": True,
            "pad_token_id": self.pad_token_id,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": self.eos_token_ids[0],
        }
        return {
            "architectures": ["DiffusionGemmaForBlockDiffusion"],
            "model_type": MODEL_TYPE,
            "canvas_length": self.canvas_length,
            "image_token_id": self.image_token_id,
            "boi_token_id": self.boi_token_id,
            "eoi_token_id": self.eoi_token_id,
            "eos_token_id": list(self.eos_token_ids),
            "tie_word_embeddings": True,
            "text_config": text,
            "vision_config": self.vision,
        }


_PLAIN_TEXT_KEYS = (
    "vocab_size", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "num_global_key_value_heads", "head_dim", "global_head_dim", "sliding_window", "rms_norm_eps",
    "max_position_embeddings", "final_logit_softcapping",
)  # fmt: skip


def _read(top: dict[str, Any], text: dict[str, Any]) -> ModelConfig:
    """Take every key out of both dictionaries; what is left over is either book-keeping or unused."""
    _refuse_other_mathematics(text)
    if top.pop("tie_word_embeddings", True) is False or text.pop("tie_word_embeddings", True) is False:
        raise ConfigError("tie_word_embeddings is false; a DiffusionGemma network has one embedding for both ends")
    layer_types = _layer_types(text)
    overrides = text.pop("per_layer_config", None)
    if overrides is not None:
        text |= _full_layer_overrides(overrides, layer_types, text)
    text.setdefault("global_head_dim", 512)
    if text.get("num_global_key_value_heads") is None:
        text["num_global_key_value_heads"] = text.get("num_key_value_heads")
    rope = text.pop("rope_parameters", None) or {}
    eos = top.get("eos_token_id") or text.get("eos_token_id") or 1
    known = {
        "layer_types": layer_types,
        "sliding_rope": _rope(rope.get("sliding_attention"), default=Rope(theta=10_000.0)),
        "full_rope": _rope(rope.get("full_attention"), default=Rope(theta=1_000_000.0, partial=0.25)),
        "num_experts": text.pop("num_experts", None) or 0,
        "top_k_experts": text.pop("top_k_experts", None) or 0,
        "moe_intermediate_size": text.pop("moe_intermediate_size", None) or 0,
        "canvas_length": top.pop("canvas_length", None) or 256,
        "pad_token_id": text.get("pad_token_id") or 0,
        "bos_token_id": text.get("bos_token_id"),
        "eos_token_ids": tuple(eos) if isinstance(eos, list) else (eos,),
        "vision": top.pop("vision_config", None),
    }
    for name in ("image_token_id", "boi_token_id", "eoi_token_id"):
        known[name] = top.pop(name, None)
    text.setdefault("final_logit_softcapping", 30.0)
    text.setdefault("rms_norm_eps", 1e-6)
    missing = [name for name in _PLAIN_TEXT_KEYS if text.get(name) is None]
    if missing:
        raise ConfigError(f"config.json lacks text_config.{missing[0]}; the file is incomplete")
    known |= {name: text.pop(name) for name in _PLAIN_TEXT_KEYS}
    top.pop("text_config")
    unused = sorted((set(top) | {f"text_config.{key}" for key in set(text) - _BOOKKEEPING}) - _BOOKKEEPING)
    return ModelConfig(**known, unused_keys=tuple(unused))


def _refuse_other_mathematics(text: dict[str, Any]) -> None:
    for key, computed in (("hidden_activation", "gelu_pytorch_tanh"), ("attention_bias", False)):
        if text.pop(key, computed) != computed:
            raise ConfigError(f"text_config.{key} is not {computed!r}; this network computes no other")
    bidirectional = text.pop("use_bidirectional_attention", None)
    if bidirectional not in (None, "vision"):
        raise ConfigError(
            f"text_config.use_bidirectional_attention is {bidirectional!r}; encoding text is causal here, so it must "
            "be 'vision' or null"
        )


def _layer_types(text: dict[str, Any]) -> tuple[LayerType, ...]:
    given, count = text.pop("layer_types", None), text.pop("num_hidden_layers", None)
    if given is None:
        if count is None:
            raise ConfigError("config.json lacks text_config.num_hidden_layers; the file is incomplete")
        given = ["full_attention" if (i + 1) % 6 == 0 or i == count - 1 else "sliding_attention" for i in range(count)]
    if count is not None and len(given) != count:
        raise ConfigError(f"layer_types names {len(given)} layers but num_hidden_layers is {count}; make them agree")
    return tuple(given)


def _full_layer_overrides(
    overrides: dict[str, Any], layer_types: tuple[LayerType, ...], text: dict[str, Any]
) -> dict[str, int]:
    """Newer files give head shapes layer by layer; the full layers must agree and the sliding ones have none.

    What is as in the other layers is left out, and so are layers that differ in nothing.
    """
    names = {"head_dim": "global_head_dim", "num_key_value_heads": "num_global_key_value_heads"}
    inherited = {full_name: text.get(name) for name, full_name in names.items()}
    if not overrides:
        return inherited
    full = {str(i) for i, kind in enumerate(layer_types) if kind == "full_attention"}
    shapes = {tuple(sorted(shape.items())) for shape in overrides.values()}
    if set(map(str, overrides)) != full or len(shapes) != 1:
        raise ConfigError(
            f"per_layer_config gives {len(shapes)} shapes for layers {sorted(overrides)}; Gesso runs networks whose "
            "full layers share one shape and whose sliding layers share another"
        )
    shape = dict(shapes.pop())
    names = {"head_dim": "global_head_dim", "num_key_value_heads": "num_global_key_value_heads"}
    surplus = set(shape) - set(names)
    if surplus:
        raise ConfigError(f"per_layer_config sets {sorted(surplus)}; only {sorted(names)} may differ between layers")
    return inherited | {names[key]: value for key, value in shape.items()}


def _rope(raw: dict[str, Any] | None, default: Rope) -> Rope:
    if raw is None:
        return default
    kind = raw.get("rope_type", "default")
    partial = raw.get("partial_rotary_factor", 1.0)
    if kind not in ("default", "proportional") or (kind == "default" and partial != 1.0) or raw.get("factor", 1.0) != 1:
        raise ConfigError(
            f"rope_parameters {raw} are not supported; use rope_type 'default', or 'proportional' with a "
            "partial_rotary_factor, and no scaling factor"
        )
    return Rope(theta=float(raw["rope_theta"]), partial=float(partial))
