"""The whole loop over canvases against the reference's `generate`, on one checkpoint and the same draws."""

from pathlib import Path

import pytest
import torch
from transformers import DiffusionGemmaForBlockDiffusion
from transformers.models.diffusion_gemma.generation_diffusion_gemma import EntropyBoundSamplerConfig

from gesso.checkpoint.load import load_network
from gesso.engine.events import CanvasCommitted
from gesso.engine.reference import run_request
from gesso.engine.request import Request
from gesso.ops.categorical import invert_cdf
from gesso.sampling.draws import Draws, canvas_generator, draw_canvas, draw_step
from gesso.sampling.settings import SamplerSettings
from tests.tiny_model import CONFIG, save_tiny_model, tiny_network

RANDINT, VOCAB = torch.randint, 97
SIZES = {"canvas_length": CONFIG.canvas_length, "vocab_size": VOCAB, "device": torch.device("cpu")}
SETTINGS = {
    "published": SamplerSettings().with_overrides(steps=16),
    "calm": SamplerSettings().with_overrides(steps=12, entropy_bound=2.0, confidence=0.4, t_max=0.3, t_min=0.05),
    "hasty": SamplerSettings().with_overrides(steps=7, stability=0, confidence=1.5),
}


class Tape:
    """Gives the reference the engine's draws: `randint` begins a canvas, or renoises if `multinomial` came before."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.num_canvases = 0
        self.generator: torch.Generator | None = None
        self.draws: Draws | None = None

    def randint(self, *args: object, **rest: object) -> torch.Tensor:
        if "generator" in rest:  # that is the tape's own drawing
            return RANDINT(*args, **rest)
        if self.draws is not None:
            renoise, self.draws = self.draws.renoise, None
            return renoise
        self.generator = canvas_generator(self.seed, self.num_canvases)
        self.num_canvases += 1
        return draw_canvas([self.generator], **SIZES)

    def multinomial(self, probabilities: torch.Tensor, num_samples: int) -> torch.Tensor:
        self.draws = draw_step([self.generator], **SIZES)
        return invert_cdf(probabilities[None], self.draws.uniforms).view(-1, num_samples)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = tiny_network(3, vocab_size=VOCAB)
    # Strong feedback from step to step makes an untrained network chaotic: a difference in the last bit grows tenfold a
    # step. A tenth of it leaves the feedback felt and the comparison sharp.
    network.self_conditioning.feed_forward.down_proj.weight.mul_(0.1)
    return save_tiny_model(tmp_path_factory.mktemp("twin") / "model", network)


@pytest.fixture(scope="module")
def reference(folder: Path) -> DiffusionGemmaForBlockDiffusion:
    return DiffusionGemmaForBlockDiffusion.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("prompt_length", [1, 5, 40])
def test_three_canvases_are_those_of_the_reference(settings, prompt_length, folder, reference, monkeypatch):
    prompt = [2, *range(50, 49 + prompt_length)]
    seed = prompt_length
    request = Request(prompt_ids=tuple(prompt), max_new_tokens=48, sampler=settings, seed=seed, stop_ids=frozenset())
    commits = [e for e in run_request(load_network(folder), request) if isinstance(e, CanvasCommitted)]

    tape = Tape(seed)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randint", tape.randint)
        patch.setattr(torch, "multinomial", tape.multinomial)
        config = settings.to_generation_config()
        output = reference.generate(
            torch.tensor([prompt]), max_new_tokens=48, eos_token_id=[], **_reference_settings(config)
        )

    assert [token for commit in commits for token in commit.token_ids] == output.sequences[0, prompt_length:].tolist()
    passes = sum(commit.steps for commit in commits)
    assert passes == round(48 / float(output.tokens_per_forward))


def _reference_settings(config: dict) -> dict:
    sampler = EntropyBoundSamplerConfig(entropy_bound=config["sampler_config"]["entropy_bound"])
    return config | {"sampler_config": sampler}
