"""Options that `gesso train` and `gesso finetune` share, each declared once.

What describes the run itself has no default here, so that it can be told whether it was given: a recipe says all of it,
and nothing may contradict it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

RUN, DATA, WATCHING = "Run", "Data", "Watching"


class Tracking(StrEnum):
    """Where curves go besides log.jsonl."""

    NONE = "none"
    TENSORBOARD = "tensorboard"


class Precision(StrEnum):
    """Dtype of forward and backward; weights and moments are float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class ObjectiveName(StrEnum):
    """What the denoiser minimises."""

    FLAT = "flat"
    NOISED = "noised"
    GIDD = "gidd"
    NELBO = "nelbo"
    LEAVE_ONE_OUT = "leave-one-out"


Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run, with what it leaves.")]
Recipe = Annotated[
    Path | None,
    typer.Option("--recipe", help="Python file whose function run() returns the whole run; instead of other words."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Throw away another run that is kept in the folder.")]

Split = Annotated[
    str | None, typer.Option("--split", help="Part of a saved or published dataset; train.", rich_help_panel=DATA)
]
MaxLength = Annotated[
    int | None,
    typer.Option("--max-length", help="Longest text in tokens; plain text is cut to it. 1024.", rich_help_panel=DATA),
]
Texts = Annotated[int | None, typer.Option("--texts", help="Texts encoded in a step; 8.", rich_help_panel=DATA)]
Canvases = Annotated[
    int | None, typer.Option("--canvases", help="Noise draws against each text; 2.", rich_help_panel=DATA)
]

Steps = Annotated[int | None, typer.Option("--steps", help="Optimizer steps; 1000.", rich_help_panel=RUN)]
LearningRate = Annotated[float | None, typer.Option("--learning-rate", help="Peak rate.", rich_help_panel=RUN)]
Warmup = Annotated[
    int | None, typer.Option("--warmup", help="Steps until the peak; a twentieth of all.", rich_help_panel=RUN)
]
ObjectiveOption = Annotated[
    ObjectiveName | None,
    typer.Option(
        "--objective",
        help="What the denoiser minimises; flat cross-entropy. The sampler does not read leave-one-out.",
        rich_help_panel=RUN,
    ),
]
SelfConditioning = Annotated[
    float | None,
    typer.Option("--self-conditioning", help="Share of canvases fed back; 0.5.", rich_help_panel=RUN),
]
Ema = Annotated[
    float | None,
    typer.Option("--ema", help="Decay of averaged weights, which are then what is left.", rich_help_panel=RUN),
]
ZLoss = Annotated[
    float | None, typer.Option("--z-loss", help="Keeps logits from drifting; 1e-5 is usual.", rich_help_panel=RUN)
]
Accumulation = Annotated[
    int | None, typer.Option("--accumulation", help="Batches of one optimizer step; 1.", rich_help_panel=RUN)
]
ActivationCheckpointing = Annotated[
    bool | None,
    typer.Option(
        "--activation-checkpointing/--all-activations", help="Less memory, a third more time.", rich_help_panel=RUN
    ),
]
PrecisionOption = Annotated[
    Precision | None, typer.Option("--precision", help="Dtype of the computation; bfloat16.", rich_help_panel=RUN)
]
Compile = Annotated[
    bool | None,
    typer.Option("--compile/--eager", help="Compile the step; pays after some hundred.", rich_help_panel=RUN),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Source of all randomness; 0.", rich_help_panel=RUN)]
SaveEvery = Annotated[
    int | None, typer.Option("--save-every", help="Steps between saved states; 200.", rich_help_panel=RUN)
]

SampleEvery = Annotated[
    int | None,
    typer.Option(
        "--sample-every", help="Steps between samples on standard error; a tenth of all, 0 never.",
        rich_help_panel=WATCHING,
    ),
]  # fmt: skip
SamplePrompt = Annotated[
    list[str] | None,
    typer.Option("--sample-prompt", help="Text that a sample goes on from; may be repeated.", rich_help_panel=WATCHING),
]
TrackingOption = Annotated[
    Tracking, typer.Option("--tracking", help="Where curves go besides log.jsonl.", rich_help_panel=WATCHING)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.", rich_help_panel=WATCHING)]
