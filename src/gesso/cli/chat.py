"""`gesso chat`: a conversation in the terminal."""

import sys
from typing import Annotated

import typer

from gesso.cli import options


def chat(
    model: options.Model = "bundled",
    system: options.System = None,
    history: Annotated[
        bool | None,
        typer.Option(
            "--history/--no-history",
            help="An answer knows what was said before, or each question is answered by itself; else as the model is "
            "used to.",
            show_default=False,
        ),
    ] = None,
    thinking: options.Thinking = False,
    max_new_tokens: options.MaxNewTokens = None,
    steps: options.Steps = None,
    seed: options.Seed = None,
    temperature: options.Temperature = None,
    mode: options.Mode = None,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    revision: options.Revision = None,
    adapter: options.Adapter = None,
    offline: options.Offline = False,
    watch: options.WatchOption = False,
    pace: options.PaceOption = 0.0,
    quiet: options.Quiet = False,
) -> None:
    """Talk with a model, turn by turn; /help tells the commands.

    A line is a turn; it goes on in the next line if it ends with a backslash. Lines can be piped in, too.

    Ctrl-C stops an answer and keeps what was committed of it. Ctrl-D leaves.

    Examples:
        gesso chat --watch
        gesso chat --system "Answer in one sentence." --seed 7
        gesso chat < questions.txt > answers.txt
    """
    # Only now, so that help need not wait for torch.
    from gesso.cli.loading import load_model
    from gesso.cli.session import Session
    from gesso.cli.turns import piped_line, read_turns, typed_line

    lm = load_model(
        model,
        dtype=dtype,
        device=device,
        revision=revision,
        offline=offline,
        quiet=quiet,
        adapter=adapter,
        quantize=quantize,
    )
    is_typed = sys.stdin.isatty()
    session = Session(
        lm,
        system=system,
        history=history,
        settings={
            "max_new_tokens": max_new_tokens,
            "steps": steps,
            "seed": seed,
            "temperature": temperature,
            "mode": mode,
            "thinking": thinking or None,
        },
        watching=watch,
        pace=pace,
        quiet=quiet,
        interactive=is_typed,
    )
    session.greet()
    for turn in read_turns(typed_line if is_typed else piped_line, is_typed=is_typed):
        if not session.take(turn):
            break
