"""A run, carried out: its progress, its samples, its log, and what it leaves."""

from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import typer

from gesso.cli.frame import printable
from gesso.cli.output import INTERRUPTED, remark
from gesso.cli.training_options import Tracking
from gesso.cli.training_progress import CheckProgress, TrainingProgress
from gesso.errors import DataError, GenerationError, SettingError, TrainingError
from gesso.lm.language_model import LanguageModel
from gesso.sampling.settings import SamplerSettings
from gesso.scale.processes import Processes
from gesso.train.curves import save_curves
from gesso.train.prepared_run import PreparedRun, prepare_run
from gesso.train.run import Run
from gesso.train.run_folder import RunFolder
from gesso.train.run_log import RunLog
from gesso.train.tracking import TensorBoard

SAMPLES_A_RUN = 10
SAMPLE_STEPS = 16
"""Most denoising steps of a sample: it should cost no more than a few training steps."""


def carry_out(
    run: Run,
    out: Path,
    processes: Processes,
    *,
    overwrite: bool,
    sample_every: int | None,
    tracking: Tracking,
    quiet: bool,
    merge: bool = False,
) -> None:
    """Check the data, train, and write the result; what is said goes to standard error.

    Args:
        run: What to do.
        out: Folder of the run.
        processes: Who shares the work. All carry it out; the first alone speaks, keeps the log and writes the result.
        overwrite: Throw away another run that is kept there.
        sample_every: Steps between samples; None for a tenth of the run, 0 for none.
        tracking: Where curves go besides the log.
        quiet: Say nothing but errors.
        merge: Of an adapter, write the merged model too.

    Raises:
        GessoError: As `prepare_run` and `gesso.train.loop.train`.
    """
    if sample_every is None:
        sample_every = max(1, run.settings.total_steps // SAMPLES_A_RUN)
    if sample_every < 0:
        raise SettingError(f"--sample-every is {sample_every}; give 0 for none, or a number of steps")
    if run.texts_per_batch % processes.count:
        raise SettingError(
            f"--texts is {run.texts_per_batch} and {processes.count} processes share them; give a multiple of "
            f"{processes.count}"
        )
    has_samples = not quiet and sample_every > 0
    quiet = quiet or not processes.is_first
    out = out.expanduser()
    tracker = None
    if tracking is Tracking.TENSORBOARD and processes.is_first:
        tracker = TensorBoard(RunFolder(out).tensorboard)
    with CheckProgress(quiet=quiet) as check:
        prepared = processes.in_turn(
            lambda: prepare_run(run, out, overwrite=overwrite and processes.is_first, progress=check.show)
        )
    if not quiet:
        for line in _described(prepared):
            remark(line)
        if processes.count > 1:
            uncompiled = ", and its step is not compiled" if run.settings.compile else ""
            remark(f"{processes.count} processes share the run{uncompiled}")
    log = RunLog(prepared.folder.log)
    step = 0
    with (
        nullcontext() if tracker is None else closing(tracker),
        TrainingProgress(run.settings.total_steps, quiet=quiet) as progress,
    ):
        try:
            for event in prepared.steps(processes.make_worker):
                step = event.step
                if processes.is_first:
                    log.write(event)
                if tracker is not None:
                    tracker.write(event)
                progress.show(event)
                if has_samples and step % sample_every == 0 and (whole := processes.whole(prepared)) is not None:
                    for text in _samples(whole, step):
                        progress.say(text)
        except KeyboardInterrupt:
            progress.close()
            saved = step // run.settings.save_every * run.settings.save_every
            where = f" at step {step}; the same words go on from step {saved}" if step else "; the same words go on"
            if processes.is_first:
                remark(f"stopped{where}")
            raise typer.Exit(INTERRUPTED) from None
    whole = processes.whole(prepared)
    if whole is None:
        return
    place = whole.export(merge=merge)
    picture = _draw_curves(prepared)
    if not quiet:
        remark(picture)
        remark(_farewell(run, place, merged=prepared.folder.model if merge else None))


def _draw_curves(prepared: PreparedRun) -> str:
    """Draw the picture, and say where it is; a run that has nothing left to do may have no log to draw."""
    try:
        save_curves(prepared.folder.log, prepared.folder.curves, overwrite=True)
    except (DataError, TrainingError) as error:
        return f"there is no picture of the run: {error}"
    return f"the curves of the run are in {prepared.folder.curves}"


def _described(prepared: PreparedRun) -> Iterator[str]:
    trained = sum(p.numel() for p in prepared.materials.network.parameters() if p.requires_grad)
    store, checked = prepared.store, prepared.checked
    lengths = ", ".join(f"{len(texts)} of up to {rung}" for rung, texts in prepared.source.texts_by_length.items())
    yield f"training {trained / 1e6:.2f}M parameters in {prepared.folder.path}"
    read = f"{checked.num_documents:,} documents are good: " if checked is not None else "data as checked before: "
    yield f"{read}{len(store):,} texts, {store.num_response_tokens:,} tokens to learn; by length in tokens {lengths}"
    if checked is not None and checked.unused_fields:
        fields = ", ".join(f"{name} ({count:,})" for name, count in sorted(checked.unused_fields.items()))
        yield f"fields that mean nothing here and are not learnt: {fields}"


def _samples(prepared: PreparedRun, step: int) -> Iterator[str]:
    """What the network writes now. It is sampled as it stands, in float32, with a fixed seed."""
    materials = prepared.materials
    settings = materials.generation_config
    lm = LanguageModel(
        name="in training",
        network=materials.network,
        tokenizer=materials.tokenizer,
        template=materials.template,
        sampler=SamplerSettings.from_generation_config(settings),
        max_new_tokens=materials.network.config.canvas_length,
        stop_ids=frozenset(settings["eos_token_id"]),
    )
    for prompt in prepared.run.sample_prompts:
        # A network that is still wild may give no text; training itself names what is wrong, if anything is.
        with suppress(GenerationError):
            text = lm.generate(prompt, seed=0, steps=min(SAMPLE_STEPS, lm.sampler.max_steps)).text
            yield printable(f"sample at step {step}: {prompt}{text}")


def _farewell(run: Run, place: Path, *, merged: Path | None) -> str:
    if run.lora is None:
        return f"the model is in {place}; gesso generate PROMPT --model {place}"
    beside = "" if merged is None else f", and merged in {merged}"
    model = getattr(run.start, "model", "")
    return f"the adapter is in {place}{beside}; gesso generate PROMPT --model {model} --adapter {place}"
