"""`gesso generate`: go on from a text, or answer a message."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.output import INTERRUPTED, as_json, check_writable, open_output, remark
from gesso.cli.schema import read_schema
from gesso.cli.trace import check_trace_path, write_trace
from gesso.errors import PromptError, SettingError

if TYPE_CHECKING:
    from gesso.lm.writing import Writing


def generate(
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT", help="Beginning of the text; - reads standard input.")
    ] = None,
    model: options.Model = "bundled",
    max_new_tokens: options.MaxNewTokens = None,
    chat: Annotated[
        bool, typer.Option("--chat/--raw", help="Answer the prompt as a user's message, or go on from it as text.")
    ] = False,
    system: options.System = None,
    thinking: options.Thinking = False,
    draft: options.Draft = None,
    draft_noise: options.DraftNoise = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="End the text before this string; may be repeated.")
    ] = None,
    regex: options.Regex = None,
    choice: options.Choice = None,
    json_schema: options.JsonSchema = None,
    steps: options.Steps = None,
    seed: options.Seed = None,
    best_of: Annotated[
        int,
        typer.Option(
            "--best-of",
            help="Draft so many texts, and write the one that reads likeliest from left to right.",
            rich_help_panel=options.SAMPLING,
        ),
    ] = 1,
    temperature: options.Temperature = None,
    t_max: options.TMax = None,
    t_min: options.TMin = None,
    entropy_bound: options.EntropyBound = None,
    reach: options.Reach = None,
    confidence: options.Confidence = None,
    stability: options.Stability = None,
    sampler: options.Sampler = None,
    mode: options.Mode = None,
    patience: options.Patience = None,
    slide: options.Slide = None,
    top_k: options.TopK = 0,
    top_p: options.TopP = 1.0,
    min_p: options.MinP = 0.0,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    compile: options.Compile = False,
    revision: options.Revision = None,
    adapter: options.Adapter = None,
    offline: options.Offline = False,
    watch: options.WatchOption = False,
    pace: options.PaceOption = 0.0,
    json: options.Json = False,
    logprobs: Annotated[
        bool,
        typer.Option(
            "--logprobs", help="Tell with --json how probable each token was.", rich_help_panel=options.DISPLAY
        ),
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="Write a text for each line of this JSONL file into --output."),
    ] = None,
    output: options.Output = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            help="Write a replay into this .html file, or its data into a .json file.",
            rich_help_panel=options.DISPLAY,
        ),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a text: go on from PROMPT, or answer it with --chat.

    The text goes to standard output, canvas by canvas, everything else to standard error.

    Settings that are not given are the model's own.

    With --input, many texts are written side by side. A line is an object with "prompt" or "messages", and if wanted an
    "id" and settings of its own. Stopped or killed, the same command goes on where it was.

    Examples:
        gesso generate "Once upon a time" --watch
        gesso generate "Write a story about a fox." --chat --seed 7 --json
        gesso generate "Once upon a time" --trace replay.html
        gesso generate "Mia is" --choice " happy." --choice " sad."
        cat beginning.txt | gesso generate - -n 1024 -o story.txt
        gesso generate --input prompts.jsonl --output texts.jsonl
    """
    check_writable(output)
    check_trace_path(trace, text_path=output)
    if source is not None:
        one_text = {
            "PROMPT": prompt is not None,
            "--best-of": best_of != 1,
            "--watch": watch,
            "--trace": trace is not None,
            "--json": json,
            "--logprobs": logprobs,
        }
        if surplus := [name for name, is_given in one_text.items() if is_given]:
            raise SettingError(f"{surplus[0]} is for one text and --input for many; give one of the two")
        if output is None:
            raise SettingError("--input is given and --output is not; name a JSONL file for the texts")
    elif prompt is None:
        raise PromptError("there is no prompt; give one, or many with --input")
    if logprobs and not json and source is None:
        raise SettingError("--logprobs is given and --json is not; give both, for they are told in its object")
    text = _read_standard_input() if prompt == "-" else prompt or ""
    if not chat and (system is not None or thinking):
        raise SettingError(f"{'--thinking' if thinking else '--system'} is for conversations; give --chat too")
    if not text and source is None:
        raise PromptError("the prompt is empty; give the beginning of a text")

    schema = None if json_schema is None else read_schema(json_schema)

    # Only now, so that help and refusals need not wait for torch.
    from gesso.cli.batch import write_batch
    from gesso.cli.follow import follow, make_watch, summary_line
    from gesso.cli.loading import load_model
    from gesso.lm.trace import TRACE_ALTERNATIVES, TraceRecorder

    lm = load_model(
        model,
        dtype=dtype,
        device=device,
        revision=revision,
        offline=offline,
        quiet=quiet,
        adapter=adapter,
        compile=compile,
        quantize=quantize,
    )
    settings = {
        "max_new_tokens": max_new_tokens,
        "seed": seed,
        "steps": steps,
        "temperature": temperature,
        "t_max": t_max,
        "t_min": t_min,
        "entropy_bound": entropy_bound,
        "reach": reach,
        "confidence": confidence,
        "stability": stability,
        "sampler": sampler,
        "mode": mode,
        "patience": patience,
        "slide": slide,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "draft": draft,
        "draft_noise": draft_noise,
        "stop": stop or (),
        "thinking": thinking,
        "regex": regex,
        "choice": choice or None,
        "json_schema": schema,
    }
    if source is not None and output is not None:
        if not write_batch(lm, source, output, settings=settings, chat=chat, system=system, quiet=quiet):
            raise typer.Exit(INTERRUPTED)
        return
    asked = _conversation(text, system) if chat else text
    if best_of != 1:
        settings["seed"] = lm.generate(asked, best_of=best_of, **settings).seed
    has_choices = trace is not None and lm.mode_for(mode, sampler) != "autoregressive"
    writing = lm.start(asked, **settings, alternatives=TRACE_ALTERNATIVES if has_choices else 0, logprobs=logprobs)
    recorder = None if trace is None else TraceRecorder(lm.tokenizer.decode)
    with open_output(output) as stream:
        looker, shows_text = make_watch(
            watch,
            pace=pace,
            text_stream=sys.stderr if json else stream,
            tokenizer=lm.tokenizer,
            prompt="" if chat else text,
        )
        record = None if recorder is None else recorder.record
        finished = follow(writing, None if json or shows_text else stream, looker, record=record)
        if json:
            stream.write(as_json(_facts(writing, lm.name, finished=finished)) + "\n")
    if trace is not None and recorder is not None:
        request = {"messages": asked} if chat else {"prompt": text}
        write_trace(trace, recorder.trace(writing, model=lm.name, request=request, finished=finished))
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
    import torch

    result = writing.result()
    thought = {} if result.message is None else {"thought": result.message.thought}
    logprobs = (
        {"logprobs": [{"last": one.last, "accepted": one.accepted} for one in result.logprobs]}
        if result.logprobs
        else {}
    )
    return {
        "text": writing.answer,
        **thought,
        "token_ids": list(result.token_ids),
        **logprobs,
        "finish_reason": result.finish_reason if finished else "interrupted",
        "steps": result.steps,
        "tokens_per_forward": round(result.tokens_per_forward, 3),
        "tokens_per_second": round(result.tokens_per_second, 3),
        "seed": result.seed,
        "prompt_tokens": result.prompt_tokens,
        "model": model,
        "threads": torch.get_num_threads(),
    }
