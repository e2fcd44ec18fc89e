import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.sampling.accept import ConfidenceThreshold, EntropyBound, TopK
from gesso.sampling.pace import EvenCount, RisingBound
from gesso.sampling.posterior import ExactPosterior, GibbsCorrector
from gesso.sampling.row_rules import MAX_STABILITY_STEPS, RowNumbers, row_numbers, row_settings
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import GiveUp, NeverStop, StableAndConfident, Stop
from gesso.sampling.temperature import ConstantTemperature
from gesso.sampling.transition import Transition, next_canvas
from tests.sampling.test_transition import proposal

ROWS, LENGTH = 3, 6
CPU = torch.device("cpu")

bounds = st.builds(EntropyBound, bound_nats=st.sampled_from([0.05, 0.4, 3.0]), reach=st.none() | st.integers(1, LENGTH))
stable = st.builds(
    StableAndConfident,
    stability_steps=st.integers(0, MAX_STABILITY_STEPS),
    confidence_nats=st.sampled_from([0.005, 0.3, 0.9]),
)
stops = stable | st.just(NeverStop())
covered = st.builds(
    SamplerSettings,
    max_steps=st.integers(1, 12),
    temperature=st.sampled_from([ConstantTemperature(value=0.0), ConstantTemperature(value=0.7)]),
    acceptance=bounds | bounds.map(lambda least: RisingBound(least=least)),
    stop=stops | st.builds(GiveUp, rule=stops, patience=st.integers(1, 3), min_fall=st.sampled_from([0.0, 0.05, 0.5])),
)


def numbers(batch: list[SamplerSettings], step: int) -> torch.Tensor:
    return torch.tensor([row_numbers(one, min(step, one.max_steps - 1)) for one in batch], dtype=torch.float64)


@settings(max_examples=60, deadline=None)
@given(st.lists(covered, min_size=ROWS, max_size=ROWS), st.integers(0, 11), st.integers(0, 10_000), st.booleans())
def test_every_row_makes_the_canvas_and_has_the_temperature_that_its_own_settings_give(batch, step, seed, has_pins):
    source = torch.Generator().manual_seed(seed)
    seen = {"seed": seed, "shape": (ROWS, LENGTH), "fixed": torch.rand(ROWS, LENGTH, generator=source) < 0.3}
    seen = seen if has_pins else seen | {"fixed": None}
    temperature, shared = row_settings(numbers(batch, step))
    assert isinstance(shared.acceptance, Transition)
    ours = shared.acceptance.advance(proposal(**seen))
    for row, own in enumerate(batch):
        alone = proposal(**seen, step=min(step, own.max_steps - 1), max_steps=own.max_steps)
        for tensor, expected in zip(ours, next_canvas(own.acceptance, alone), strict=True):
            assert torch.equal(tensor[row], expected[row])
        assert temperature[row] == pytest.approx(own.temperature.at(alone.step, own.max_steps))


@settings(max_examples=60, deadline=None)
@given(st.lists(covered, min_size=ROWS, max_size=ROWS), st.integers(0, 10_000))
def test_every_row_stops_at_the_step_at_which_its_own_rule_stops_it(batch, seed):
    source = torch.Generator().manual_seed(seed)
    shared = row_settings(numbers(batch, 0))[1].stop
    assert isinstance(shared, Stop)
    history = shared.start(ROWS, LENGTH, CPU)
    histories = [own.stop.start(1, LENGTH, CPU) for own in batch]
    draft = torch.randint(3, (ROWS, LENGTH), generator=source)
    for _ in range(12):
        changed = torch.rand(ROWS, 1, generator=source) < 0.3
        draft = torch.where(changed, torch.randint(3, (ROWS, LENGTH), generator=source), draft)
        mean_entropy = torch.rand(ROWS, generator=source)
        decision = shared.decide(history, draft, mean_entropy)
        history = decision.history
        for row, own in enumerate(batch):
            alone = own.stop.decide(histories[row], draft[row : row + 1], mean_entropy[row : row + 1])
            histories[row] = alone.history
            assert bool(decision.converged[row]) == bool(alone.converged)
            assert bool(decision.given_up[row]) == bool(alone.given_up)


def test_the_published_settings_are_these_numbers():
    assert row_numbers(SamplerSettings(), 0) == RowNumbers(
        temperature=0.8,
        bound_nats=0.1,
        exponent=0.0,
        reach=math.inf,
        confidence_nats=0.005,
        stability_steps=1.0,
        patience=math.inf,
        record_share=1.0,
    )


@pytest.mark.parametrize(
    "changes",
    [
        *({"acceptance": rule} for rule in (ConfidenceThreshold(), TopK(per_step=2), EvenCount())),
        *({"acceptance": rule} for rule in (ExactPosterior(), GibbsCorrector())),
        {"stop": StableAndConfident(stability_steps=MAX_STABILITY_STEPS + 1)},
        {"stop": GiveUp(rule=GiveUp())},
    ],
)
def test_other_rules_have_no_numbers(changes):
    assert row_numbers(SamplerSettings(**changes), 0) is None
