import pytest
import torch

from gesso.sampling.accept import EntropyBound
from gesso.sampling.named import RULES
from gesso.sampling.posterior import GibbsCorrector
from gesso.sampling.transition import Corrector, Proposal, Transition, corrected_level, next_canvas


def proposal(seed=0, shape=(3, 12), vocab_size=40, **changes):
    source = torch.Generator().manual_seed(seed)
    canvas, sampled, noise = (torch.randint(vocab_size, shape, generator=source) for _ in range(3))
    entropy = torch.rand(shape, generator=source).pow(4) * 3
    values = {
        "canvas": canvas,
        "sampled": sampled,
        "noise": noise,
        "coins": torch.rand(shape, generator=source, dtype=torch.float64),
        "entropy": entropy,
        "confidence": (-entropy).exp(),
        "fixed": None,
        "vocab_size": vocab_size,
        "step": 3,
        "max_steps": 8,
    }
    return Proposal(**(values | changes))


def test_a_rule_of_acceptance_renoises_what_it_does_not_keep():
    seen, rule = proposal(), EntropyBound()
    canvas, accepted = next_canvas(rule, seen)
    assert accepted.equal(rule.accept(seen.entropy, seen.confidence))
    assert canvas.equal(torch.where(accepted, seen.sampled, seen.noise))


def test_a_position_takes_its_sample_stays_or_becomes_noise():
    seen = proposal()
    stay, renoise = seen.coins < 0.3, (seen.coins >= 0.3) & (seen.coins < 0.6)
    canvas, accepted = seen.choose(stay=stay, renoise=renoise)
    assert accepted.equal(seen.coins >= 0.6)
    for where, tokens in ((stay, seen.canvas), (renoise, seen.noise), (accepted, seen.sampled)):
        assert where.any()
        assert canvas[where].equal(tokens[where])


@pytest.mark.parametrize("name", RULES)
def test_fixed_positions_have_their_sample_whatever_the_rule(name):
    for step in range(8):
        fixed = torch.rand(3, 12, generator=torch.Generator().manual_seed(step)) < 0.5
        seen = proposal(step, fixed=fixed, step=step)
        canvas, accepted = next_canvas(RULES[name](EntropyBound()), seen)
        assert accepted[fixed].all()
        assert canvas[accepted].equal(seen.sampled[accepted])


@pytest.mark.parametrize("name", RULES)
def test_only_a_corrector_ever_leaves_out_what_a_position_shows(name):
    rule = RULES[name](EntropyBound())
    levels = [corrected_level(rule, step, 8) for step in range(8)]
    assert any(levels) == isinstance(rule, Corrector) == (name == "gibbs")
    assert isinstance(GibbsCorrector(), Transition)
