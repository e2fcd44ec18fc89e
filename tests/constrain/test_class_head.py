"""One pass over the classes of a rule reads what the plain operations read from whole, conditioned logits."""

import math

import pytest
import torch

from gesso.constrain import class_head, token_scores
from gesso.constrain.constraint import CanvasConstraint, constrain_row
from gesso.constrain.rule import Choice, JsonSchema, Regex
from gesso.errors import GenerationError
from gesso.ops.head import soft_embedding, softcapped_logits
from gesso.ops.read_head import read_head
from gesso.sampling.pins import Pins
from gesso.sampling.statistics import measure, temper
from tests.constrain.byte_vocabulary import END, TOKENS, compiled, text_of

LENGTH, WIDTH, CAP = 40, 12, 30.0
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
RULES = [JsonSchema(schema=SCHEMA), Regex(pattern="[a-z ]+(0|1)?"), Choice(texts=("yes", "no", "no\u00e9"))]


def constraint_of(*rules):
    rows = [rule and constrain_row(compiled(rule), state=0, remaining=60, canvas_length=LENGTH) for rule in rules]
    return CanvasConstraint.of(rows, canvas_length=LENGTH, device=torch.device("cpu"))


def drawn(rows, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = 2 * torch.randn(rows, LENGTH, WIDTH, generator=generator)
    embedding = torch.randn(len(TOKENS), WIDTH, generator=generator)
    uniforms = torch.rand(rows, LENGTH, generator=generator, dtype=torch.float64)
    return hidden.to(dtype), embedding.to(dtype), uniforms


def plain(constraint, hidden, embedding, temperature, uniforms, pins=None):
    logits = temper(softcapped_logits(hidden, embedding, CAP), temperature)
    if pins is not None:
        logits = pins.apply_to_logits(logits)
    conditioned, sampled, best = constraint.condition(logits, uniforms)
    return (
        measure(conditioned, temperature, uniforms),
        torch.where((temperature == 0)[:, None], best, sampled),
        best,
        soft_embedding(conditioned, embedding, WIDTH**0.5),
    )


def assert_same(reading, statistics, sampled, best, soft, error=1e-4, where=...):
    assert reading.sampled[where].equal(sampled[where])
    assert reading.argmax[where].equal(best[where])
    for name in ("entropy", "confidence"):
        torch.testing.assert_close(
            getattr(reading, name)[where], getattr(statistics, name)[where], rtol=error, atol=error
        )
    assert (reading.soft_embedding[where] - soft[where]).float().norm() <= error * soft[where].float().norm()


@pytest.mark.parametrize("large", [1, 20, 1000])
@pytest.mark.parametrize("temperature", [0.8, 0.1, 0.0])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_reading_by_classes_is_that_of_conditioned_logits(rule, temperature, large, monkeypatch):
    monkeypatch.setattr(token_scores, "LARGE", large)
    heat = torch.tensor([temperature])
    hidden, embedding, uniforms = drawn(1)
    reading = constraint_of(rule).read_head(hidden, embedding, CAP, heat, uniforms)
    assert_same(reading, *plain(constraint_of(rule), hidden, embedding, heat, uniforms))


@pytest.mark.parametrize(("limit", "value"), [("MAX_GATHERED_BYTES", 0), ("KEPT", 0), ("CHUNK", 7)])
def test_a_vocabulary_too_large_to_be_kept_or_read_at_once_is_read_alike(limit, value, monkeypatch):
    hidden, embedding, uniforms = drawn(1)
    monkeypatch.setattr(token_scores, "LARGE", 4)
    monkeypatch.setattr(class_head, limit, value)
    heat = torch.tensor([0.6])
    reading = constraint_of(RULES[1]).read_head(hidden, embedding, CAP, heat, uniforms)
    assert_same(reading, *plain(constraint_of(RULES[1]), hidden, embedding, heat, uniforms))


def test_in_bfloat16_a_reading_by_classes_errs_as_little():
    hidden, embedding, uniforms = drawn(1, torch.bfloat16)
    heat = torch.tensor([0.6])
    reading = constraint_of(RULES[0]).read_head(hidden, embedding, CAP, heat, uniforms)
    assert_same(reading, *plain(constraint_of(RULES[0]), hidden, embedding, heat, uniforms), error=2e-2)


def test_rows_with_rules_of_their_own_and_without_are_read_as_if_they_were_alone():
    hidden, embedding, uniforms = drawn(3)
    heat = torch.tensor([0.8, 0.5, 0.0])
    together = constraint_of(RULES[0], None, RULES[2]).read_head(hidden, embedding, CAP, heat, uniforms)
    for row, rule in enumerate((RULES[0], None, RULES[2])):
        inputs = (hidden[row : row + 1], embedding, CAP, heat[row : row + 1], uniforms[row : row + 1])
        alone = read_head(*inputs) if rule is None else constraint_of(rule).read_head(*inputs)
        for name in ("entropy", "confidence", "argmax", "sampled", "soft_embedding"):
            assert getattr(alone, name)[0].equal(getattr(together, name)[row])


def test_pinned_tokens_are_conditioned_on_and_impossible_ones_are_told():
    hidden, embedding, uniforms = drawn(1)
    heat, mask = torch.tensor([0.7]), torch.zeros(1, LENGTH, dtype=torch.bool)
    mask[0, [9, 12]] = True
    pins = Pins(mask=mask, tokens=torch.full((1, LENGTH), ord("q")))
    pinned = pins.tokens.masked_fill(~mask, -1)
    for rule in RULES[:2]:
        reading = constraint_of(rule).read_head(hidden, embedding, CAP, heat, uniforms, pinned=pinned)
        assert_same(reading, *plain(constraint_of(rule), hidden, embedding, heat, uniforms, pins), where=~mask)
    for token in (END - 1, ord("Q")):  # valid nowhere, and not here
        with pytest.raises(GenerationError, match="rules out every text"):
            constraint_of(RULES[1]).read_head(
                hidden, embedding, CAP, heat, uniforms, pinned=pinned.masked_fill(mask, token)
            )


def test_a_hidden_state_that_is_not_a_number_shows_in_the_entropy_of_its_position():
    hidden, embedding, uniforms = drawn(1)
    hidden[0, 4, 0] = math.nan
    reading = constraint_of(RULES[1]).read_head(hidden, embedding, CAP, torch.ones(1), uniforms)
    assert (~reading.entropy.isfinite()).nonzero().tolist() == [[0, 4]]
    assert ((reading.sampled >= 0) & (reading.sampled < len(TOKENS))).all()


def test_what_is_kept_from_step_to_step_is_forgotten_with_other_weights():
    hidden, embedding, uniforms = drawn(1)
    constraint, heat = constraint_of(RULES[1]), torch.tensor([0.6])
    constraint.read_head(hidden, embedding, CAP, heat, uniforms)
    other = embedding.flip(0)
    reading = constraint.read_head(hidden, other, CAP, heat, uniforms)
    assert_same(reading, *plain(constraint_of(RULES[1]), hidden, other, heat, uniforms))


def test_a_rule_of_few_tokens_looks_at_no_others():
    hidden, embedding, uniforms = drawn(1)
    rule = RULES[2]
    valid = compiled(rule).classes.tokens
    blind = torch.full_like(embedding, math.nan)
    blind[valid] = embedding[valid]
    reading = constraint_of(rule).read_head(hidden, blind, CAP, torch.ones(1), uniforms)
    assert text_of(reading.argmax[0].tolist()).decode() in rule.texts
    assert reading.soft_embedding.isfinite().all()
