"""The `gesso` command: its commands, its errors and its exit status."""

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from gesso import __version__
from gesso.cli.bench import bench
from gesso.cli.chat import chat
from gesso.cli.doctor import doctor
from gesso.cli.edit import edit
from gesso.cli.eval import evaluate
from gesso.cli.finetune import finetune
from gesso.cli.generate import generate
from gesso.cli.infill import infill
from gesso.cli.info import info
from gesso.cli.models import models
from gesso.cli.output import INTERRUPTED, TextStream, remark
from gesso.cli.quantize import quantize
from gesso.cli.read import read
from gesso.cli.score import score
from gesso.cli.serve import ENVIRONMENT, serve
from gesso.cli.train import train
from gesso.errors import GessoError, InputError

app = typer.Typer(
    name="gesso",
    epilog="gesso COMMAND --help tells more, with examples.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (generate, chat, infill, edit, read, score, train, finetune, quantize, info, doctor):
    app.command()(command)
app.command(name="eval")(evaluate)
app.command(context_settings=ENVIRONMENT)(serve)
app.add_typer(bench)
app.add_typer(models)


def run() -> NoReturn:
    """Run the command line and leave the process with its exit status."""
    sys.stdout, sys.stderr = _dependable(sys.stdout), _dependable(sys.stderr)
    # Asked to end, leave through every `finally`: text is passed on and the terminal put in order.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words after "gesso"; None for those of the process. Without any, the help is printed.

    Returns:
        0 done; 1 the work failed; 2 the words were wrong; 130 stopped by Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        status = app(args=words, prog_name="gesso", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as left:  # how typer leaves after shell completion or when nobody reads, and `run` when ended
        return left.code if isinstance(left.code, int) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except GessoError as error:
        remark(str(error))
        return 2 if isinstance(error, InputError) else 1
    except OSError as error:
        remark(f"{error}; the disk or the file system refuses")
        return 1
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        if not (message := error.format_message()):  # typer: a group without a command has printed its help
            return 0
        remark(f"{_plain(message, error)} (gesso --help tells the words)")  # typer: the words were wrong
        return getattr(error, "exit_code", 2)
    return status or 0


def _plain(message: str, error: Exception) -> str:
    """What typer says of wrong words, and the value, which it may leave to the error that its own stands on."""
    message = message.replace("Value error, ", "").rstrip(".")
    values = [repr(reason["input"]) for reason in getattr(error.__cause__, "errors", list)()]
    return message + "".join(f", but it is {value}" for value in values if value not in message)


def _dependable(stream: TextStream) -> TextStream:
    """Let a stream show another character for one that it lacks, and never write a part of a text."""
    if isinstance(raw := getattr(stream, "buffer", None), io.RawIOBase):
        # Unbuffered (PYTHONUNBUFFERED), Python forgets the rest of a write that a signal interrupts.
        return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, errors="replace", line_buffering=True)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"gesso {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Text from noise: a canvas of random tokens is refined, all at once, until it is text."""
