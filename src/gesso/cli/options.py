"""Options that several commands have, each declared once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

RULE, SAMPLING, LOADING, DISPLAY = "What the text must be", "Sampling", "Model", "Display"


class Dtype(StrEnum):
    """Dtype of the weights."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Quantization(StrEnum):
    """Weights in few bits."""

    INT8 = "int8"
    INT4 = "int4"
    FP8 = "fp8"


Model = Annotated[
    str,
    typer.Option("--model", "-m", help="'bundled', a folder, or a Hugging Face hub id.", rich_help_panel=LOADING),
]
DtypeOption = Annotated[
    Dtype, typer.Option("--dtype", help="Dtype of the weights; auto is that of the file.", rich_help_panel=LOADING)
]
Quantize = Annotated[
    Quantization | None,
    typer.Option("--quantize", help="Hold the weights in few bits, which saves memory.", rich_help_panel=LOADING),
]
Device = Annotated[
    str, typer.Option("--device", help="cpu, cuda, or auto: cuda where there is one.", rich_help_panel=LOADING)
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Compile the network's steps: the first take long, all others less. Needs a C++ compiler.",
        rich_help_panel=LOADING,
    ),
]
Revision = Annotated[
    str | None, typer.Option("--revision", help="Branch, tag or commit of a hub id.", rich_help_panel=LOADING)
]
Adapter = Annotated[
    Path | None,
    typer.Option("--adapter", help="Folder of a LoRA that is merged into the model.", rich_help_panel=LOADING),
]
Offline = Annotated[bool, typer.Option("--offline", help="Download nothing.", rich_help_panel=LOADING)]

MaxNewTokens = Annotated[
    int | None, typer.Option("--max-new-tokens", "-n", help="Most tokens to write.", rich_help_panel=SAMPLING)
]
Steps = Annotated[
    int | None, typer.Option("--steps", help="Most denoising steps of a canvas.", rich_help_panel=SAMPLING)
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Repeats a text; without it one is drawn.", rich_help_panel=SAMPLING)
]
Temperature = Annotated[
    float | None,
    typer.Option("--temperature", help="One temperature for all steps; 0 is greedy.", rich_help_panel=SAMPLING),
]
TMax = Annotated[float | None, typer.Option("--t-max", help="Temperature of the first step.", rich_help_panel=SAMPLING)]
TMin = Annotated[
    float | None, typer.Option("--t-min", help="Temperature that later steps fall towards.", rich_help_panel=SAMPLING)
]
EntropyBound = Annotated[
    float | None,
    typer.Option("--entropy-bound", help="Uncertainty that a step may accept, in nats.", rich_help_panel=SAMPLING),
]
Reach = Annotated[
    int | None,
    typer.Option(
        "--reach",
        help="Positions from the first uncertain one on that a step may accept; 0: all.",
        rich_help_panel=SAMPLING,
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        "--confidence", help="Mean entropy below which a stable canvas is done, in nats.", rich_help_panel=SAMPLING
    ),
]
Stability = Annotated[
    int | None,
    typer.Option("--stability", help="Earlier steps that must have had the same draft.", rich_help_panel=SAMPLING),
]
Sampler = Annotated[
    str | None,
    typer.Option(
        "--sampler",
        help="Rule that accepts tokens: entropy-bound, rising-bound, confidence, top-k, posterior, gibbs; or "
        "reference, for all settings as published.",
        rich_help_panel=SAMPLING,
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        help="How canvases are written: diffusion, verified (drafts are read from left to right and mended) or "
        "autoregressive.",
        rich_help_panel=SAMPLING,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        help="Steps without progress after which a canvas is given up; 0: never.",
        rich_help_panel=SAMPLING,
    ),
]
Slide = Annotated[
    int | None,
    typer.Option(
        "--slide",
        help="Commit the front of a canvas as soon as so many tokens of it are settled; 0: whole canvases.",
        rich_help_panel=SAMPLING,
    ),
]
TopK = Annotated[
    int, typer.Option("--top-k", help="Sample from so many of the likeliest tokens; 0: all.", rich_help_panel=SAMPLING)
]
TopP = Annotated[
    float,
    typer.Option(
        "--top-p", help="Sample from the likeliest tokens of this probability together.", rich_help_panel=SAMPLING
    ),
]
MinP = Annotated[
    float,
    typer.Option(
        "--min-p", help="Sample from tokens of this share of the likeliest one's probability.", rich_help_panel=SAMPLING
    ),
]
Draft = Annotated[
    str | None,
    typer.Option("--draft", help="Start from this text instead of noise; all of it may change."),
]
DraftNoise = Annotated[
    float | None,
    typer.Option("--draft-noise", help="With --draft: how much of it is noise at the start, 0 to 1; 0.3 unless given."),
]
System = Annotated[str | None, typer.Option("--system", help="System message of the conversation.")]
Thinking = Annotated[bool, typer.Option("--thinking", help="Let the model think before it answers.")]

Regex = Annotated[
    str | None, typer.Option("--regex", help="The text matches this regular expression.", rich_help_panel=RULE)
]
Choice = Annotated[
    list[str] | None,
    typer.Option("--choice", help="The text is this one, or another that is given so.", rich_help_panel=RULE),
]
JsonSchema = Annotated[
    str | None,
    typer.Option(
        "--json-schema",
        help="The text is JSON that this schema allows: a file, or the schema itself.",
        rich_help_panel=RULE,
    ),
]

WatchOption = Annotated[
    bool, typer.Option("--watch", "-w", help="Show the canvas coming into focus.", rich_help_panel=DISPLAY)
]
PaceOption = Annotated[
    float,
    typer.Option("--pace", help="With --watch: seconds that a step takes at least.", rich_help_panel=DISPLAY),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel=DISPLAY)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No summary and no progress on standard error.", rich_help_panel=DISPLAY)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write the text into this file instead.", rich_help_panel=DISPLAY),
]
