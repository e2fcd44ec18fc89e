"""Trains the bundled model from scratch, stage by stage, and exports it in the published layout.

    python recipes/bundled_model.py --run runs/bundled --export src/gesso/bundled

It takes eight hours on two cores. Interrupt it at any time and start it again with the same words: it goes on where its
last saved state ends. `--shrink 100` makes every stage a hundred times shorter, to see that all of it works.
"""

import argparse
import json
import random
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from gesso.checkpoint.generation_config import default_generation_config
from gesso.checkpoint.save import save_network
from gesso.checkpoint.vision import minimal_vision_config, minimal_vision_tensors
from gesso.diffusion.levels import Mixture, PerTokenLevels, SpanLevels, UniformLevels
from gesso.model.config import ModelConfig, Rope
from gesso.model.initialize import initialize
from gesso.model.network import Network
from gesso.text.chat import ChatTemplate, Message
from gesso.text.tokenizer import Tokenizer
from gesso.train.batch import Batch, collate
from gesso.train.examples import Example, lay_out
from gesso.train.loop import StepDone, TrainSettings, train
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.unroll import Unroll
from gesso.worlds.cases import Case
from gesso.worlds.stories import World
from gesso.worlds.tasks import MIXTURES, write_document

BUNDLED = Path(__file__).parent.parent / "src" / "gesso" / "bundled"

TEXTS_PER_STEP = 8
CANVASES_PER_TEXT = 2
SHORT_TEXT, LONG_TEXT = 64, 320
"""Most contexts are short, and a step whose texts hold little more than them is a third cheaper. The other steps encode
a whole canvas besides, for second canvases, long contexts, and the encoder's loss: what reads drafts learns there."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the training. Each starts from the weights of the one before, with a fresh optimizer.

    Attributes:
        steps: Optimizer steps.
        decay_steps: The last of them, in which the learning rate falls to zero.
        learning_rate: The highest.
        levels: How noise levels are drawn.
        phrasings: Ways of telling each beat of a plot; None for all.
        mixture: Weights of the kinds of documents.
        short_steps: Share of the steps whose texts are short.
        short_contexts: Share of the short contexts that the other steps take, among the long ones.
        unroll: Share of the canvases that the sampler leads on before they are learnt from; 0 for none.
    """

    steps: int
    decay_steps: int
    learning_rate: float
    levels: Mixture
    phrasings: int | None = 1
    mixture: Mapping[str, float] = field(default_factory=lambda: MIXTURES["stories"])
    short_steps: float = 0.25
    short_contexts: float = 1.0
    unroll: float = 0.0


# Agreement of names and things across a canvas is learnt last and only at high noise: see it more often.
WRITING = Mixture(
    parts=(
        (0.45, UniformLevels()),
        (0.35, UniformLevels(low=0.6)),
        (0.10, PerTokenLevels()),
        (0.10, SpanLevels(max_rest=0.1)),
    )
)
FILLING = Mixture(
    parts=(
        (0.40, UniformLevels()),
        (0.30, UniformLevels(low=0.6)),
        (0.10, PerTokenLevels()),
        (0.10, SpanLevels(max_rest=0.1)),
        (0.10, SpanLevels()),
    )
)

STAGES = (
    Stage(
        steps=450,
        decay_steps=0,
        learning_rate=4e-3,
        levels=WRITING,
        phrasings=None,
        short_steps=0.65,
        short_contexts=0.4,
    ),
    Stage(
        steps=1800,
        decay_steps=500,
        learning_rate=4e-3,
        levels=WRITING,
        short_steps=0.65,
        short_contexts=0.4,
    ),
    Stage(
        steps=2700,
        decay_steps=900,
        learning_rate=3e-3,
        levels=WRITING,
        short_steps=0.65,
        short_contexts=0.4,
    ),
    # From here on the causal mode sees three times the text, and the denoiser its own errors.
    Stage(steps=1580, decay_steps=450, learning_rate=3e-3, levels=WRITING, unroll=0.25),
    Stage(
        steps=1500,
        decay_steps=450,
        learning_rate=3e-3,
        levels=FILLING,
        mixture={
            "story": 0.22,
            "continuation": 0.11,
            "request": 0.12,
            "infill": 0.08,
            "continue": 0.02,
            "question": 0.03,
            "rename": 0.03,
            "correction": 0.03,
            "conversation": 0.10,
            "talk": 0.03,
            "record": 0.09,
            "sum": 0.05,
            "sorting": 0.04,
            "sudoku4": 0.05,
        },
        unroll=0.25,
    ),
    # Of that, what it can carry.
    Stage(
        steps=220,
        decay_steps=160,
        learning_rate=1.5e-3,
        levels=FILLING,
        mixture={
            "story": 0.25,
            "continuation": 0.13,
            "request": 0.20,
            "infill": 0.08,
            "continue": 0.03,
            "question": 0.05,
            "rename": 0.03,
            "correction": 0.03,
            "conversation": 0.14,
            "talk": 0.06,
        },
        unroll=0.25,
    ),
)
"""The world in many words, then in one way of telling it, until it is told well; then all that can be asked of it, and
last what it has learnt to answer."""

SAMPLER: dict[str, object] = {
    "t_max": 0.4,
    "t_min": 0.2,
    "acceptance_reach": 24,
    "max_denoising_steps": 96,
    "mode": "verified",
}
"""Where the bundled model's sampler settings differ from the published ones, and its mode (`docs/modes.md`)."""

ABOUT = {
    "description": "tells small stories and answers questions about them; it is no assistant and knows no facts",
    "examples": [
        "Write a story about a lost toy.",
        "Write a story about a fox who makes a friend.",
        "What can you do?",
    ],
}
"""How the page and `gesso chat` present it."""


def shape(tokenizer: Tokenizer) -> ModelConfig:
    """Six layers of width 256, every fourth and the last full; a small mixture of experts in each."""
    full, sliding = "full_attention", "sliding_attention"
    return ModelConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=256,
        intermediate_size=512,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_global_key_value_heads=1,
        head_dim=64,
        global_head_dim=128,
        layer_types=(sliding, sliding, full, sliding, sliding, full),
        sliding_window=512,
        num_experts=4,
        top_k_experts=2,
        moe_intermediate_size=64,
        max_position_embeddings=4096,
        sliding_rope=Rope(theta=10_000.0),
        full_rope=Rope(theta=1_000_000.0, partial=0.25),
        canvas_length=256,
        pad_token_id=tokenizer.pad_id,
        bos_token_id=tokenizer.bos_id,
        eos_token_ids=stop_ids(tokenizer),
        image_token_id=tokenizer.token_id("<|image|>"),
        boi_token_id=tokenizer.token_id("<|image>"),
        eoi_token_id=tokenizer.token_id("<image|>"),
    )


def stop_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """End of sequence, end of turn, and the call for a tool's answer, as in the published configuration."""
    return tuple(tokenizer.token_id(text) for text in ("<eos>", "<turn|>", "<|tool_response>"))


class Documents:
    """Turns documents of the story world into training examples."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, config: ModelConfig, stage: Stage) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.config = config
        self.stage = stage
        self.world = World(phrasings=stage.phrasings)

    def example(self, rng: random.Random, text_length: int) -> Example:
        """One fresh example whose context fits; a long text is kept for the examples that need it."""
        while True:
            context, response = self.token_ids(write_document(rng, world=self.world, mixture=self.stage.mixture))
            if len(context) > text_length:
                continue
            length = self.config.canvas_length
            needs_long = len(context) > SHORT_TEXT or len(response) > length
            if text_length == LONG_TEXT and not needs_long and rng.random() > self.stage.short_contexts:
                continue
            return lay_out(context, response, canvas_length=length, eos_id=self.tokenizer.eos_id, max_canvases=2)

    def token_ids(self, document: Case) -> tuple[list[int], list[int]]:
        """Context and response of a document; a chat response ends its turn before it ends the sequence."""
        response = self.tokenizer.encode(document.response)
        if document.chat:
            turns = [turn for asked, told in document.earlier for turn in (("user", asked), ("model", told))]
            messages = [Message(role=role, content=content) for role, content in (*turns, ("user", document.prompt))]
            context = self.template.encode(messages)
            return context, [*response, self.tokenizer.token_id("<turn|>"), self.tokenizer.eos_id]
        return self.tokenizer.encode(document.prompt, add_bos=True), [*response, self.tokenizer.eos_id]

    def batch(self, rng: random.Random) -> Batch:
        """One training batch."""
        text_length = SHORT_TEXT if rng.random() < self.stage.short_steps else LONG_TEXT
        return collate(
            [self.example(rng, text_length) for _ in range(TEXTS_PER_STEP)],
            text_length=text_length,
            canvases_per_text=CANVASES_PER_TEXT,
            pad_id=self.tokenizer.pad_id,
            rng=rng,
        )


def log(event: StepDone, file: Path, every: int) -> None:
    """Append the event to the run's log, and say how it goes now and then."""
    with file.open("a") as lines:
        lines.write(json.dumps(asdict(event)) + "\n")
    if event.step % every == 0:
        levels = " ".join(f"{loss:.2f}" for loss in event.denoise_by_level)
        print(
            f"step {event.step}  encode {event.encode:.3f}  denoise {event.denoise:.3f}  by level {levels}  "
            f"norm {event.gradient_norm:.2f}  {event.canvas_tokens / event.seconds:,.0f} canvas tokens/s",
            file=sys.stderr,
            flush=True,
        )


def export(network: Network, folder: Path) -> None:
    """Write the finished checkpoint, weights in bfloat16, with the smallest image encoder that the layout allows."""
    network = network.to(torch.bfloat16)
    network.config = replace(network.config, vision=minimal_vision_config())
    save_network(
        network,
        folder,
        tokenizer_files=BUNDLED if folder.resolve() != BUNDLED.resolve() else None,
        generation_config=default_generation_config(network.config) | SAMPLER | {"about": ABOUT},
        vision_tensors=minimal_vision_tensors(network.config, torch.Generator().manual_seed(0), torch.bfloat16),
        overwrite=True,
    )
    print(f"exported to {folder}", file=sys.stderr)


def train_stage(network: Network, documents: Documents, stage: Stage, seed: int, folder: Path, args: Namespace) -> None:
    """Train a stage from where it was left, or see that it is done. Mutates the network."""
    steps, decay_steps = (-(-count // args.shrink) for count in (stage.steps, stage.decay_steps))
    settings = TrainSettings(
        total_steps=steps,
        schedule=WarmupStableDecay(warmup_steps=min(50, steps // 4), total_steps=steps, decay_steps=decay_steps),
        learning_rate=stage.learning_rate,
        levels=stage.levels,
        unroll=Unroll(share=stage.unroll, temperature=SAMPLER["t_max"]) if stage.unroll else None,
        compile=not args.eager,
        save_every=50,
        seed=seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for event in train(network, documents.batch, settings, folder):
        log(event, folder / "log.jsonl", args.log_every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of the stages' states and logs")
    parser.add_argument("--export", type=Path, help="write the finished checkpoint into this folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shrink", type=int, default=1, metavar="N", help="make every stage N times shorter")
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    args = parser.parse_args()

    tokenizer = Tokenizer.load(BUNDLED)
    template = ChatTemplate.load(BUNDLED, tokenizer)
    config = shape(tokenizer)
    network = Network(config)
    initialize(network, torch.Generator().manual_seed(args.seed))
    print(f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f}M parameters", file=sys.stderr)
    for number, stage in enumerate(STAGES):
        print(f"stage {number + 1} of {len(STAGES)}", file=sys.stderr)
        documents = Documents(tokenizer, template, config, stage)
        train_stage(network, documents, stage, args.seed + number, args.run / f"stage_{number + 1}", args)
    if args.export is not None:
        export(network, args.export)


if __name__ == "__main__":
    main()
