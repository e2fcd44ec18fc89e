import torch
from hypothesis import given
from hypothesis import strategies as st

from gesso.diffusion.schedule import LinearSchedule


def test_everything_is_kept_at_level_zero_and_nothing_at_level_one():
    ends = LinearSchedule().keep_probability(torch.tensor([0.0, 1.0]))
    assert ends.tolist() == [1.0, 0.0]


@given(st.floats(0, 1))
def test_the_derivative_is_the_slope_of_the_keep_probability(level):
    t = torch.tensor(level, dtype=torch.float64, requires_grad=True)
    schedule = LinearSchedule()
    schedule.keep_probability(t).backward()
    assert t.grad == schedule.derivative(t.detach())
