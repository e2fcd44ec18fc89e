"""From a model's name to a language model."""

import os
import shutil
from pathlib import Path
from typing import cast

import torch

from gesso.checkpoint.adapter import load_adapter, merge_adapter
from gesso.checkpoint.generation_config import OWN_FILE, read_generation_config
from gesso.checkpoint.hub import BUNDLED, resolve
from gesso.checkpoint.load import Progress, load_network
from gesso.engine.request import MODES, Mode
from gesso.errors import ConfigError, SettingError
from gesso.lm.about import About
from gesso.lm.language_model import LanguageModel
from gesso.ops.allocator import keep_freed_memory
from gesso.ops.gpu_kernels import KernelChoice, choose_kernels
from gesso.quant.network import quantize_network
from gesso.quant.scheme import SchemeName, choose_scheme
from gesso.sampling.settings import SamplerSettings
from gesso.text.chat import ChatTemplate
from gesso.text.tokenizer import Tokenizer


def load(
    model: str | Path | None = None,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    kernels: KernelChoice = "plain",
    quantize: SchemeName | None = None,
    revision: str | None = None,
    offline: bool = False,
    adapter: str | Path | None = None,
    compile: bool = False,
    progress: Progress | None = None,
) -> LanguageModel:
    """Load a language model.

    Args:
        model: None or "bundled" for the model that comes with the package, which needs no network; a folder in the
            published layout; or a hub id such as "google/diffusiongemma-26B-A4B-it".
        dtype: Dtype of the weights; None for that of the file.
        device: Where the network runs.
        kernels: "plain" for plain torch everywhere, "auto" for Triton kernels on a GPU where triton is installed,
            "triton" for kernels or an error.
        quantize: Hold linear maps and experts in few bits: "int8", "int4" or "fp8". None as they are stored.
        revision: Branch, tag or commit of a hub id.
        offline: Download nothing.
        adapter: Folder of a LoRA in peft's format, which is merged into the weights before they are quantized.
        compile: Let torch compile the denoising steps. The first ones then take as long as the compiler does, half a
            minute or more, and it needs a C++ compiler; what it made is kept on disk for the next process.
        progress: Told bytes read and bytes in all, as weights are read.

    Raises:
        ModelNotFoundError: There is no such model.
        ConfigError: A JSON file of the model is missing, broken, or of another kind.
        TensorError: The weights, or those of the adapter, are not exactly those that the configuration asks for.
        CheckpointError: The adapter was trained on other weights, or those are quantized already.
        SettingError: This computer has no such device, kernels or a compiler cannot run on it, or the weights are
            quantized in another way.
    """
    _check_device(device)
    gpu_kernels = choose_kernels(kernels, device)
    if compile:
        _check_compiler(device, has_kernels=gpu_kernels is not None)
    folder = resolve(model, revision=revision, offline=offline)
    tokenizer = Tokenizer.load(folder)
    at_once = quantize if adapter is None else None
    network = load_network(folder, dtype=dtype, device=device, quantize=at_once, progress=progress)
    if tokenizer.vocab_size > network.config.vocab_size:
        raise ConfigError(
            f"{folder}: the tokenizer has {tokenizer.vocab_size} tokens and the network {network.config.vocab_size}; "
            "they belong to different models"
        )
    if adapter is not None:
        merge_adapter(network, load_adapter(Path(adapter).expanduser(), network))
        if quantize is not None:
            quantize_network(network, choose_scheme(quantize))
    network.use_kernels(gpu_kernels)
    if network.device.type == "cpu":
        keep_freed_memory()
    if compile:
        network.compile_denoising()
    defaults = read_generation_config(folder, network.config)
    return LanguageModel(
        name=BUNDLED if model is None else str(model),
        network=network,
        tokenizer=tokenizer,
        template=ChatTemplate.load(folder, tokenizer),
        sampler=SamplerSettings.from_generation_config(defaults),
        mode=_mode(defaults.get("mode", "diffusion"), folder),
        about=About.from_json(defaults.get("about"), folder),
        max_new_tokens=defaults["max_new_tokens"],
        stop_ids=frozenset(defaults["eos_token_id"]),
    )


def _mode(value: object, folder: Path) -> Mode:
    if value not in MODES:
        raise ConfigError(f"{folder / OWN_FILE}: mode is {value!r}; give one of {', '.join(MODES)}")
    return cast(Mode, value)


def _check_device(device: torch.device | str) -> None:
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # each backend has its own way to say no
        usable = "'cpu' or 'cuda'" if torch.cuda.is_available() else "'cpu'"
        raise SettingError(f"device {str(device)!r} cannot be used on this computer; choose {usable}") from error


def _check_compiler(device: torch.device | str, *, has_kernels: bool) -> None:
    if has_kernels:
        raise SettingError("compile is on and so are Triton kernels, which need no compiling; choose kernels='plain'")
    compiler = os.environ.get("CXX", "g++")
    if torch.device(device).type == "cpu" and not (shutil.which(compiler) or shutil.which("clang++")):
        raise SettingError(
            f"compile is on and there is no C++ compiler {compiler!r}; install one, name one in CXX, or leave compile "
            "out"
        )
