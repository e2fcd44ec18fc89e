"""`gesso train`: a model from random weights."""

from typing import Annotated

import typer

from gesso.cli import training_options as options
from gesso.errors import SettingError

SHAPE = "Shape"


def train(
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="JSONL, text, a folder of them, or a dataset of Hugging Face."),
    ] = None,
    *,
    out: options.Out,
    recipe: options.Recipe = None,
    overwrite: options.Overwrite = False,
    model_shape: Annotated[
        str | None,
        typer.Option("--model-shape", help="Model whose shape is taken; bundled.", rich_help_panel=SHAPE),
    ] = None,
    width: Annotated[
        int | None, typer.Option("--width", help="Scale that shape to this width.", rich_help_panel=SHAPE)
    ] = None,
    layers: Annotated[
        int | None, typer.Option("--layers", help="Give it so many layers.", rich_help_panel=SHAPE)
    ] = None,
    canvas_length: Annotated[
        int | None, typer.Option("--canvas-length", help="Give it canvases of this length.", rich_help_panel=SHAPE)
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="Model whose tokenizer is used; bundled.", rich_help_panel=SHAPE),
    ] = None,
    split: options.Split = None,
    max_length: options.MaxLength = None,
    texts: options.Texts = None,
    canvases: options.Canvases = None,
    steps: options.Steps = None,
    learning_rate: options.LearningRate = None,
    warmup: options.Warmup = None,
    objective: options.ObjectiveOption = None,
    self_conditioning: options.SelfConditioning = None,
    ema: options.Ema = None,
    z_loss: options.ZLoss = None,
    accumulation: options.Accumulation = None,
    activation_checkpointing: options.ActivationCheckpointing = None,
    precision: options.PrecisionOption = None,
    compile: options.Compile = None,
    seed: options.Seed = None,
    save_every: options.SaveEvery = None,
    sample_every: options.SampleEvery = None,
    sample_prompt: options.SamplePrompt = None,
    tracking: options.TrackingOption = options.Tracking.NONE,
    quiet: options.Quiet = False,
) -> None:
    """Train a model from scratch on DATA, or as a recipe says.

    The data are checked whole before training begins. Stopped at any time, the same words go on with the run.

    The model is left in OUT/model, in the published layout.

    Examples:
        gesso train stories.jsonl --out runs/stories --width 256 --steps 2000
        gesso train books/ --out runs/books --tracking tensorboard
        gesso train --recipe recipes/small_stories.py --out runs/small
        torchrun --nproc-per-node 2 -m gesso train stories.jsonl --out runs/stories
    """
    shape_words = {
        "model_shape": model_shape, "width": width, "layers": layers, "canvas_length": canvas_length,
        "tokenizer": tokenizer,
    }  # fmt: skip
    run_words = {
        "data": data, "split": split, "max_length": max_length, "texts": texts, "canvases": canvases, "steps": steps,
        "learning_rate": learning_rate, "warmup": warmup, "objective": objective,
        "self_conditioning": self_conditioning, "ema": ema,
        "z_loss": z_loss, "accumulation": accumulation, "activation_checkpointing": activation_checkpointing,
        "precision": precision, "compile": compile, "seed": seed, "save_every": save_every,
        "sample_prompt": sample_prompt,
    }  # fmt: skip

    from gesso.cli.run_words import described_run, described_shape, read_recipe
    from gesso.cli.training import carry_out
    from gesso.scale.processes import join_processes
    from gesso.train.start import FromModel

    with join_processes() as processes:
        if recipe is not None:
            run = read_recipe(recipe, shape_words | run_words)
            if isinstance(run.start, FromModel):
                raise SettingError(f"{recipe} begins with the model {run.start.model!r}; run it with gesso finetune")
        else:
            run = described_run(described_shape(**shape_words), lora=None, **run_words)
        carry_out(run, out, processes, overwrite=overwrite, sample_every=sample_every, tracking=tracking, quiet=quiet)
