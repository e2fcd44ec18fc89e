"""Trains the bundled model from scratch and exports it in the published layout.

    python recipes/bundled_model.py --run runs/bundled --steps 2400 --export src/gesso/bundled

Interrupt it at any time and start it again with the same words: it goes on where its last saved state ends. The run can
be lengthened or cut short as long as it is on the learning rate's plateau: start it again with other `--steps`.
"""

import argparse
import json
import random
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch

from gesso.checkpoint.generation_config import default_generation_config
from gesso.checkpoint.load import load_network
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
from gesso.train.run_state import load_average
from gesso.train.unroll import Unroll
from gesso.worlds.cases import Case
from gesso.worlds.stories import World
from gesso.worlds.tasks import write_document

BUNDLED = Path(__file__).parent.parent / "src" / "gesso" / "bundled"

# Most contexts are short, and a step whose texts hold little more than them is a third cheaper. The other steps encode
# a whole canvas besides, for second canvases, long contexts, and the encoder's loss: what reads drafts learns there.
SHORT_TEXT, LONG_TEXT = 64, 320
SHORT_STEPS = 0.25
SHORT_CONTEXTS_IN_LONG_STEPS = 1.0
TEXTS_PER_STEP = 8
CANVASES_PER_TEXT = 2

LEVELS = Mixture(
    parts=(
        # Agreement of names and things across a canvas is learnt last and only at high noise: see it more often.
        (0.45, UniformLevels()),
        (0.35, UniformLevels(low=0.6)),
        (0.10, PerTokenLevels()),
        (0.10, SpanLevels(max_rest=0.1)),
    )
)


SAMPLER: dict[str, object] = {
    "t_max": 0.4,
    "t_min": 0.2,
    "acceptance_reach": 24,
    "max_denoising_steps": 96,
    "mode": "verified",
}
"""Where the bundled model's sampler settings differ from the published ones (`benchmarks/story_quality.py`)."""


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

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, config: ModelConfig, world: World) -> None:
        self.tokenizer = tokenizer
        self.world = world
        self.template = template
        self.config = config

    def example(self, rng: random.Random, text_length: int) -> Example:
        """One fresh example whose context fits; a long text is kept for the examples that need it."""
        while True:
            context, response = self.token_ids(write_document(rng, world=self.world))
            if len(context) > text_length:
                continue
            length = self.config.canvas_length
            needs_long = len(context) > SHORT_TEXT or len(response) > length
            if text_length == LONG_TEXT and not needs_long and rng.random() > SHORT_CONTEXTS_IN_LONG_STEPS:
                continue
            return lay_out(context, response, canvas_length=length, eos_id=self.tokenizer.eos_id, max_canvases=2)

    def token_ids(self, document: Case) -> tuple[list[int], list[int]]:
        """Context and response of a document; a chat response ends its turn before it ends the sequence."""
        response = self.tokenizer.encode(document.response)
        if document.chat:
            context = self.template.encode([Message(role="user", content=document.prompt)])
            return context, [*response, self.tokenizer.token_id("<turn|>"), self.tokenizer.eos_id]
        return self.tokenizer.encode(document.prompt, add_bos=True), [*response, self.tokenizer.eos_id]

    def batch(self, rng: random.Random) -> Batch:
        """One training batch."""
        text_length = SHORT_TEXT if rng.random() < SHORT_STEPS else LONG_TEXT
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
        generation_config=default_generation_config(network.config) | SAMPLER,
        vision_tensors=minimal_vision_tensors(network.config, torch.Generator().manual_seed(0), torch.bfloat16),
        overwrite=True,
    )
    print(f"exported to {folder}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run's state and log")
    parser.add_argument("--steps", type=int, required=True, help="optimizer steps of the whole run")
    parser.add_argument("--decay-steps", type=int, help="steps of the final decay; a quarter of the run by default")
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument(
        "--phrasings", type=int, help="ways of telling each beat of a plot that are used; all by default"
    )
    parser.add_argument("--unroll", type=float, metavar="SHARE", help="share of canvases the sampler leads on first")
    parser.add_argument("--ema", type=float, metavar="DECAY", help="keep averaged weights, and export those")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start-from", type=Path, help="checkpoint whose weights a new run starts from")
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--export", type=Path, help="write the finished checkpoint into this folder")
    args = parser.parse_args()

    tokenizer = Tokenizer.load(BUNDLED)
    config = shape(tokenizer)
    network = Network(config)
    initialize(network, torch.Generator().manual_seed(args.seed))
    if args.start_from is not None:
        network.load_state_dict(load_network(args.start_from, dtype=torch.float32).state_dict())
    documents = Documents(tokenizer, ChatTemplate.load(BUNDLED, tokenizer), config, World(phrasings=args.phrasings))
    decay_steps = args.steps // 4 if args.decay_steps is None else args.decay_steps
    settings = TrainSettings(
        total_steps=args.steps,
        schedule=WarmupStableDecay(warmup_steps=50, total_steps=args.steps, decay_steps=decay_steps),
        learning_rate=args.learning_rate,
        levels=LEVELS,
        unroll=None if args.unroll is None else Unroll(share=args.unroll, temperature=SAMPLER["t_max"]),
        ema=args.ema,
        compile=not args.eager,
        save_every=50,
        seed=args.seed,
    )
    print(f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f}M parameters", file=sys.stderr)
    args.run.mkdir(parents=True, exist_ok=True)
    for event in train(network, documents.batch, settings, args.run):
        log(event, args.run / "log.jsonl", args.log_every)
    if args.export is not None:
        if args.ema is not None:
            load_average(args.run, network)
        export(network, args.export)


if __name__ == "__main__":
    main()
