import pytest

from gesso.cli import options
from gesso.sampling.accept import EntropyBound, TopK
from gesso.sampling.named import NAMES, RULES, entropy_bound_of, name_of, with_entropy_bound
from gesso.sampling.pace import RisingBound
from gesso.sampling.posterior import ExactPosterior

BOUND = EntropyBound(bound_nats=0.7, reach=5)


@pytest.mark.parametrize("name", RULES)
def test_a_name_gives_a_rule_and_the_rule_its_name(name):
    assert name_of(RULES[name](EntropyBound())) == name
    rule = RULES[name](BOUND)
    assert name_of(rule) == name
    assert entropy_bound_of(rule) in (BOUND, None)


def test_a_rule_of_other_values_has_no_name():
    assert name_of(TopK(per_step=4)) is None


def test_an_entropy_bound_goes_into_the_rule_that_builds_on_one_and_otherwise_takes_its_place():
    assert with_entropy_bound(RisingBound(), BOUND) == RisingBound(least=BOUND)
    assert with_entropy_bound(ExactPosterior(), BOUND) == with_entropy_bound(EntropyBound(), BOUND) == BOUND


def test_the_command_line_names_every_sampler():
    (option,) = options.Sampler.__metadata__
    assert all(name in option.help for name in NAMES)
