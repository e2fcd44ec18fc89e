import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gesso.errors import ConfigError, SettingError
from gesso.quant.scheme import (
    EightBitFloats,
    EightBitIntegers,
    FourBitIntegers,
    choose_scheme,
    quantize,
    scheme_from_config,
    scheme_to_config,
)

SCHEMES = [EightBitIntegers(), FourBitIntegers(), FourBitIntegers(group_size=4), EightBitFloats()]
NAMES = [scheme.name for scheme in SCHEMES]

weights = st.tuples(
    st.integers(0, 2**32), st.sampled_from([(2,), (3, 24), (2, 5, 8)]), st.sampled_from([1e-42, 1e-30, 0.02, 1.0, 1e30])
)


def drawn(seed, shape, size):
    """Weights of very different magnitudes, with zeros among them."""
    generator = torch.Generator().manual_seed(seed)
    weight = size * torch.randn(shape, generator=generator) ** 3
    return weight * (torch.rand(shape, generator=generator) < 0.8)


def half_steps(scheme, scaled):
    """Half the distance between the two codes around each number, in units of the scale."""
    if scheme.name != "fp8":
        return torch.full_like(scaled, 0.5)
    exponent = scaled.abs().clamp(min=2.0**-6).log2().floor()
    return 2.0 ** (exponent - 3) / 2


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
@given(weights)
def test_no_weight_is_off_by_more_than_half_a_step(scheme, drawing):
    weight = drawn(*drawing)
    quantized = quantize(weight, scheme)
    scale = quantized.scale.float().repeat_interleave(weight.shape[-1] // quantized.scale.shape[-1], dim=-1)
    error = (quantized.dequantize() - weight).abs() / scale
    assert (error <= half_steps(scheme, weight / scale) * (1 + 1e-5)).all()


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
@given(weights)
def test_what_was_quantized_is_quantized_to_itself(scheme, drawing):
    first = quantize(drawn(*drawing), scheme)
    second = quantize(first.dequantize(), scheme)
    assert torch.equal(first.codes, second.codes)
    assert torch.equal(first.scale, second.scale)


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
def test_every_code_is_the_code_of_its_number(scheme):
    values = torch.arange(-scheme.largest, scheme.largest + 1).float()
    if scheme.name == "fp8":
        values = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).float()
        values = values[values.isfinite()]
    pairs = torch.cartesian_prod(values, values)
    assert torch.equal(scheme.decode(scheme.encode(pairs)).float(), pairs)


def test_eight_bit_floats_are_those_of_torch():
    codes = torch.arange(256, dtype=torch.uint8)
    theirs = codes.view(torch.float8_e4m3fn).float()
    ours = EightBitFloats().decode(codes).float()
    assert torch.equal(ours[theirs.isfinite()], theirs[theirs.isfinite()])


@pytest.mark.parametrize(
    ("scheme", "bits"),
    [(EightBitIntegers(), 8 + 16 / 512), (FourBitIntegers(), 4.5), (EightBitFloats(), 8 + 16 / 512)],
)
def test_a_weight_takes_so_many_bits(scheme, bits):
    quantized = quantize(torch.randn(6, 512), scheme)
    assert 8 * (quantized.codes.nbytes + quantized.scale.nbytes) == bits * 6 * 512


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_dtypes_get_the_exact_weight_rounded(scheme, dtype):
    quantized = quantize(1e-3 * torch.randn(4, 64), scheme)
    assert torch.equal(quantized.dequantize(dtype), quantized.dequantize().to(dtype))


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_a_broken_weight_stays_visible_and_spoils_its_group_alone(scheme, broken):
    weight = torch.randn(2, 8)
    weight[1, 3] = broken
    back = quantize(weight, scheme).dequantize()
    assert back[0].isfinite().all()
    assert not back[1, 3].isfinite()


def test_a_group_size_that_does_not_divide_the_inputs_gives_way():
    assert quantize(torch.randn(3, 24), FourBitIntegers(group_size=32)).scale.shape == (3, 3)
    assert quantize(torch.randn(3, 704), FourBitIntegers(group_size=32)).scale.shape == (3, 22)


def test_an_odd_number_of_inputs_is_refused_where_two_share_a_byte():
    with pytest.raises(SettingError, match="a layer has 7 inputs; choose int8 or fp8"):
        quantize(torch.randn(3, 7), FourBitIntegers())


@pytest.mark.parametrize("scheme", SCHEMES, ids=NAMES)
def test_a_scheme_is_read_as_it_was_written(scheme):
    assert scheme_from_config(scheme_to_config(scheme)) == scheme


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"quant_method": "bitsandbytes"}, "quant_method 'bitsandbytes' and only 'gesso' can be read"),
        ({}, "quant_method None"),
        ({"quant_method": "gesso"}, "no scheme known here"),
        ({"quant_method": "gesso", "scheme": "int3"}, "no scheme known here"),
        ({"quant_method": "gesso", "scheme": "int8", "group_size": 4}, "no scheme known here"),
        ({"quant_method": "gesso", "scheme": "int4", "group_size": 0}, "group_size is 0; give a whole number"),
        ({"quant_method": "gesso", "scheme": "int4", "group_size": 2.5}, "group_size"),
    ],
)
def test_another_configuration_is_refused(config, message):
    with pytest.raises(ConfigError, match=message):
        scheme_from_config(config)


def test_a_scheme_has_a_name():
    assert choose_scheme("int4") == FourBitIntegers()
    with pytest.raises(SettingError, match="no quantization to 'int3'; choose from int8, int4, fp8"):
        choose_scheme("int3")
