import math

import pytest
import torch
from transformers.models.diffusion_gemma.generation_diffusion_gemma import LinearTemperatureScheduleLogitsProcessor

from gesso.errors import SettingError
from gesso.sampling.temperature import ConstantTemperature, LinearTemperature, Temperature


@pytest.mark.parametrize(("start", "end", "num_steps"), [(0.8, 0.4, 48), (1.0, 0.0, 7), (0.5, 0.1, 1)])
def test_every_step_has_the_temperature_of_the_reference(start, end, num_steps):
    reference = LinearTemperatureScheduleLogitsProcessor(t_min=end, t_max=start, max_denoising_steps=num_steps)
    logits = torch.tensor([3.0, -1.5])
    for step in range(num_steps):
        remaining = torch.tensor(num_steps - step, dtype=torch.int32)  # the reference counts down from N to 1
        expected = reference(None, logits, cur_step=remaining)
        torch.testing.assert_close(logits / LinearTemperature(start=start, end=end).at(step, num_steps), expected)


def test_the_first_step_is_the_hottest_and_the_last_is_one_step_short_of_the_end():
    schedule = LinearTemperature()
    assert schedule.at(0, 48) == 0.8
    assert schedule.at(47, 48) == pytest.approx(0.4 + 0.4 / 48)


def test_a_constant_temperature_does_not_change():
    assert [ConstantTemperature(value=0.3).at(step, 5) for step in range(5)] == [0.3] * 5


def test_the_rules_are_temperatures():
    assert isinstance(LinearTemperature(), Temperature)
    assert isinstance(ConstantTemperature(value=0.0), Temperature)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_temperature_that_is_no_temperature_is_refused(value):
    for make in (
        lambda: ConstantTemperature(value=value),
        lambda: LinearTemperature(start=value, end=0.0),
        lambda: LinearTemperature(end=value),
    ):
        with pytest.raises(SettingError, match=rf"temperature.* is {value:g}; give a number from 0"):
            make()


def test_a_canvas_that_would_heat_up_is_refused():
    with pytest.raises(SettingError, match=r"t_min is 0\.9 and t_max is 0\.8"):
        LinearTemperature(end=0.9)
