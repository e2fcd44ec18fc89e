import math

import pytest
import torch

from gesso.constrain.constraint import CanvasConstraint, CompiledRule, constrain_row
from gesso.constrain.rule import Regex, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.errors import InputError
from gesso.sampling.constraint import Constraint
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import NeverStop
from tests.doubles import RestlessDenoiser

LETTERS = "abcdefghijklmnopqrs"
LENGTH, VOCABULARY, END = 10, 20, 19
CPU = torch.device("cpu")


def rule_of(pattern):
    tokens = Vocabulary.of([*(letter.encode() for letter in LETTERS), b""], {END})
    return CompiledRule.of(compile_rule(Regex(pattern=pattern), tokens), CPU)


RULE = rule_of("(abc|d){2,}e[f-i]*")


def constraint_of(*rules):
    rows = [rule and constrain_row(rule, state=0, remaining=LENGTH, canvas_length=LENGTH) for rule in rules]
    return CanvasConstraint.of(rows, canvas_length=LENGTH, device=CPU)


def run(constraint, *, pins=None, sampler=None, seed=0):
    batch = len(constraint.rows) if constraint is not None else 2
    target = torch.randint(VOCABULARY, (batch, LENGTH), generator=torch.Generator().manual_seed(seed))
    return list(
        denoise_canvas(
            RestlessDenoiser(target, vocab_size=VOCABULARY),
            SamplerSettings().with_overrides(steps=6) if sampler is None else sampler,
            [canvas_generator(seed, row) for row in range(batch)],
            canvas_length=LENGTH,
            vocab_size=VOCABULARY,
            pins=pins,
            constraint=constraint,
        )
    )


def is_valid(ids):
    return RULE.automaton.accepts(ids.tolist())


def test_the_room_constrain_has_a_constraint():
    assert isinstance(constraint_of(RULE), Constraint)


@pytest.mark.parametrize("temperature", [None, 0.0])
def test_every_draft_and_every_sample_is_valid_and_accepted_tokens_come_from_it(temperature):
    for result in run(
        constraint_of(RULE, RULE), sampler=SamplerSettings().with_overrides(temperature=temperature, steps=6)
    ):
        for row in range(2):
            assert is_valid(result.state.draft[row])
            assert is_valid(result.sampled[row])
        assert result.state.canvas[result.accepted].equal(result.sampled[result.accepted])
        assert result.entropy.isfinite().all()
        if temperature == 0:
            assert result.sampled.equal(result.state.draft)


def test_pins_and_a_constraint_hold_together():
    pins = Pins(mask=torch.arange(LENGTH).expand(2, LENGTH) == 4, tokens=torch.full((2, LENGTH), LETTERS.index("e")))
    for result in run(constraint_of(RULE, RULE), pins=pins):
        for tokens in (result.state.draft, result.sampled):
            assert (tokens[:, 4] == LETTERS.index("e")).all()
            assert all(map(is_valid, tokens))


def test_pins_that_contradict_the_constraint_are_refused_before_any_step():
    pins = Pins(mask=torch.arange(LENGTH).expand(1, LENGTH) == 0, tokens=torch.full((1, LENGTH), LETTERS.index("e")))
    with pytest.raises(InputError, match="no canvas has the pins of row 0 and is valid"):
        run(constraint_of(RULE), pins=pins)


def test_forced_positions_do_not_make_the_others_look_certain():
    constraint = constraint_of(rule_of("[abc]dddd"))
    (result,) = run(constraint, sampler=SamplerSettings(max_steps=1))
    assert constraint.forced[0].tolist() == [False] + [True] * 9
    assert result.accepted[0, 1:].all()
    torch.testing.assert_close(result.mean_entropy[0], result.entropy[0, 0])
    assert result.mean_entropy[0] > 5 * result.entropy[0].mean()


def test_a_row_without_a_constraint_is_written_as_if_there_were_none():
    sampler = SamplerSettings(max_steps=4, stop=NeverStop())
    free, mixed = run(None, sampler=sampler), run(constraint_of(RULE, None), sampler=sampler)
    for one, other in zip(free, mixed, strict=True):
        assert one.state.canvas[1].equal(other.state.canvas[1])
        assert one.state.draft[1].equal(other.state.draft[1])
        assert one.mean_entropy[1] == other.mean_entropy[1]
        assert is_valid(other.state.draft[0])


def test_what_is_fed_back_is_the_prediction_among_valid_canvases():
    (result,) = run(constraint_of(rule_of("a{10}")), sampler=SamplerSettings(max_steps=1))
    embedding = RestlessDenoiser(torch.zeros(1, LENGTH, dtype=torch.int64), vocab_size=VOCABULARY).embedding
    expected = (embedding[0] * math.sqrt(embedding.shape[1])).expand(1, LENGTH, -1)
    torch.testing.assert_close(result.state.conditioning, expected)
