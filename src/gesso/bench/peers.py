"""Gesso beside others on the same weights: the same number of canvases and steps, in one process, in turns.

Early stopping and stop tokens are off, so that all do equal work. The exception is "gesso as shipped": it writes by
the model's own settings, and is what to hold against writing from left to right.
"""

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

import gesso
from gesso.bench.bare_loop import write_bare
from gesso.bench.summary import Row, Summary, summarize
from gesso.bench.turns import Measurement, in_turns
from gesso.bench.workload import with_all_steps
from gesso.engine.left_to_right import left_to_right_temperature
from gesso.errors import SettingError
from gesso.lm.language_model import LanguageModel

SEED = 0
NO_CONFIDENCE = 1e-30
"""A mean entropy that no canvas reaches, in nats: it turns Transformers' early stopping off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What everybody writes.

    Attributes:
        prompt: A text to go on from.
        steps: Denoising steps of each canvas.
        batch: Texts at once.
        canvases: Canvases of each text.
    """

    prompt: str
    steps: int
    batch: int = 1
    canvases: int = 1

    def __post_init__(self) -> None:
        if not self.prompt:
            raise SettingError("the prompt is empty; give the beginning of a text")
        for name in ("steps", "batch", "canvases"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}; give 1 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """Somebody who writes.

    Attributes:
        write: Writes all texts, and returns how many tokens that were.
        passes: Denoising steps of one call, or, from left to right, tokens of one text; None where it varies.
    """

    write: Callable[[], int]
    passes: int | None


def measure_peers(
    folder: Path, work: Work, *, dtype: torch.dtype, compile: bool, bare: bool, repeats: int, warmup: int = 1
) -> Measurement[list[Row]]:
    """Load the same weights into each system, and let them write in turns.

    Args:
        folder: A model in the published layout.
        work: What everybody writes.
        dtype: Of all weights.
        compile: Whether torch compiles everybody's denoising.
        bare: Whether the plainest loop from left to right takes part.
        repeats: Texts of each that count.
        warmup: Texts of each before, which do not.

    Yields:
        How many runs are done.

    Returns:
        A row for each system; of one that is not installed, a remark in place of figures. `gesso_is_faster` tells how
        many of its tokens Gesso, with equal steps, writes in the time of one.

    Raises:
        SettingError: A setting is out of its range, or torch cannot compile here.
        CheckpointError: The folder holds no usable model.
    """
    lm = gesso.load(folder, dtype=dtype, compile=compile)
    found = _own(lm, work, bare=bare) | _others(folder, lm, work, dtype=dtype, compile=compile)
    contenders = {name: one for name, one in found.items() if isinstance(one, Contender)}
    results = yield from in_turns(
        {name: _timed(contender) for name, contender in contenders.items()}, repeats=repeats, warmup=warmup
    )
    facts = {"dtype": str(dtype).removeprefix("torch."), "compiled": compile, "batch": work.batch, "steps": work.steps}
    rows: list[Row] = []
    for name, one in found.items():
        figures = {"remark": one} if isinstance(one, str) else _figures(one, results[name], results["gesso"])
        rows.append({"system": name, **facts, **figures})
    return rows


def installed(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the packages that are installed."""

    def is_installed(name: str) -> bool:
        try:
            return bool(version(name))
        except PackageNotFoundError:
            return False

    return tuple(filter(is_installed, names))


def _own(lm: LanguageModel, work: Work, *, bare: bool) -> Mapping[str, Contender]:
    """Gesso's ways."""
    working, size = with_all_steps(lm), work.canvases * lm.network.config.canvas_length
    prompts = [work.prompt] * work.batch

    def writer(model: LanguageModel, **settings: Any) -> Callable[[], int]:
        return lambda: sum(
            len(text.token_ids) for text in model.generate(prompts, seed=SEED, max_new_tokens=size, **settings)
        )

    def write_all_bare() -> int:
        ids = tuple(lm.tokenizer.encode(work.prompt, add_bos=True))
        texts = (write_bare(lm.network, ids, max_new_tokens=size, temperature=temperature, seed=SEED) for _ in prompts)
        return sum(map(len, texts))

    temperature = left_to_right_temperature(lm.start(work.prompt, max_new_tokens=size).request)
    steps = work.steps * work.canvases
    return {
        "gesso": Contender(write=writer(working, mode="diffusion", steps=work.steps), passes=steps),
        "gesso as shipped": Contender(write=writer(lm), passes=None),
        "gesso autoregressive": Contender(write=writer(working, mode="autoregressive"), passes=size),
    } | ({"bare autoregressive loop": Contender(write=write_all_bare, passes=size)} if bare else {})


def _others(
    folder: Path, lm: LanguageModel, work: Work, *, dtype: torch.dtype, compile: bool
) -> Mapping[str, Contender | str]:
    """Transformers, and Diffusers around the model of Transformers; a remark where one is not there."""
    transformers, diffusers = _module("transformers"), _module("diffusers")
    if not hasattr(transformers, "DiffusionGemmaForBlockDiffusion"):
        return {"transformers": _absence(transformers), "diffusers": "needs transformers"}
    transformers.utils.logging.disable_progress_bar()
    model = transformers.DiffusionGemmaForBlockDiffusion.from_pretrained(folder, dtype=dtype).eval()
    if compile:
        model.forward = torch.compile(model.forward)
    ids = torch.tensor([lm.tokenizer.encode(work.prompt, add_bos=True)] * work.batch)
    size, steps = work.canvases * lm.network.config.canvas_length, work.steps * work.canvases

    def write_by_transformers() -> int:
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=size,
            max_denoising_steps=work.steps,
            confidence_threshold=NO_CONFIDENCE,
            eos_token_id=[],
        )
        sequences = getattr(written, "sequences", written)
        return work.batch * (sequences.shape[1] - ids.shape[1])

    others: dict[str, Contender | str] = {"transformers": Contender(write=write_by_transformers, passes=steps)}
    if not hasattr(diffusers, "DiffusionGemmaPipeline"):
        return others | {"diffusers": _absence(diffusers)}
    pipeline = diffusers.DiffusionGemmaPipeline(
        model=model, scheduler=diffusers.EntropyBoundScheduler(), processor=_PromptAsItIs(ids)
    )
    pipeline.set_progress_bar_config(disable=True)

    def write_by_diffusers() -> int:
        written = pipeline(
            prompt=[work.prompt] * work.batch,
            gen_length=size,
            num_inference_steps=work.steps,
            temperature=lm.sampler.temperature.at(0, work.steps),
            eos_early_stop=False,
            confidence_threshold=None,
            output_type="seq",
        )
        return written.sequences.numel()

    return others | {"diffusers": Contender(write=write_by_diffusers, passes=steps)}


class _PromptAsItIs:
    """Stands where Diffusers has a tokenizer with a chat template: the prompt is one text for all, and no chat."""

    eos_token_id = None

    def __init__(self, ids: Int[Tensor, "B L"]) -> None:
        self._ids = ids

    def apply_chat_template(self, messages: object, **settings: object) -> dict[str, Int[Tensor, "B L"]]:
        """The token ids of the prompt, whatever is asked."""
        return {"input_ids": self._ids}


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _absence(module: ModuleType | None) -> str:
    return "not installed" if module is None else f"{module.__name__} {module.__version__} does not know this model"


def _timed(contender: Contender) -> Callable[[], tuple[float, int]]:
    """Seconds and tokens of one call."""

    def run() -> tuple[float, int]:
        started = time.perf_counter()
        tokens = contender.write()
        return time.perf_counter() - started, tokens

    return run


def _figures(contender: Contender, results: Sequence[tuple[float, int]], ours: Sequence[tuple[float, int]]) -> Row:
    rate = _rate(results)
    total_s = summarize([seconds for seconds, _ in results])
    figures: dict[str, Any] = {"tokens": results[0][1], "total_s": total_s, "tokens_per_s": rate}
    if rate.median > 0:  # as shipped, a text may end before its first token
        figures["gesso_is_faster"] = _rate(ours).median / rate.median
    if contender.passes is not None:
        figures["ms_per_step"] = total_s.scaled(1000 / contender.passes)
    return figures


def _rate(results: Sequence[tuple[float, int]]) -> Summary:
    return summarize([tokens / seconds for seconds, tokens in results])
