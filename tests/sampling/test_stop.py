import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.diffusion_gemma.generation_diffusion_gemma import StableAndConfidentStoppingCriteria

from gesso.errors import SettingError
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import GiveUp, NeverStop, StableAndConfident, Stop
from tests.doubles import OracleDenoiser

CPU = torch.device("cpu")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 3), st.sampled_from([0.005, 0.3, 0.8]))
def test_every_decision_of_a_whole_canvas_is_that_of_the_reference(seed, stability, confidence):
    source = torch.Generator().manual_seed(seed)
    reference = StableAndConfidentStoppingCriteria(stability_threshold=stability, confidence_threshold=confidence)
    rule = StableAndConfident(stability_steps=stability, confidence_nats=confidence)
    history = rule.start(4, 3, CPU)
    preference = torch.randint(3, (4, 3), generator=source)
    for _ in range(12):
        changed = torch.rand(4, 1, generator=source) < 0.3
        preference = torch.where(changed, torch.randint(3, (4, 3), generator=source), preference)
        sharpness = 1 + 7 * torch.rand(4, 1, generator=source)
        logits = sharpness[..., None] * torch.nn.functional.one_hot(preference, 3)
        expected = reference(logits.argmax(-1), logits)
        mean_entropy = torch.distributions.Categorical(logits=logits).entropy().mean(-1)
        decision = rule.decide(history, logits.argmax(-1), mean_entropy)
        history = decision.history
        assert decision.converged.equal(expected)
        assert not decision.given_up.any()


def steps_until_finished(rule, drafts, mean_entropies):
    """Steps that a rule lets a canvas take, negative if it was given up; None if it never stops."""
    history = rule.start(1, 1, CPU)
    for step, (draft, mean_entropy) in enumerate(zip(drafts, mean_entropies, strict=True), start=1):
        decision = rule.decide(history, torch.tensor([[draft]]), torch.tensor([mean_entropy]))
        history = decision.history
        if decision.converged.item() or decision.given_up.item():
            assert decision.converged.item() != decision.given_up.item()
            return step if decision.converged.item() else -step
    return None


@pytest.mark.parametrize("stability", [0, 1, 2, 3])
def test_a_certain_draft_that_never_changes_takes_one_step_more_than_the_stability(stability):
    rule = StableAndConfident(stability_steps=stability)
    assert steps_until_finished(rule, [7] * 6, [0.0] * 6) == stability + 1


def test_a_change_starts_the_count_again():
    rule = StableAndConfident(stability_steps=2)
    assert steps_until_finished(rule, [7, 7, 5, 7, 7, 7], [0.0] * 6) == 6


def test_only_the_last_step_must_be_confident():
    rule = StableAndConfident(stability_steps=1, confidence_nats=0.1)
    assert steps_until_finished(rule, [7, 7, 7, 7], [3.0, 3.0, 0.1, 0.05]) == 4


def test_a_decision_leaves_the_history_it_was_given_unchanged():
    rule = StableAndConfident(stability_steps=2)
    history = rule.start(1, 3, CPU)
    before = history[0].clone()
    rule.decide(history, torch.tensor([[1, 2, 3]]), torch.zeros(1))
    assert history[0].equal(before)


def test_never_is_never():
    assert steps_until_finished(NeverStop(), [7] * 9, [0.0] * 9) is None


def test_a_canvas_is_given_up_when_it_has_been_no_surer_for_a_while():
    rule = GiveUp(patience=3)
    assert steps_until_finished(rule, range(9), [1.0, 0.5, 0.6, 0.5, 0.7, 0.4, 0.3, 0.2, 0.1]) == -5
    assert steps_until_finished(rule, range(9), [1.0, 0.5, 0.6, 0.6, 0.4, 0.6, 0.6, 0.3, 0.6]) is None


def test_a_record_is_lower_by_a_share():
    falling = [0.99**step for step in range(9)]
    assert steps_until_finished(GiveUp(patience=4, min_fall=0.05), range(9), falling) == -5
    assert steps_until_finished(GiveUp(patience=4, min_fall=0.005), range(9), falling) is None
    # Slow falls add up: 0.99 ^ 6 is the first that is 0.05 below 1.
    assert steps_until_finished(GiveUp(patience=6, min_fall=0.05), range(9), falling) is None


def test_patience_has_no_say_over_a_canvas_that_converges():
    stable = StableAndConfident(stability_steps=2)
    entropies = [1.0, *[0.004] * 5]
    assert steps_until_finished(stable, [7] * 6, entropies) == 3
    assert steps_until_finished(GiveUp(rule=stable, patience=2), [7] * 6, entropies) == 3
    assert steps_until_finished(GiveUp(rule=stable, patience=1), [5, 6, 7, 7, 7, 7], entropies) == -3
    assert steps_until_finished(GiveUp(rule=NeverStop(), patience=4), [7] * 6, [0.0] * 6) == -5


@pytest.mark.parametrize(("peak", "gives_up"), [(30.0, False), (2.0, True)])
def test_patience_ends_hopeless_canvases_early_and_leaves_the_others_as_they_are(peak, gives_up):
    target = torch.randint(20, (3, 10), generator=torch.Generator().manual_seed(2))
    last = {}
    for patience in (0, 4):
        *_, result = denoise_canvas(
            OracleDenoiser(target, vocab_size=20, peak=peak),
            SamplerSettings(max_steps=300).with_overrides(patience=patience),
            [canvas_generator(7, row) for row in range(3)],
            canvas_length=10,
            vocab_size=20,
        )
        last[patience] = result.state
    assert last[4].given_up.equal(torch.full((3,), gives_up))
    assert last[4].converged.equal(~last[4].given_up)
    # The temperature falls, and with it the entropy, but by less than a twentieth in four steps.
    assert set(last[4].steps_used.tolist()) == ({5} if gives_up else {2})
    assert set(last[0].steps_used.tolist()) == ({300} if gives_up else {2})
    assert last[4].draft.equal(last[0].draft)


@pytest.mark.parametrize(
    "rule", [StableAndConfident(), NeverStop(), GiveUp(patience=1)], ids=lambda rule: type(rule).__name__
)
def test_rows_are_judged_one_by_one(rule):
    assert isinstance(rule, Stop)
    drafts = torch.tensor([[1, 2], [3, 4]])
    history = rule.start(2, 2, CPU)
    for mean_entropy in (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])):
        alone = [
            rule.decide(tuple(one[i : i + 1] for one in history), drafts[i : i + 1], mean_entropy[i : i + 1])
            for i in (0, 1)
        ]
        together = rule.decide(history, drafts, mean_entropy)
        history = together.history
        assert together.converged.equal(torch.cat([decision.converged for decision in alone]))
        assert together.given_up.equal(torch.cat([decision.given_up for decision in alone]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StableAndConfident(stability_steps=-1), "stability is -1 steps; give 0 or more"),
        (lambda: StableAndConfident(confidence_nats=0.0), "confidence threshold is 0 nats; give a number above 0"),
        (lambda: StableAndConfident(confidence_nats=math.nan), "confidence threshold is nan nats"),
        (lambda: GiveUp(patience=0), "patience is 0 steps; give 1 or more"),
        (lambda: GiveUp(min_fall=1.0), "least fall is 1; give a share from 0 up, below 1"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
