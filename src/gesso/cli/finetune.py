"""`gesso finetune`: train a model further, whole or by an adapter."""

from typing import Annotated

import typer

from gesso.cli import training_options as options
from gesso.errors import SettingError

ADAPTER = "Adapter"


def finetune(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="'bundled', a folder, or a Hugging Face hub id.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="JSONL, text, a folder of them, or a dataset of Hugging Face."),
    ] = None,
    *,
    out: options.Out,
    recipe: options.Recipe = None,
    overwrite: options.Overwrite = False,
    lora_rank: Annotated[
        int | None,
        typer.Option("--lora-rank", help="Train an adapter of this rank, not the weights.", rich_help_panel=ADAPTER),
    ] = None,
    lora_alpha: Annotated[
        float | None,
        typer.Option("--lora-alpha", help="Strength of the adapter; twice its rank.", rich_help_panel=ADAPTER),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Write the merged model too.", rich_help_panel=ADAPTER)
    ] = False,
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
    """Train MODEL further on DATA: all of its weights, or with --lora-rank an adapter beside them.

    The data are checked whole before training begins. Stopped at any time, the same words go on with the run.

    The model is left in OUT/model, an adapter in OUT/adapter, where generate --adapter and peft find it.

    Examples:
        gesso finetune bundled rhymes.jsonl --out runs/rhymes --lora-rank 8 --steps 300
        gesso generate "Once upon a time" --adapter runs/rhymes/adapter
        gesso finetune --recipe recipes/rhyming_stories.py --out runs/rhymes
    """
    lora_words = {"lora_rank": lora_rank, "lora_alpha": lora_alpha}
    run_words = {
        "data": data, "split": split, "max_length": max_length, "texts": texts, "canvases": canvases, "steps": steps,
        "learning_rate": learning_rate, "warmup": warmup, "objective": objective,
        "self_conditioning": self_conditioning, "ema": ema,
        "z_loss": z_loss, "accumulation": accumulation, "activation_checkpointing": activation_checkpointing,
        "precision": precision, "compile": compile, "seed": seed, "save_every": save_every,
        "sample_prompt": sample_prompt,
    }  # fmt: skip

    from gesso.cli.run_words import described_lora, described_run, read_recipe
    from gesso.cli.training import carry_out
    from gesso.scale.processes import join_processes
    from gesso.train.start import FromModel

    with join_processes() as processes:
        if recipe is not None:
            run = read_recipe(recipe, {"model": model} | lora_words | run_words)
            if not isinstance(run.start, FromModel):
                raise SettingError(f"{recipe} begins with random weights; run it with gesso train")
        else:
            if model is None:
                raise SettingError("there is no model to begin with; name it before the data, or give --recipe")
            run = described_run(FromModel(model=model), lora=described_lora(**lora_words), **run_words)
        if merge and run.lora is None:
            raise SettingError("--merge is for an adapter; give --lora-rank too, or leave it out")
        carry_out(
            run, out, processes,
            overwrite=overwrite, sample_every=sample_every, tracking=tracking, quiet=quiet, merge=merge,
        )  # fmt: skip
