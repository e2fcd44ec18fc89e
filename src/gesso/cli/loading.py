"""The model that a command's options name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

import gesso
from gesso.checkpoint.load import Progress as ReadProgress
from gesso.cli.options import Dtype, Quantization
from gesso.lm.language_model import LanguageModel

LARGE_BYTES = 200_000_000
"""Weights smaller than this are read before a progress bar could be."""

_DTYPES = {Dtype.AUTO: None, Dtype.FLOAT32: torch.float32, Dtype.BFLOAT16: torch.bfloat16}


def load_model(
    model: str,
    *,
    dtype: Dtype,
    device: str,
    revision: str | None,
    offline: bool,
    quiet: bool,
    adapter: Path | None = None,
    compile: bool = False,
    quantize: Quantization | None = None,
) -> LanguageModel:
    """Load a model; on a terminal, a progress bar tells how far large weights are read.

    Raises:
        CheckpointError: There is no such model, or its files cannot be used.
        SettingError: There is no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    with progress_bar(model, quiet=quiet) as progress:
        return gesso.load(
            model,
            dtype=_DTYPES[dtype],
            device=device,
            revision=revision,
            offline=offline,
            adapter=adapter,
            compile=compile,
            quantize=None if quantize is None else quantize.value,
            progress=progress,
        )


@contextmanager
def progress_bar(model: str, *, quiet: bool) -> Iterator[ReadProgress | None]:
    """On a terminal, how far large weights are read."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(f"Reading {model}", total=None)

    def tell(done: int, total: int) -> None:
        if total >= LARGE_BYTES:
            bar.start()  # which may be said again and again
            bar.update(task, completed=done, total=total)

    try:
        yield tell
    finally:
        bar.stop()
