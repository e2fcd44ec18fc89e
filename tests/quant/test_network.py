import pytest
import torch
from torch import nn

from gesso.errors import CheckpointError
from gesso.ops.gpu_kernels import GpuKernels
from gesso.quant.layers import QuantizedExperts, QuantizedLinear, QuantizedWeight
from gesso.quant.network import code_names, quantize_network, refuse_quantized, scheme_of
from gesso.quant.scheme import SCHEMES, FourBitIntegers, choose_scheme
from tests.tiny_model import tiny_network


def quantized(name):
    network = tiny_network()
    quantize_network(network, choose_scheme(name))
    return network


def widened(network):
    """An ordinary network of the same shape with the weights of a quantized one."""
    other = tiny_network(seed=1)
    modules = dict(network.named_modules())
    for name, weight in other.named_parameters():
        place = modules.get(name)
        weight.copy_(place.widen(torch.float32) if isinstance(place, QuantizedWeight) else network.get_parameter(name))
    return other


def outputs(network):
    generator = torch.Generator().manual_seed(0)
    text, canvas = (torch.randint(network.config.vocab_size, (2, length), generator=generator) for length in (9, 16))
    cache = network.new_cache(batch=2, max_len=16)
    hidden = network.encode(text, cache)
    logits = network.denoise(canvas, cache)
    return hidden, logits, network.denoise(canvas, cache, network.soft_embed(logits))


@pytest.mark.parametrize("name", SCHEMES)
def test_the_network_computes_what_it_would_with_widened_weights(name):
    network = quantized(name)
    with torch.no_grad():
        for ours, theirs in zip(outputs(network), outputs(widened(network)), strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_linear_maps_and_experts_are_quantized_and_nothing_else():
    network = quantized("int8")
    names = {name.removesuffix(".codes").removesuffix(".scale") for name in code_names(network)}
    whole = {name for name, _ in network.named_parameters()} - code_names(network)
    assert names | whole == {name for name, _ in tiny_network().named_parameters()}
    matrices = {name for name, weight in tiny_network().named_parameters() if weight.ndim > 1}
    assert matrices - names == {"embed_tokens.weight", "layers.0.router.proj.weight", "layers.1.router.proj.weight"}


def test_no_layer_is_left_out():
    network = quantized("int4")
    maps = [module for module in network.modules() if isinstance(module, nn.Linear)]
    assert len(maps) == 2, "the routers'"
    assert sum(isinstance(module, QuantizedExperts) for module in network.modules()) == 2
    # 7 of each layer, less the values that a full layer takes from its keys, and 3 of self-conditioning.
    assert sum(isinstance(module, QuantizedLinear) for module in network.modules()) == 2 * 7 - 1 + 3


def test_a_network_tells_its_scheme():
    network = tiny_network()
    assert scheme_of(network) is None
    quantize_network(network, FourBitIntegers(group_size=8))
    assert scheme_of(network) == FourBitIntegers(group_size=8)


def test_what_needs_whole_weights_is_refused_with_the_remedy():
    refuse_quantized(tiny_network(), "be trained")
    message = "quantized to fp8 cannot be trained; give the model that they were made from"
    with pytest.raises(CheckpointError, match=message):
        refuse_quantized(quantized("fp8"), "be trained")
    with pytest.raises(CheckpointError, match="cannot be quantized again"):
        quantize_network(quantized("int8"), choose_scheme("int8"))


def test_kernels_reach_quantized_experts():
    network = quantized("int8")
    kernels = GpuKernels(norm_rope=print, attend_canvas=print, mix_experts=print, read_head=print)
    network.use_kernels(kernels)
    assert all(module.kernels is kernels for module in network.modules() if isinstance(module, QuantizedExperts))
