"""Weights in few bits: a code for each weight, and a scale for each group of weights of one output.

A weight is its code times the scale of its group. The scale is the largest magnitude of the group divided by the
largest code, so zero stays zero and nothing is cut off. It is rounded to bfloat16 before the codes are chosen: a code
times a scale is then exact in float32, and quantizing what was quantized changes nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, get_args, runtime_checkable

import torch
from jaxtyping import BFloat16, Float, Float32, Int8, Integer, UInt8
from torch import Tensor

from gesso.errors import ConfigError, SettingError

SchemeName = Literal["int8", "int4", "fp8"]
"""What users call a scheme."""

METHOD = "gesso"
"""Tells a `quantization_config` that Gesso wrote from those of others."""


@runtime_checkable
class Scheme(Protocol):
    """How numbers become codes, and which of them share a scale.

    Attributes:
        name: What users call it.
        largest: The largest code.
        number: Dtype as which a stored code is a number of its own, for kernels; None where codes are packed.
    """

    name: ClassVar[SchemeName]
    largest: ClassVar[int]
    number: ClassVar[torch.dtype | None]

    def num_groups(self, width: int) -> int:
        """How many groups the inputs of one output are divided into, all of one size."""
        ...

    def encode(self, values: Float32[Tensor, "*O I"]) -> Integer[Tensor, "*O P"]:
        """The codes nearest to numbers of magnitude `largest` at most."""
        ...

    def decode(self, codes: Integer[Tensor, "*O P"]) -> BFloat16[Tensor, "*O I"]:
        """Codes as numbers, which bfloat16 holds exactly; a new tensor."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EightBitIntegers:
    """Whole numbers from -127 to 127, one scale for each output."""

    name: ClassVar[SchemeName] = "int8"
    largest: ClassVar[int] = 127
    number: ClassVar[torch.dtype | None] = torch.int8

    def num_groups(self, width: int) -> int:
        """All inputs share a scale."""
        return 1

    def encode(self, values: Float32[Tensor, "*O I"]) -> Int8[Tensor, "*O I"]:
        """Round to whole numbers."""
        return values.round().to(torch.int8)

    def decode(self, codes: Int8[Tensor, "*O I"]) -> BFloat16[Tensor, "*O I"]:
        """The whole numbers."""
        return codes.to(torch.bfloat16)


@dataclass(frozen=True, kw_only=True, slots=True)
class FourBitIntegers:
    """Whole numbers from -7 to 7, two in a byte, one scale for each group of inputs of one output.

    A byte holds a code of the first half of the inputs in its low bits, and its partner of the second half above it.

    Attributes:
        group_size: Most inputs that share a scale. Where it does not divide a layer's inputs, the largest number that
            divides both does.
    """

    group_size: int = 32
    name: ClassVar[SchemeName] = "int4"
    largest: ClassVar[int] = 7
    number: ClassVar[torch.dtype | None] = None

    def __post_init__(self) -> None:
        if not isinstance(self.group_size, int) or self.group_size < 1:
            raise SettingError(f"group_size is {self.group_size!r}; give a whole number of at least 1, such as 32")

    def num_groups(self, width: int) -> int:
        """Groups of `group_size` inputs, or of a divisor of it.

        Raises:
            SettingError: The inputs are odd in number, and do not fill whole bytes.
        """
        if width % 2:
            raise SettingError(f"int4 packs two weights in a byte and a layer has {width} inputs; choose int8 or fp8")
        return width // math.gcd(width, self.group_size)

    def encode(self, values: Float32[Tensor, "*O I"]) -> UInt8[Tensor, "*O P"]:
        """Round to whole numbers, and pack the two halves into one."""
        low, high = values.round().to(torch.int8).chunk(2, dim=-1)
        return (low & 15 | high << 4).view(torch.uint8)

    def decode(self, codes: UInt8[Tensor, "*O P"]) -> BFloat16[Tensor, "*O I"]:
        """The whole numbers: a shift to the right keeps the sign."""
        pairs = codes.view(torch.int8)
        return torch.cat([pairs << 4 >> 4, pairs >> 4], dim=-1).to(torch.bfloat16)


@dataclass(frozen=True, kw_only=True, slots=True)
class EightBitFloats:
    """Floating-point numbers with four bits of exponent and three of mantissa (e4m3fn), one scale for each output.

    Their bits are held as uint8: a network whose dtype is changed converts its floating-point tensors, and codes must
    stay what they are.
    """

    name: ClassVar[SchemeName] = "fp8"
    largest: ClassVar[int] = 448
    number: ClassVar[torch.dtype | None] = torch.float8_e4m3fn

    def num_groups(self, width: int) -> int:
        """All inputs share a scale."""
        return 1

    def encode(self, values: Float32[Tensor, "*O I"]) -> UInt8[Tensor, "*O I"]:
        """Round to numbers of eight bits."""
        return values.to(torch.float8_e4m3fn).view(torch.uint8)

    def decode(self, codes: UInt8[Tensor, "*O I"]) -> BFloat16[Tensor, "*O I"]:
        """The numbers.

        The bits are moved to where bfloat16 has its sign, exponent and mantissa, and the exponents' different zeros (7
        and 127) made up for: on a CPU some twenty times as fast as torch's own conversion.
        """
        bits = codes.view(torch.int8).to(torch.int16).mul_(16).bitwise_and_(-0x7810)
        return bits.view(torch.bfloat16).mul_(2.0**120)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizedTensor:
    """Weights in few bits, with as many leading dimensions as the weights had.

    Attributes:
        scheme: How to read the codes.
        codes: A code for each weight, or for two.
        scale: What the codes of each group are multiplied by.
    """

    scheme: Scheme
    codes: Integer[Tensor, "*O P"]
    scale: Float[Tensor, "*O G"]

    def dequantize(self, dtype: torch.dtype = torch.float32) -> Float[Tensor, "*O I"]:
        """The weights again: exact in float32 and float64, rounded in narrower dtypes."""
        # float16 lacks the small numbers that scales are.
        product = torch.float32 if dtype == torch.float16 else dtype
        values = self.scheme.decode(self.codes).to(product).unflatten(-1, (self.scale.shape[-1], -1))
        return values.mul_(self.scale.to(product)[..., None]).flatten(-2).to(dtype)


def quantize(weight: Float[Tensor, "*O I"], scheme: Scheme) -> QuantizedTensor:
    """Choose scales and the nearest codes.

    A weight that is not a number, or not finite, makes its group's scale so too, and thereby all that is computed with
    it.

    Args:
        weight: Inputs along the last dimension.
        scheme: How.

    Raises:
        SettingError: The scheme does not fit the width.
    """
    values = weight.to(torch.float32, copy=True).unflatten(-1, (scheme.num_groups(weight.shape[-1]), -1))
    largest = torch.maximum(values.amax(-1), -values.amin(-1))
    scale = (largest / scheme.largest).to(torch.bfloat16)
    # Nothing but zeros, or next to nothing: their codes are zero under any scale that one can divide by.
    scale = torch.where(scale < torch.finfo(torch.bfloat16).tiny, torch.ones_like(scale), scale)
    values = values.div_(scale[..., None]).clamp_(-scheme.largest, scheme.largest)
    return QuantizedTensor(scheme=scheme, codes=scheme.encode(values.flatten(-2)), scale=scale)


SCHEMES: Mapping[str, type[EightBitIntegers | FourBitIntegers | EightBitFloats]] = {
    scheme.name: scheme for scheme in (EightBitIntegers, FourBitIntegers, EightBitFloats)
}


def choose_scheme(name: str) -> Scheme:
    """The scheme of a name, with its usual group size.

    Raises:
        SettingError: There is no such scheme.
    """
    if name not in SCHEMES:
        raise SettingError(f"there is no quantization to {name!r}; choose from {', '.join(get_args(SchemeName))}")
    return SCHEMES[name]()


def scheme_to_config(scheme: Scheme) -> dict[str, Any]:
    """What a checkpoint's config.json says of a scheme, under `quantization_config`."""
    group = {"group_size": scheme.group_size} if isinstance(scheme, FourBitIntegers) else {}
    return {"quant_method": METHOD, "scheme": scheme.name, **group}


def scheme_from_config(config: Mapping[str, Any]) -> Scheme:
    """Read what `scheme_to_config` wrote.

    Raises:
        ConfigError: Another program wrote it, or it names no scheme that is known here.
    """
    rest = dict(config)
    if (method := rest.pop("quant_method", None)) != METHOD:
        raise ConfigError(
            f"quantization_config has quant_method {method!r} and only {METHOD!r} can be read; load the model that is "
            "not quantized, and quantize it here"
        )
    try:
        return SCHEMES[rest.pop("scheme")](**rest)
    except (KeyError, TypeError, SettingError) as error:
        raise ConfigError(
            f"quantization_config is {dict(config)}, which is no scheme known here ({error}); quantize the model again"
        ) from error
