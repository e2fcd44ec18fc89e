"""`gesso generate`: go on from a text, or answer a message."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.output import INTERRUPTED, as_json, check_writable, open_output, remark
from gesso.errors import PromptError, SettingError

if TYPE_CHECKING:
    from gesso.lm.writing import Writing


def generate(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="Beginning of the text; - reads standard input.")],
    model: options.Model = "bundled",
    max_new_tokens: options.MaxNewTokens = None,
    chat: Annotated[
        bool, typer.Option("--chat/--raw", help="Answer the prompt as a user's message, or go on from it as text.")
    ] = False,
    system: options.System = None,
    thinking: options.Thinking = False,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="End the text before this string; may be repeated.")
    ] = None,
    steps: options.Steps = None,
    seed: options.Seed = None,
    temperature: options.Temperature = None,
    t_max: options.TMax = None,
    t_min: options.TMin = None,
    entropy_bound: options.EntropyBound = None,
    confidence: options.Confidence = None,
    stability: options.Stability = None,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    device: options.Device = "auto",
    revision: options.Revision = None,
    offline: options.Offline = False,
    watch: options.WatchOption = False,
    pace: options.PaceOption = 0.0,
    json: options.Json = False,
    output: options.Output = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a text: go on from PROMPT, or answer it with --chat.

    The text goes to standard output, canvas by canvas, everything else to standard error.

    Settings that are not given are the model's own.

    Examples:
        gesso generate "Once upon a time" --watch
        gesso generate "Write a story about a fox." --chat --seed 7 --json
        cat beginning.txt | gesso generate - -n 1024 -o story.txt
    """
    check_writable(output)
    text = _read_standard_input() if prompt == "-" else prompt
    if not chat and (system is not None or thinking):
        raise SettingError(f"{'--thinking' if thinking else '--system'} is for conversations; give --chat too")
    if not text:
        raise PromptError("the prompt is empty; give the beginning of a text")

    # Only now, so that help and refusals need not wait for torch.
    from gesso.cli.follow import follow, make_watch, summary_line
    from gesso.cli.loading import load_model

    lm = load_model(model, dtype=dtype, device=device, revision=revision, offline=offline, quiet=quiet)
    writing = lm.start(
        _conversation(text, system) if chat else text,
        max_new_tokens=max_new_tokens,
        seed=seed,
        steps=steps,
        temperature=temperature,
        t_max=t_max,
        t_min=t_min,
        entropy_bound=entropy_bound,
        confidence=confidence,
        stability=stability,
        stop=stop or (),
        thinking=thinking,
    )
    with open_output(output) as stream:
        looker, shows_text = make_watch(
            watch,
            pace=pace,
            text_stream=sys.stderr if json else stream,
            tokenizer=lm.tokenizer,
            prompt="" if chat else text,
        )
        finished = follow(writing, None if json or shows_text else stream, looker)
        if json:
            stream.write(as_json(_facts(writing, lm.name, finished=finished)) + "\n")
    if not quiet:
        remark(summary_line(writing.result(), finished=finished))
    if not finished:
        raise typer.Exit(INTERRUPTED)


def _read_standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise PromptError(f"standard input is not UTF-8 at byte {error.start}; convert it first") from error


def _conversation(text: str, system: str | None) -> list[dict[str, str]]:
    first = [] if system is None else [{"role": "system", "content": system}]
    return [*first, {"role": "user", "content": text}]


def _facts(writing: "Writing", model: str, *, finished: bool) -> dict[str, Any]:
    result = writing.result()
    thought = {} if result.message is None else {"thought": result.message.thought}
    return {
        "text": writing.answer,
        **thought,
        "token_ids": list(result.token_ids),
        "finish_reason": result.finish_reason if finished else "interrupted",
        "steps": result.steps,
        "tokens_per_forward": round(result.tokens_per_forward, 3),
        "tokens_per_second": round(result.tokens_per_second, 3),
        "seed": result.seed,
        "prompt_tokens": result.prompt_tokens,
        "model": model,
    }
