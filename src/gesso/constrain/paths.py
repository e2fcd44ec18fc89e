"""All ways of a canvas through an automaton at once: sums over them, the best of them, and fair samples.

The prediction of a step is independent from position to position, so a canvas under an automaton is a hidden Markov
chain whose hidden state is the automaton's, and the textbook recursions over positions and states are exact. The sums
run twice over the positions in plain probabilities, scaled at each so that the largest is 1. What gets lost then, below
the range of float64, is bounded by the largest numbers on both sides of a position; where that bound says that it could
matter, because the network is certain of what the automaton forbids, the sums run in logarithms instead. The best way
always does. All in numpy and float64: the recursions are sequential and small, so that what an operation costs is to
start it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from gesso.constrain.lattice import Lattice
from gesso.constrain.layers import Layer

FAINT = 600.0
"""Nats below the largest number up to which float64 keeps its full precision, less 100 to spare."""

STRIDE = 4
"""Positions from one scaling to the next. Between two the numbers grow by far less than what is to spare."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Logarithms of the weights of sets of tokens at each position, up to a constant for each position.

    Attributes:
        total: of any token of the set.
        best: of the likeliest token of the set.
    """

    total: Float64[np.ndarray, "C N"]
    best: Float64[np.ndarray, "C N"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What each position knows of the others.

    Attributes:
        moves: weight of each edge of each position, up to a constant for each state: so probable are the edges of a
            state, given it and that the canvas is valid.
        factors: what the constraint multiplies the weight of each class by, in logarithms:
            p(token at a position | the canvas is valid) = exp(score of the token + factor of its class).
        log_normalizer: log of the sum over all valid canvases; if scores are log-probabilities, of the chance that an
            unconstrained sample is valid.
    """

    moves: tuple[Float64[np.ndarray, "_"], ...]
    factors: Float64[np.ndarray, "C K"]
    log_normalizer: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """One way through the automaton.

    Attributes:
        classes: the class of the token at each position.
        uniforms: what is left of the numbers that chose them, in [0, 1), to choose within the class.
    """

    classes: Int[np.ndarray, "C"]
    uniforms: Float64[np.ndarray, "C"]


def sum_ways(lattice: Lattice, layers: Sequence[Layer], classes: Scores) -> Sums:
    """Sum over all valid canvases, in plain probabilities where they reach, in logarithms where they do not."""
    sums = sum_ways_scaled(lattice, layers, classes)
    return sum_ways_in_logarithms(lattice, layers, classes) if sums is None else sums


def sum_ways_scaled(lattice: Lattice, layers: Sequence[Layer], classes: Scores) -> Sums | None:
    """The sums in plain probabilities; None where too much could get lost of them."""
    peaks = np.maximum(classes.total.max(axis=1), np.finfo(np.float64).min)
    groups = lattice.group_members.sum(np.exp(classes.total - peaks[:, None]).take(lattice.members, axis=1))

    length = len(layers)
    scales = np.ones((2, length + 1))  # of what is before, and behind, each position and the last
    ways, moves = np.ones(layers[-1].num_targets), []
    for at in reversed(range(length)):
        layer = layers[at]
        move = ways.take(layer.target)
        move *= groups[at].take(layer.group)
        moves.append(move)
        ways = np.bincount(layer.source, move)
        if at % STRIDE == 0:
            largest = scales[1, at] = np.maximum.reduce(ways)
            if not largest > 0:
                return None
            ways /= largest
    moves.reverse()

    chances, ways = np.empty_like(groups), np.ones(1)
    for at, (layer, move) in enumerate(zip(layers, moves, strict=True)):
        before = ways.take(layer.source)
        chances[at] = np.bincount(layer.group, before * move, lattice.num_groups)
        before *= groups[at].take(layer.group)
        ways = np.bincount(layer.target, before, layer.num_targets)
        if at % STRIDE == STRIDE - 1:
            largest = scales[0, at + 1] = np.maximum.reduce(ways)
            if not largest > 0:
                return None
            ways /= largest

    rises = np.log(scales)
    rises[0, 1:] += peaks
    rises[1, :-1] += peaks
    log_normalizer = float(rises[1].sum())
    around = rises[0].cumsum()[:-1] + rises[1, ::-1].cumsum()[::-1][1:] - log_normalizer
    if not (around + peaks).max() < FAINT:
        return None
    shares = np.divide(chances, groups, out=np.zeros_like(groups), where=groups > 0)
    holders = lattice.member_group[lattice.class_groups.order]
    factors = lattice.class_groups.sum(shares.take(holders, axis=1))
    with np.errstate(divide="ignore"):
        factors = np.log(factors) + around[:, None]
    return Sums(moves=tuple(moves), factors=factors, log_normalizer=log_normalizer)


def sum_ways_in_logarithms(lattice: Lattice, layers: Sequence[Layer], classes: Scores) -> Sums:
    """The sums however improbable they are."""
    groups = lattice.group_members.logsumexp(classes.total.take(lattice.members, axis=1))
    chances = np.empty_like(groups)
    ways, moves = np.zeros(layers[-1].num_targets), []
    with np.errstate(divide="ignore"):
        for row, layer in zip(groups[::-1], reversed(layers), strict=True):
            x = ways.take(layer.target) + row.take(layer.group)
            # Minus infinity less itself is not a number; less any other number it stays what it is.
            shift = np.maximum(np.maximum.reduceat(x, layer.starts), np.finfo(np.float64).min)
            weights = np.exp(x - shift.take(layer.source))
            sums = np.bincount(layer.source, weights)
            moves.append(weights / np.maximum(sums, 1.0).take(layer.source))  # sums are 0 or at least 1
            ways = np.log(sums) + shift
        moves.reverse()

        visits = np.ones(1)
        for row, layer, move in zip(chances, layers, moves, strict=True):
            flows = visits.take(layer.source) * move
            row[:] = np.bincount(layer.group, flows, lattice.num_groups)
            visits = np.bincount(layer.target, flows, layer.num_targets)
        shares = np.full_like(chances, -np.inf)
        np.subtract(np.log(chances), groups, out=shares, where=chances > 0)
    holders = lattice.member_group[lattice.class_groups.order]
    factors = lattice.class_groups.logsumexp(shares.take(holders, axis=1))
    return Sums(moves=tuple(moves), factors=factors, log_normalizer=float(ways[0]))


def sample_walk(
    lattice: Lattice,
    layers: Sequence[Layer],
    classes: Scores,
    sums: Sums,
    uniforms: Float64[np.ndarray, "C"],
) -> Walk:
    """Draw a way in proportion to its probability: from the start on, each edge by what is before and after it.

    Args:
        lattice: the automaton.
        layers: its edges, position by position.
        classes: the scores of its classes.
        sums: what `sum_ways` made of them.
        uniforms: a number in [0, 1) for each position, which chooses the edge and then the class.
    """
    groups, left, state = [], [], 0
    for layer, moves, uniform in zip(layers, sums.moves, uniforms.tolist(), strict=True):
        edge, last = layer.bounds[state], layer.bounds[state + 1]
        if last > edge + 1:
            which, uniform = _choose(moves[edge:last], uniform)
            edge += which
        groups.append(layer.group[edge])
        left.append(uniform)
        state = layer.target[edge]

    members, is_filler = _members(lattice, groups)
    scores = np.take_along_axis(classes.total, members, axis=1)
    scores[is_filler] = -np.inf
    which, uniforms = _choose_in_rows(np.exp(scores - scores.max(axis=1, keepdims=True)), np.array(left))
    return Walk(classes=members[np.arange(len(members)), which], uniforms=uniforms)


def best_walk(lattice: Lattice, layers: Sequence[Layer], classes: Scores) -> Walk:
    """Take the likeliest way; the arguments are as in `sample_walk`."""
    best = lattice.group_members.max(classes.best.take(lattice.members, axis=1))
    losses = np.maximum(best.max(axis=1, keepdims=True), np.finfo(np.float64).min) - best
    ways, lost = np.zeros(layers[-1].num_targets), []
    for row, layer in zip(losses[::-1], reversed(layers), strict=True):
        moves = ways.take(layer.target)
        moves += row.take(layer.group)
        # Numbers that are not negative are in the order of their bits, and integers are compared in half the time.
        lost.append(moves.view(np.int64))
        ways = np.minimum.reduceat(lost[-1], layer.starts).view(np.float64)

    groups, state = [], 0
    for layer, moves in zip(layers, reversed(lost), strict=True):
        edge, last = layer.bounds[state], layer.bounds[state + 1]
        if last > edge + 1:
            edge += moves[edge:last].argmin()
        groups.append(layer.group[edge])
        state = layer.target[edge]
    members, _ = _members(lattice, groups)
    which = np.take_along_axis(classes.best, members, axis=1).argmax(axis=1)
    return Walk(classes=members[np.arange(len(members)), which], uniforms=np.zeros(len(members)))


def _members(lattice: Lattice, groups: Sequence[np.integer]) -> tuple[Int[np.ndarray, "C N"], Bool[np.ndarray, "C N"]]:
    """The classes of a group in each row, filled up with the last of them; and where they are."""
    starts, stops = lattice.group_start[groups, None], lattice.group_start[1:][groups, None]
    places = starts + np.arange((stops - starts).max())
    return lattice.members[np.minimum(places, stops - 1)], places >= stops


def _choose_in_rows(
    weights: Float64[np.ndarray, "C N"], uniforms: Float64[np.ndarray, "C"]
) -> tuple[Int[np.ndarray, "C"], Float64[np.ndarray, "C"]]:
    """What `_choose` does, in each row."""
    cumulative = weights.cumsum(axis=1)
    last, points = cumulative[:, -1:], uniforms[:, None] * cumulative[:, -1:]
    which = np.minimum((cumulative <= points).sum(axis=1), (cumulative < last).sum(axis=1))[:, None]
    upto = np.take_along_axis(cumulative, which, axis=1)
    before = np.where(which > 0, np.take_along_axis(cumulative, np.maximum(which - 1, 0), axis=1), 0.0)
    left = ((points - before) / (upto - before)).clip(0.0, 1.0 - 2.0**-53)
    return which[:, 0], left[:, 0]


def _choose(weights: Float64[np.ndarray, "N"], uniform: float) -> tuple[int, float]:
    """Choose by the inverse of the cumulative distribution, and keep the part of the number that did not choose."""
    cumulative = weights.cumsum().tolist()
    point = uniform * cumulative[-1]
    # Rounding may carry the product up to the total itself, past the last entry that has any weight.
    index = min(bisect_right(cumulative, point), bisect_left(cumulative, cumulative[-1]))
    before = cumulative[index - 1] if index else 0.0
    return index, min(max((point - before) / (cumulative[index] - before), 0.0), 1.0 - 2.0**-53)
