"""`gesso eval`: how likely a model finds texts, how well it writes, and how well it mends."""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from gesso.cli import options
from gesso.cli.measuring import leave_record, progress_bar, words_of
from gesso.cli.output import check_writable
from gesso.errors import SettingError

if TYPE_CHECKING:
    from gesso.evals.measure import Measure, Report, Sample
    from gesso.lm.language_model import LanguageModel

AXES = ("steps", "temperature")


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="'bundled', a folder, or a Hugging Face hub id.")
    ] = "bundled",
    tasks: Annotated[
        str, typer.Option("--tasks", help="Names with commas between, or 'usual', or 'all'; see docs/evals.md.")
    ] = "usual",
    items: Annotated[int, typer.Option("--items", help="Items of each task for each seed.")] = 100,
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds of items and noise, with commas between.")] = "0",
    over: Annotated[
        str | None, typer.Option("--over", help="Repeat each task over steps, temperature, or steps,temperature.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", help="Model that reads free samples; without it, the model itself.")
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option("--texts", help="File of paragraphs for likelihood and samples; without it, held-out stories."),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option("--references", help="File of paragraphs that samples may copy; without it, training stories."),
    ] = None,
    phrasings: Annotated[
        int | None, typer.Option("--phrasings", help="Ways of telling each beat of a plot in stories; all by default.")
    ] = None,
    steps: options.Steps = None,
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
    adapter: options.Adapter = None,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    revision: options.Revision = None,
    offline: options.Offline = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the JSON into this file, task by task.", rich_help_panel=options.DISPLAY
        ),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", help="Draw curves into this folder.", rich_help_panel=options.DISPLAY)
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Evaluate a model: tables on standard error, JSON on standard output.

    Every figure comes with its standard error. Tasks write with the model's own sampler unless told otherwise.

    Examples:
        gesso eval --items 20
        gesso eval path/to/model --tasks nelbo,samples --texts held_out.txt --seeds 0,1,2 -o results.json
        gesso eval --tasks stories --over steps --plots plots/
    """
    check_writable(output)
    seed_numbers = _numbers(seeds)
    axes = words_of(over or "")
    if unknown := [axis for axis in axes if axis not in AXES]:
        raise SettingError(f"there is no frontier over {unknown[0]!r}; choose {' or '.join(AXES)}")

    # Only now, so that help and refusals need not wait for torch.
    from gesso.cli.loading import load_model
    from gesso.engine.request import check_mode
    from gesso.evals.measure import Sample
    from gesso.evals.plot import check_plots, plot
    from gesso.evals.suite import all_measures, choose
    from gesso.evals.table import table
    from gesso.sampling.settings import SamplerSettings
    from gesso.worlds.stories import World

    if plots is not None:
        check_plots(plots)
    words = {"dtype": dtype, "device": device, "offline": offline, "quiet": quiet}
    source = {"texts": texts, "references": references, "world": World(phrasings=phrasings)}
    measures = all_measures(**source)
    # What cannot be is refused before a model is read.
    asked = None if mode is None else check_mode(mode)
    published = SamplerSettings().with_overrides(sampler=sampler)
    sample = Sample(items=items, seeds=seed_numbers, sampler=published, mode=asked)
    choose(measures, words_of(tasks), axes)
    reader = None if judge is None else load_model(judge, revision=None, **words)
    measures = all_measures(judge=reader, **source)
    lm = load_model(model, revision=revision, adapter=adapter, quantize=quantize, **words)
    settings = lm.sampler.with_overrides(
        steps=steps,
        temperature=temperature,
        t_max=t_max,
        t_min=t_min,
        entropy_bound=entropy_bound,
        reach=reach,
        confidence=confidence,
        stability=stability,
        sampler=sampler,
        patience=patience,
        slide=slide,
    )
    sample = replace(sample, sampler=settings, mode=lm.mode_for(asked, sampler))
    chosen = choose(measures, words_of(tasks), axes)

    record = _record(lm, sample, judge=judge, texts=texts, references=references, adapter=adapter, phrasings=phrasings)
    results = record["results"]
    with progress_bar(quiet=quiet) as bar:
        for measure in chosen:
            started = time.perf_counter()
            report = _run(measure, lm, sample, bar)
            results[report.name] = report.as_json() | {"seconds": round(time.perf_counter() - started, 1)}
            if not quiet:
                bar.console.print(table(report), markup=False, highlight=False, soft_wrap=True)
            if plots is not None and report.axis:
                plot(report, plots / f"{report.name.replace(' ', '_')}.svg")
            if output is not None:
                leave_record(record, output)
    if output is None:
        leave_record(record, None)


def _numbers(words: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in words_of(words))
    except ValueError as error:
        raise SettingError(f"the seeds are {words!r}; give whole numbers with commas between") from error


def _run(measure: "Measure", lm: "LanguageModel", sample: "Sample", bar: Progress) -> "Report":
    from gesso.evals.measure import Report

    task = bar.add_task(measure.name, total=None)
    for event in measure.measure(lm, sample):
        if isinstance(event, Report):
            bar.remove_task(task)
            return event
        bar.update(task, completed=event.done, total=event.total)
    raise AssertionError(f"{measure.name} ended without a report")


def _record(lm: "LanguageModel", sample: "Sample", **sources: object) -> dict[str, Any]:
    from gesso.evals.record import origin
    from gesso.quant.network import scheme_of

    scheme = scheme_of(lm.network)
    return {
        "model": lm.name,
        "settings": {
            "items": sample.items,
            "seeds": list(sample.seeds),
            "sampler": str(sample.sampler),
            "mode": sample.mode,
            "dtype": str(lm.network.dtype).removeprefix("torch."),
            "quantization": None if scheme is None else scheme.name,
            "device": str(lm.network.device),
            **{name: str(value) if isinstance(value, Path) else value for name, value in sources.items()},
        },
        "results": {},
        **origin(),
    }
