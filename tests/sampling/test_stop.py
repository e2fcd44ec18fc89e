import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.diffusion_gemma.generation_diffusion_gemma import StableAndConfidentStoppingCriteria

from gesso.errors import SettingError
from gesso.sampling.stop import NeverStop, StableAndConfident, Stop

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
        finished, history = rule.decide(history, logits.argmax(-1), mean_entropy)
        assert finished.equal(expected)


def steps_until_finished(rule, drafts, mean_entropies):
    history = rule.start(1, 1, CPU)
    for step, (draft, mean_entropy) in enumerate(zip(drafts, mean_entropies, strict=True), start=1):
        finished, history = rule.decide(history, torch.tensor([[draft]]), torch.tensor([mean_entropy]))
        if finished.item():
            return step
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
    before = history.clone()
    rule.decide(history, torch.tensor([[1, 2, 3]]), torch.zeros(1))
    assert history.equal(before)


def test_never_is_never():
    assert steps_until_finished(NeverStop(), [7] * 9, [0.0] * 9) is None


@pytest.mark.parametrize("rule", [StableAndConfident(), NeverStop()], ids=lambda rule: type(rule).__name__)
def test_rows_are_judged_one_by_one(rule):
    assert isinstance(rule, Stop)
    drafts = torch.tensor([[1, 2], [3, 4]])
    history = rule.start(2, 2, CPU)
    for mean_entropy in (torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])):
        alone = torch.cat(
            [rule.decide(history[i : i + 1], drafts[i : i + 1], mean_entropy[i : i + 1])[0] for i in (0, 1)]
        )
        together, history = rule.decide(history, drafts, mean_entropy)
        assert together.equal(alone)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StableAndConfident(stability_steps=-1), "stability is -1 steps; give 0 or more"),
        (lambda: StableAndConfident(confidence_nats=0.0), "confidence threshold is 0 nats; give a number above 0"),
        (lambda: StableAndConfident(confidence_nats=math.nan), "confidence threshold is nan nats"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
