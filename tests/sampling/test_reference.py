"""The whole denoising of a canvas, step by step, against the reference loop on the same network and the same draws."""

from types import SimpleNamespace

import pytest
import torch
from transformers.generation import LogitsProcessorList
from transformers.models.diffusion_gemma.generation_diffusion_gemma import (
    DiffusionGemmaGenerationMixin,
    EntropyBoundSampler,
    EntropyBoundSamplerConfig,
    LinearTemperatureScheduleLogitsProcessor,
    StableAndConfidentStoppingCriteria,
)

from gesso.ops.categorical import invert_cdf
from gesso.sampling.draws import canvas_generator, draw_canvas, draw_step
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import denoise_step, start_state
from tests.doubles import RestlessDenoiser

BATCH, CANVAS, VOCAB = 4, 12, 30
SIZES = {"canvas_length": CANVAS, "vocab_size": VOCAB, "device": torch.device("cpu")}
SETTINGS = [
    SamplerSettings(),
    SamplerSettings().with_overrides(steps=20, stability=0, confidence=0.05),
    SamplerSettings().with_overrides(steps=20, stability=3, entropy_bound=1.0, t_max=1.2, t_min=0.1),
    SamplerSettings().with_overrides(steps=6, entropy_bound=0.01, confidence=1e-6),
]


class ReferenceLoop:
    """Drives the reference's denoising step as its own `generate` does."""

    def __init__(self, network, settings):
        config = settings.to_generation_config()
        self.network = network
        self.num_steps = config["max_denoising_steps"]
        self.sampler = EntropyBoundSampler(
            EntropyBoundSamplerConfig(entropy_bound=config["sampler_config"]["entropy_bound"]),
            canvas_length=CANVAS,
            vocab_size=VOCAB,
            max_denoising_steps=self.num_steps,
        )
        self.processors = LogitsProcessorList(
            [LinearTemperatureScheduleLogitsProcessor(config["t_min"], config["t_max"], self.num_steps)]
        )
        self.stopping = StableAndConfidentStoppingCriteria(
            config["stability_threshold"], config["confidence_threshold"]
        )
        self.model = SimpleNamespace(
            config=SimpleNamespace(text_config=SimpleNamespace(vocab_size=VOCAB)),
            model=SimpleNamespace(decoder=SimpleNamespace(embed_tokens=SimpleNamespace(weight=network.embedding))),
        )

    def forward(self, *, decoder_input_ids, self_conditioning_logits, **rest):
        logits = self_conditioning_logits
        conditioning = None if logits is None else self.network.soft_embed(logits)
        return SimpleNamespace(logits=self.network.denoise(decoder_input_ids, conditioning))

    def step(self, index, canvas, draft, logits, finished):
        return DiffusionGemmaGenerationMixin._denoising_step(
            self.model,
            decoder_forward=self.forward,
            current_canvas=canvas,
            argmax_canvas=draft,
            input_ids=canvas,
            decoder_position_ids=None,
            self_conditioning_logits=logits,
            mask_mapping={},
            past_key_values=None,
            finished_denoising=finished.clone(),
            cur_step=self.num_steps - index,
            sampler=self.sampler,
            logits_processor=self.processors,
            diffusion_stopping_criteria=self.stopping,
        )


@pytest.mark.parametrize("settings", SETTINGS, ids=["published", "impatient", "hot", "strict"])
@pytest.mark.parametrize("seed", range(6))
def test_every_step_of_a_canvas_is_that_of_the_reference(settings, seed, monkeypatch):
    target = torch.randint(VOCAB, (BATCH, CANVAS), generator=torch.Generator().manual_seed(seed))
    network = RestlessDenoiser(target, vocab_size=VOCAB, calm=0.5 + 0.4 * seed)
    generators = [canvas_generator(seed, row) for row in range(BATCH)]
    state = start_state(draw_canvas(generators, **SIZES), settings)
    reference = ReferenceLoop(network, settings)
    canvas, draft, logits, finished = state.canvas, state.canvas, None, state.finished

    for index in range(settings.max_steps):
        draws = draw_step(generators, **SIZES)

        def multinomial(probabilities, num_samples, draws=draws):
            return invert_cdf(probabilities.view(BATCH, CANVAS, VOCAB), draws.uniforms).view(-1, num_samples)

        with monkeypatch.context() as patch:
            patch.setattr(torch, "multinomial", multinomial)
            patch.setattr(torch, "randint", lambda draws=draws, **rest: draws.renoise)
            canvas, draft, logits, finished = reference.step(index, canvas, draft, logits, finished)
        state = denoise_step(state, network, settings, draws).state

        assert state.canvas.equal(canvas)
        assert state.draft.equal(draft)
        assert state.finished.equal(finished)
        torch.testing.assert_close(state.conditioning, network.soft_embed(logits), atol=1e-4, rtol=1e-4)
        if finished.all():
            break
    assert state.steps_used.max() == index + 1


def test_the_cases_above_end_early_late_and_never():
    """The comparison has teeth only if rows stop at different steps and some run out of steps."""
    used, unfinished = set(), 0
    for settings in SETTINGS:
        for seed in range(6):
            target = torch.randint(VOCAB, (BATCH, CANVAS), generator=torch.Generator().manual_seed(seed))
            network = RestlessDenoiser(target, vocab_size=VOCAB, calm=0.5 + 0.4 * seed)
            generators = [canvas_generator(seed, row) for row in range(BATCH)]
            state = start_state(draw_canvas(generators, **SIZES), settings)
            while state.step < settings.max_steps and not state.finished.all():
                state = denoise_step(state, network, settings, draw_step(generators, **SIZES)).state
            used |= set(state.steps_used.tolist())
            unfinished += int((~state.finished).sum())
    assert len(used) > 6
    assert unfinished > 0
