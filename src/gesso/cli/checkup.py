"""The checks of `gesso doctor`."""

import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version

import torch

from gesso import __version__
from gesso.checkpoint.load import check_finite
from gesso.cli.loading import load_model
from gesso.cli.options import Dtype
from gesso.errors import CheckpointError, GessoError
from gesso.lm.language_model import LanguageModel

PYTHONS = ((3, 11), (3, 12))
PACKAGES = ("torch", "numpy", "safetensors", "tokenizers", "huggingface-hub", "jinja2", "jaxtyping", "typer", "rich")
PROMPT = "Once upon a time"


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found.

    Attributes:
        status: How it ended.
        name: What was looked at.
        finding: What is there.
        remedy: What to do about it, if anything.
    """

    status: Status
    name: str
    finding: str
    remedy: str = ""


def run_checks(model: str, device: str) -> Iterator[Check]:
    """Check after check, the cheap ones first; those of the model end with the first that fails."""
    yield check_python()
    yield Check(Status.OK, "packages", ", ".join(f"{name} {version(name)}" for name in PACKAGES))
    yield check_processor()
    yield check_accelerator()
    loaded, lm = check_loading(model, device)
    yield loaded
    if lm is not None:
        finite = check_weights(lm)
        yield finite
        if finite.status is not Status.FAIL:
            yield check_canvas(lm)


def check_python() -> Check:
    """The version of Python is one that is tested."""
    finding = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, gesso {__version__}"
    if sys.version_info[:2] in PYTHONS:
        return Check(Status.OK, "python", finding)
    tested = " and ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    return Check(Status.WARN, "python", finding, f"tests run on {tested}: use one of these if something fails")


def check_processor() -> Check:
    """The processor computes bfloat16 by itself."""
    can = getattr(torch.cpu, "get_capabilities", dict)()
    fast = [name for name, key in (("AVX-512 BF16", "avx512_bf16"), ("AMX", "amx_bf16")) if can.get(key)]
    level, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    finding = f"{level}, {threads} threads, bfloat16 by {' and '.join(fast) or 'emulation'}"
    if not fast:
        return Check(Status.WARN, "processor", finding, "--dtype float32 may be the faster here")
    return Check(Status.OK, "processor", finding)


def check_accelerator() -> Check:
    """Whether there is a GPU; none is needed."""
    if not torch.cuda.is_available():
        return Check(Status.OK, "gpu", "none; models run on the processor")
    memory = torch.cuda.get_device_properties(0).total_memory
    return Check(Status.OK, "gpu", f"{torch.cuda.get_device_name(0)}, {memory / 1e9:.0f} GB")


def check_loading(model: str, device: str) -> tuple[Check, LanguageModel | None]:
    """The model loads."""
    started = time.perf_counter()
    try:
        lm = load_model(model, dtype=Dtype.AUTO, device=device, revision=None, offline=True, quiet=True)
    except GessoError as error:
        return Check(Status.FAIL, "model", str(error)), None
    count = sum(weight.numel() for weight in lm.network.parameters())
    dtype = str(lm.network.dtype).removeprefix("torch.")
    finding = f"{lm.name}: {count:,} parameters, {dtype} on {lm.network.device}"
    return Check(Status.OK, "model", f"{finding}, loaded in {time.perf_counter() - started:.2f} s"), lm


def check_weights(lm: LanguageModel) -> Check:
    """Every weight is a number."""
    try:
        check_finite(lm.network)
    except CheckpointError as error:
        return Check(Status.FAIL, "weights", str(error))
    return Check(Status.OK, "weights", "all are finite")


def check_canvas(lm: LanguageModel) -> Check:
    """One canvas is written, and repeats with its seed."""
    try:
        length = lm.network.config.canvas_length
        first = lm.generate(PROMPT, max_new_tokens=length, seed=0)
        again = lm.generate(PROMPT, max_new_tokens=length, seed=0)
    except GessoError as error:
        return Check(Status.FAIL, "canvas", str(error))
    steps = sum(again.steps)
    finding = f"{steps} steps in {again.seconds:.2f} s, {1000 * again.seconds / steps:.1f} ms a step"
    if first.token_ids != again.token_ids:
        remedy = "the device does not compute the same twice; results can then not be repeated by their seed"
        return Check(Status.WARN, "canvas", finding, remedy)
    return Check(Status.OK, "canvas", finding)
