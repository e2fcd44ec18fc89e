import math

import pytest
import torch

from gesso.constrain.constraint import CanvasConstraint, constrain_row
from gesso.constrain.rule import Choice, Regex
from gesso.errors import GenerationError, SettingError
from tests.constrain.byte_vocabulary import END, TOKENS, compiled, text_of, write

CPU = torch.device("cpu")


def batch_of(*rows, canvas_length=6):
    return CanvasConstraint.of(rows, canvas_length=canvas_length, device=CPU)


def predictions(rows, canvas_length=6, seed=0):
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, canvas_length, len(TOKENS), generator=source)
    return logits, torch.rand(rows, canvas_length, generator=source, dtype=torch.float64)


@pytest.mark.parametrize("spare", [0, 1, 5, 30])
def test_a_text_of_several_canvases_is_valid_and_ends_within_its_tokens(spare):
    rule = compiled(Regex(pattern="(abc)+|x{9,12}y|(z\u00e9){5,}"))
    remaining = int(rule.automaton.distance[0]) + spare
    for seed in range(6):
        for ids in write(rule, remaining, torch.Generator().manual_seed(seed), canvas_length=4):
            assert rule.automaton.accepts(ids)
            assert len(text_of(ids)) > 0


def test_rows_with_their_own_rules_and_states_share_a_batch_and_do_not_know_it():
    words, letters = compiled(Choice(texts=("yes", "no"))), compiled(Regex(pattern="[a-f]{3,20}"))
    rows = [
        constrain_row(words, state=0, remaining=6, canvas_length=6),
        None,
        constrain_row(letters, state=letters.automaton.advance(0, b"abc"), remaining=60, canvas_length=6),
    ]
    logits, uniforms = predictions(3)
    together = batch_of(*rows)
    results = together.condition(logits, uniforms)
    assert together.constrained.tolist() == [True, False, True]
    assert results[0][1].equal(logits[1])
    assert text_of(results[1][0].tolist()) in (b"yes", b"no")
    for index in (0, 2):
        alone = batch_of(rows[index]).condition(logits[index : index + 1], uniforms[index : index + 1])
        for one, many in zip(alone, results, strict=True):
            assert one[0].equal(many[index])
    assert together.log_normalizer(logits)[1] == 0.0


def test_what_follows_the_only_end_is_forced():
    row = constrain_row(compiled(Choice(texts=("yes", "no"))), state=0, remaining=6, canvas_length=6)
    assert row.forced.tolist() == [False, False, False, True, True, True]


def test_a_text_that_must_be_over_is_filled_up_with_ends():
    row = constrain_row(compiled(Regex(pattern="a*")), state=0, remaining=3, canvas_length=6)
    logits, uniforms = predictions(1)
    marginals, sampled, best = batch_of(row).condition(logits, uniforms)
    for ids in (sampled[0], best[0]):
        assert ids[3:].tolist() == [END] * 3
    assert marginals[0, 3:].exp()[:, END] == pytest.approx([1.0] * 3)


def test_pinned_predictions_are_conditioned_on_and_impossible_ones_are_told():
    row = constrain_row(compiled(Regex(pattern="[ab]{6}|c{6}")), state=0, remaining=6, canvas_length=6)
    logits, uniforms = predictions(1)
    pinned = logits.clone()
    pinned[0, 4] = -math.inf
    pinned[0, 4, ord("c")] = 0.0
    _, sampled, best = batch_of(row).condition(pinned, uniforms)
    assert text_of(sampled[0].tolist()) == text_of(best[0].tolist()) == b"cccccc"
    pinned[0, 1] = -math.inf
    pinned[0, 1, ord("a")] = 0.0
    assert batch_of(row).log_normalizer(pinned).tolist() == [-math.inf]
    with pytest.raises(GenerationError, match="rules out every text that the regular expression"):
        batch_of(row).condition(pinned, uniforms)


def test_logits_that_are_not_numbers_stay_so_for_the_sampler_to_report():
    row = constrain_row(compiled(Regex(pattern="[a-z]*")), state=0, remaining=6, canvas_length=6)
    logits, uniforms = predictions(1)
    logits[0, 2] = math.nan
    marginals, sampled, best = batch_of(row).condition(logits, uniforms)
    assert marginals[0, 2].isnan().all()
    assert all(0 <= token < len(TOKENS) for token in (*sampled[0].tolist(), *best[0].tolist()))


def test_too_few_tokens_are_refused_with_the_number_that_is_needed():
    rule = compiled(Regex(pattern="x{9,12}"))
    with pytest.raises(SettingError, match="needs at least 9 more tokens and 8 are left"):
        constrain_row(rule, state=0, remaining=8, canvas_length=6)
