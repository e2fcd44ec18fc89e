"""Options and arguments that the commands of `gesso bench` have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.measuring import words_of
from gesso.errors import SettingError

if TYPE_CHECKING:
    from gesso.engine.request import Mode

MEASUREMENT = "Measurement"
MODES = "diffusion,verified,autoregressive"


def measured(name: str, meaning: str, **more: Any) -> Any:
    """An option that says what is measured."""
    return typer.Option(name, help=meaning, rich_help_panel=MEASUREMENT, **more)


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="'bundled', a folder, a Hugging Face hub id, or random weights in a shape: 100m, 400m."
    ),
]
Repeats = Annotated[int, measured("--repeats", "Runs that count.")]
Warmup = Annotated[int, measured("--warmup", "Runs before, which do not count.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the JSON into this file.", rich_help_panel=options.DISPLAY),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--picture", help="Draw the figures into this file, such as figures.svg.", rich_help_panel=options.DISPLAY
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No table and no progress on standard error.", rich_help_panel=options.DISPLAY),
]


def modes_of(text: str) -> tuple["Mode", ...]:
    """The modes of a list with commas between.

    Raises:
        SettingError: There is none, or one is no mode or stands there twice.
    """
    from gesso.engine.request import check_mode

    modes = tuple(check_mode(word) for word in words_of(text))
    if not modes or len(set(modes)) != len(modes):
        raise SettingError(f"--modes is {text!r}; give at least one of {MODES}, each once")
    return modes
