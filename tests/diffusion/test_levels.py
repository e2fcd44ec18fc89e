import math

import pytest
import torch

from gesso.diffusion.levels import LevelSampler, Mixture, PerTokenLevels, SpanLevels, UniformLevels
from gesso.errors import SettingError

RULES = [
    UniformLevels(),
    UniformLevels(low=0.6, stratified=False),
    PerTokenLevels(low=0.2, high=0.4),
    SpanLevels(max_rest=0.1),
    Mixture(parts=((3.0, UniformLevels()), (1.0, SpanLevels()))),
]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_levels_repeat_with_the_generator_and_lie_between_zero_and_one(rule):
    assert isinstance(rule, LevelSampler)
    drawn = rule.draw(16, 32, generator())
    assert drawn.shape == (16, 32)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert drawn.equal(rule.draw(16, 32, generator()))
    assert not drawn.equal(rule.draw(16, 32, generator(1)))


@pytest.mark.parametrize("stratified", [True, False])
def test_uniform_levels_are_one_for_a_canvas_and_uniform_over_canvases(stratified):
    rule = UniformLevels(low=0.2, high=0.8, stratified=stratified)
    drawn = torch.cat([rule.draw(8, 4, generator(seed)) for seed in range(500)])
    assert (drawn == drawn[:, :1]).all()
    uniform = ((drawn[:, 0] - 0.2) / 0.6).sort().values
    distance = (uniform - torch.linspace(0, 1, len(uniform))).abs().max()
    assert distance < 1.95 / math.sqrt(len(uniform))  # Kolmogorov-Smirnov, once in a thousand times


def test_a_stratified_batch_has_one_level_in_each_stratum_and_no_row_prefers_one():
    rule = UniformLevels()
    drawn = torch.stack([rule.draw(8, 1, generator(seed))[:, 0] for seed in range(500)])
    strata = (drawn * 8).long()
    assert (strata.sort(dim=1).values == torch.arange(8)).all()
    assert (strata.float().mean(0) - 3.5).abs().max() < 0.5


def test_per_token_levels_differ_within_a_canvas_and_fill_their_range():
    drawn = PerTokenLevels(low=0.2, high=0.4).draw(50, 100, generator())
    assert drawn.unique().numel() > 4000
    assert drawn.min() >= 0.2
    assert drawn.max() <= 0.4
    assert abs(float(drawn.mean()) - 0.3) < 0.005


def test_a_span_is_one_run_of_pure_noise_in_a_canvas_of_one_low_level():
    drawn = SpanLevels(min_fraction=0.1, max_fraction=0.5, max_rest=0.2).draw(300, 40, generator())
    lengths = set()
    for levels in drawn:
        span = (levels == 1).nonzero().flatten()
        assert span.tolist() == list(range(int(span[0]), int(span[-1]) + 1))
        rest = levels[levels != 1]
        assert (rest == rest[0]).all()
        assert rest[0] <= 0.2
        lengths.add(len(span))
    assert lengths == set(range(4, 21))


def test_a_span_reaches_both_ends_of_the_canvas_and_has_at_least_one_position():
    drawn = SpanLevels(min_fraction=0.0, max_fraction=0.1).draw(300, 10, generator())
    assert ((drawn == 1).sum(1) == 1).all()
    assert (drawn == 1).any(0).all()
    assert (SpanLevels(max_fraction=1.0, min_fraction=1.0).draw(3, 10, generator()) == 1).all()


def test_a_mixture_takes_each_rule_as_often_as_its_weight_says():
    rule = Mixture(parts=((3.0, UniformLevels(low=1.0)), (1.0, UniformLevels(high=0.0)), (0.0, PerTokenLevels())))
    drawn = rule.draw(4000, 2, generator())
    assert ((drawn == 0) | (drawn == 1)).all()
    assert abs(float(drawn.mean()) - 0.75) < 0.03


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UniformLevels(low=0.9, high=0.1), "low is 0.9 and high is 0.1"),
        (lambda: PerTokenLevels(high=1.5), "high is 1.5"),
        (lambda: SpanLevels(min_fraction=-0.1), "min_fraction is -0.1"),
        (lambda: SpanLevels(max_rest=2.0), "max_rest is 2"),
        (lambda: Mixture(parts=()), "weights are"),
        (lambda: Mixture(parts=((-1.0, UniformLevels()),)), "weights are"),
        (lambda: Mixture(parts=((0.0, UniformLevels()),)), "weights are"),
        (lambda: UniformLevels(low=math.nan), "low is nan"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
