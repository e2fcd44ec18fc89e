import itertools
import math
import re
from functools import cache

import numpy as np
import pytest
import torch

from gesso.constrain import paths
from gesso.constrain.constraint import CompiledRule, constrain_row
from gesso.constrain.rule import Regex, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.constrain.token_scores import sample_tokens, score_classes
from tests.constrain.plain_paths import plain_sums

TOKENS = [b"", b"a", b"b", b"ab", b"</s>", b"ba", b"<end>"]
ENDS = {4, 6}
LENGTH = 4
PATTERNS = ["a*", "(ab)*c?", "a|ba", "[ab]{2,5}", "(aab|b)*"]


@cache
def rule_of(pattern):
    return CompiledRule.of(compile_rule(Regex(pattern=pattern), Vocabulary.of(TOKENS, ENDS)), torch.device("cpu"))


@cache
def fewest_tokens(pattern, text):
    """The fewest tokens that complete a text, by trying all."""
    for count in range(6):
        for ids in itertools.product((1, 2, 3, 5), repeat=count):
            if re.fullmatch(pattern.encode(), text + b"".join(TOKENS[token] for token in ids)):
                return count
    return math.inf


@cache
def valid_canvases(pattern, remaining):
    """Every valid canvas, by its definition."""
    return [ids for ids in itertools.product(range(7), repeat=LENGTH) if is_valid(pattern, ids, remaining)]


def is_valid(pattern, ids, remaining):
    size = next((at for at, token in enumerate(ids) if token in ENDS), LENGTH)
    if size > remaining or not all(TOKENS[token] for token in ids[:size]) or not ENDS.issuperset(ids[size:]):
        return False
    text = b"".join(TOKENS[token] for token in ids[:size])
    if size < LENGTH or remaining <= LENGTH:
        return bool(re.fullmatch(pattern.encode(), text))
    return fewest_tokens(pattern, text) <= remaining - LENGTH


def scores_of(row, logits):
    total, best = score_classes(row.rule.classes, row.rule.classes.order(logits))
    return paths.Scores(total=total.double().numpy(), best=best.double().numpy())


def solve(pattern, remaining, seed, scale=3.0):
    row = constrain_row(rule_of(pattern), state=0, remaining=remaining, canvas_length=LENGTH)
    logits = scale * torch.randn(LENGTH, 7, generator=torch.Generator().manual_seed(seed))
    log_probabilities = logits.log_softmax(-1)
    canvases = torch.tensor(valid_canvases(pattern, remaining))
    weights = log_probabilities.double().gather(1, canvases.T).sum(0)
    return row, log_probabilities, canvases, weights


@pytest.mark.parametrize("remaining", [3, 4, 5, 9])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_normalizer_marginals_best_path_and_forced_positions_are_those_of_enumeration(pattern, remaining):
    for seed, scale in ((0, 1.0), (1, 60.0)):
        row, log_probabilities, canvases, weights = solve(pattern, remaining, seed, scale)
        total = weights.logsumexp(0)
        assert row.log_normalizer(log_probabilities) == pytest.approx(float(total), rel=1e-5, abs=1e-5)
        marginals, sampled, best = row.condition(log_probabilities, torch.rand(LENGTH, dtype=torch.float64))
        expected = torch.zeros(LENGTH, 7, dtype=torch.float64)
        expected.scatter_add_(1, canvases.T, (weights - total).exp().expand(LENGTH, -1))
        torch.testing.assert_close(marginals.double().exp(), expected, rtol=1e-3, atol=1e-5)
        assert best.tolist() == canvases[weights.argmax()].tolist()
        assert sampled.tolist() in canvases.tolist()
        assert row.forced.tolist() == [len(set(column)) == 1 for column in canvases.T.tolist()]


@pytest.mark.parametrize("scale", [0.0, 3.0, 90.0, 2000.0])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_recursions_give_what_their_plain_twin_gives_however_certain_the_prediction(pattern, scale):
    rule = rule_of(pattern)
    row = constrain_row(rule, state=0, remaining=14, canvas_length=12)
    total = scale * np.random.default_rng(0).standard_normal((12, rule.lattice.num_classes))
    classes = paths.Scores(total=total, best=total)
    final = np.where(rule.lattice.distance <= 2, 0.0, -np.inf)
    with np.errstate(invalid="ignore"):
        log_normalizer, factors = plain_sums(rule.lattice, total, 0, final)
    plain = total + factors
    # What is less likely than the least number of float64 is as good as impossible, and so is 1e-39.
    ways = {paths.sum_ways_in_logarithms: -650.0, paths.sum_ways_scaled: -90.0, paths.sum_ways: -90.0}
    for sum_ways, least in ways.items():
        sums = sum_ways(rule.lattice, row.layers, classes)
        if sums is None:
            assert scale > 90
            continue
        assert sums.log_normalizer == pytest.approx(log_normalizer, rel=1e-12)
        ours, likely = total + sums.factors, plain > least
        assert ours[likely] == pytest.approx(plain[likely], rel=1e-9, abs=1e-9)
        assert (ours[~likely] < least + 50).all()


def test_what_probabilities_would_lose_is_summed_in_logarithms():
    """Both texts are all but impossible, and before and behind each position the other one looks far better."""
    rule = rule_of("a{3}|b{3}")
    row = constrain_row(rule, state=0, remaining=LENGTH, canvas_length=LENGTH)
    logits = torch.zeros(LENGTH, 7)
    logits[0, 1] = logits[2, 2] = 800.0
    classes = scores_of(row, logits)
    assert paths.sum_ways_scaled(rule.lattice, row.layers, classes) is None
    assert row.log_normalizer(logits) < -799
    likelier = logits.clone()
    likelier[1, 1] = 1.0
    assert row.condition(likelier, torch.rand(LENGTH, dtype=torch.float64))[1].tolist()[:3] in ([1, 1, 1], [2, 2, 2])


def test_samples_come_in_proportion_to_their_probability():
    """Chi-square over every valid canvas, at a significance of one in ten thousand."""
    row, log_probabilities, canvases, weights = solve("(ab)*c?", 5, seed=2, scale=1.0)
    lattice, classes = row.rule.lattice, scores_of(row, log_probabilities)
    sums = paths.sum_ways(lattice, row.layers, classes)
    generator = np.random.default_rng(0)
    draws, counts = 1500, dict.fromkeys(map(tuple, canvases.tolist()), 0)
    walks = [paths.sample_walk(lattice, row.layers, classes, sums, generator.random(LENGTH)) for _ in range(draws)]
    chosen, left = (np.concatenate([getattr(walk, name) for walk in walks]) for name in ("classes", "uniforms"))
    predictions = row.rule.classes.order(log_probabilities).repeat(draws, 1)
    tokens = sample_tokens(row.rule.classes, predictions, torch.from_numpy(chosen), torch.from_numpy(left))
    for canvas in tokens.view(draws, LENGTH).tolist():
        counts[tuple(canvas)] += 1
    expected = draws * weights.softmax(0).numpy()
    observed = np.array(list(counts.values()))
    rare = expected < 5
    expected = np.append(expected[~rare], expected[rare].sum())
    observed = np.append(observed[~rare], observed[rare].sum())
    freedom = len(expected) - 1
    # The Wilson-Hilferty approximation of the chi-square quantile; 3.72 is the normal one.
    bound = freedom * (1 - 2 / (9 * freedom) + 3.72 * math.sqrt(2 / (9 * freedom))) ** 3
    assert ((observed - expected) ** 2 / expected).sum() < bound


def test_what_is_chosen_in_rows_is_chosen_in_each():
    generator = np.random.default_rng(0)
    weights = generator.random((200, 7)) * (generator.random((200, 7)) < 0.6)
    weights[:, 3] += 1e-9
    uniforms = generator.random(200)
    uniforms[:9] = 0.0, math.nextafter(1, 0), *np.full(7, 0.5)
    which, left = paths._choose_in_rows(weights, uniforms)
    expected = [paths._choose(row, uniform) for row, uniform in zip(weights, uniforms.tolist(), strict=True)]
    assert list(zip(which.tolist(), left.tolist(), strict=True)) == expected


def test_a_rule_that_allows_everything_changes_no_prediction():
    tokens = [b"a", b"b", b"c", b"d"]
    rule = CompiledRule.of(
        compile_rule(Regex(pattern="[a-d]*"), Vocabulary.of([*tokens, b""], {4})), torch.device("cpu")
    )
    row = constrain_row(rule, state=0, remaining=10**6, canvas_length=LENGTH)
    logits = torch.randn(LENGTH, 5, generator=torch.Generator().manual_seed(0))
    logits[:, 4] = -math.inf
    marginals, _, best = row.condition(logits.log_softmax(-1), torch.rand(LENGTH, dtype=torch.float64))
    torch.testing.assert_close(marginals, logits.log_softmax(-1))
    assert best.equal(logits.argmax(-1))
