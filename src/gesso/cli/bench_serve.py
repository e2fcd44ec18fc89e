"""`gesso bench serve`: how fast a server answers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli.bench_options import Output, Quiet
from gesso.cli.measuring import leave_record, numbers_of
from gesso.cli.output import check_writable, remark
from gesso.errors import GessoError, SettingError

if TYPE_CHECKING:
    from gesso.bench.sweep import Level

LOAD = "Load"
COLUMNS = ("at once", "failed", "first draft", "first text", "whole answer", "tokens/s", "all tokens/s", "steps")
CAPTION = "of each answer the median, and what 1 in 20 does worse than"


def _option(name: str, meaning: str, **more: Any) -> Any:
    return typer.Option(name, help=meaning, rich_help_panel=LOAD, **more)


def serve(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the server.")] = "http://127.0.0.1:8000",
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Its name there; else the first it serves.")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", help="Key that lets one in.", envvar="GESSO_API_KEY")
    ] = None,
    concurrency: Annotated[
        str, _option("--concurrency", "Requests at once, level by level, with commas between.")
    ] = "1,2,4,8",
    requests: Annotated[int, _option("--requests", "Requests of each level.")] = 16,
    warmup: Annotated[int, _option("--warmup", "Requests before, which do not count.")] = 1,
    prompts: Annotated[Path | None, _option("--prompts", "Text file with a prompt in each line.")] = None,
    max_tokens: Annotated[int, _option("--max-tokens", "Most tokens of an answer.")] = 256,
    seed: Annotated[int | None, _option("--seed", "Of the first request, counted up from there.")] = None,
    steps: Annotated[int | None, _option("--steps", "Most denoising steps of a canvas (Gesso's servers).")] = None,
    drafts: Annotated[bool, _option("--drafts", "Have drafts streamed, and time the first (Gesso's servers).")] = False,
    timeout_s: Annotated[float, _option("--timeout-s", "Longest silence of the server.")] = 600.0,
    output: Output = None,
    quiet: Quiet = False,
) -> None:
    """Measure a server that speaks OpenAI's chat completions, Gesso's or another: more and more requests at once.

    For each level: time to the first text, time of the whole answer and its speed, each as a median and as what one
    answer in 20 does worse than; tokens of all answers a second; and denoising steps, where the server tells them.

    Examples:
        gesso bench serve
        gesso bench serve http://127.0.0.1:9000 --concurrency 1,16,64 --requests 128 -o figures.json
        gesso bench serve --drafts --steps 16 --seed 1
    """
    from gesso.bench.sweep import PROMPTS, Load, sweep
    from gesso.bench.target import Target

    check_writable(output)
    target = Target(url=url, api_key=api_key, timeout_s=timeout_s)
    levels = numbers_of(concurrency, "--concurrency")
    asked = PROMPTS if prompts is None else _prompts(prompts)
    diffusion = {} if steps is None else {"steps": steps}
    diffusion |= {"stream_drafts": True, "draft_interval": 0} if drafts else {}
    settings = {"prompts": asked, "concurrency": levels, "num_requests": requests, "num_warmup": warmup}
    settings |= {"max_tokens": max_tokens, "seed": seed, "extra": {"diffusion": diffusion} if diffusion else {}}
    Load(model="", **settings)  # refuses what cannot be before anybody is asked

    # Only now, so that help and refusals need not wait for torch.
    from gesso.evals.record import record_of
    from gesso.evals.table import aligned

    load = Load(model=model or _first(target.models(), url), **settings)
    measured = []
    for level in sweep(target.ask, load):
        measured.append(level)
        if failed := len(level.replies) - len(level.answered):
            reason = next(reply.error for reply in level.replies if reply.error is not None)
            remark(f"{failed} of {len(level.replies)} requests failed at concurrency {level.concurrency}: {reason}")
        elif not quiet:
            remark(f"concurrency {level.concurrency} took {level.seconds:.1f} s")
    facts = {"url": url, "model": load.model, "requests": requests, "max_tokens": max_tokens, "seed": seed}
    if not quiet:
        print(f"{aligned([list(COLUMNS), *map(_cells, measured)])}\n  {CAPTION}", file=sys.stderr, flush=True)
    leave_record(record_of({**facts, **load.extra}, [level.facts() for level in measured]), output)
    if not any(level.answered for level in measured):
        raise typer.Exit(1)


def _prompts(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"the prompts {path} cannot be read ({error}); correct the path") from error
    if not (found := tuple(line for line in lines if line.strip())):
        raise SettingError(f"the file of prompts {path} holds none; write one a line")
    return found


def _first(models: list[str], url: str) -> str:
    if not models:
        raise GessoError(f"{url} names no model; give --model")
    return models[0]


def _cells(level: "Level") -> list[str]:
    return [
        str(level.concurrency),
        str(len(level.replies) - len(level.answered)),
        _spread(level, "first_draft_s"),
        _spread(level, "first_text_s"),
        _spread(level, "total_s"),
        _spread(level, "tokens_per_s", worst=0.05),
        _figure(level.tokens_per_s),
        _figure(level.steps_per_canvas),
    ]


def _spread(level: "Level", name: str, *, worst: float = 0.95) -> str:
    return f"{_figure(level.percentile(name, 0.5))} / {_figure(level.percentile(name, worst))}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
