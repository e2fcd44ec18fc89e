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
from jaxtyping import Float64, Int

from gesso.constrain.lattice import Lattice
from gesso.constrain.layers import Layer

FAINT = 600.0
"""Nats below the largest number up to which float64 keeps its full precision, less 100 to spare."""


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
        in_logarithms: whether `groups` and `ways` are logarithms of weights, or weights.
        groups: weight of each group at each position, up to a constant for each position.
        ways: weight of all ways from each state to a valid end, before each position and after the last one, up to a
            constant for each. The edges of a state are, given it and that the canvas is valid, as probable as group
            times way.
        factors: what the constraint multiplies the weight of each class by, in logarithms:
            p(token at a position | the canvas is valid) = exp(score of the token + factor of its class).
        log_normalizer: log of the sum over all valid canvases; if scores are log-probabilities, of the chance that an
            unconstrained sample is valid.
    """

    in_logarithms: bool
    groups: Float64[np.ndarray, "C G"]
    ways: tuple[Float64[np.ndarray, "_"], ...]
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
    members = lattice.members[lattice.group_members.order]
    groups = lattice.group_members.sum(np.exp(classes.total - peaks[:, None]).take(members, axis=1))

    length = len(layers)
    scales = np.ones((2, length + 1))  # of what is before, and behind, each position and the last
    behind = [np.ones(layers[-1].num_targets)]
    for at in reversed(range(length)):
        layer = layers[at]
        moves = behind[-1].take(layer.target)
        moves *= groups[at].take(layer.group)
        ways = np.add.reduceat(moves, layer.starts)
        largest = scales[1, at] = np.maximum.reduce(ways)
        if not largest > 0:
            return None
        ways /= largest
        behind.append(ways)
    behind.reverse()

    shares = np.empty((length, lattice.num_groups))
    ways = np.ones(1)
    for at, layer in enumerate(layers):
        before = ways.take(layer.source)
        shares[at] = np.bincount(layer.group, before * behind[at + 1].take(layer.target), lattice.num_groups)
        before *= groups[at].take(layer.group)
        ways = np.bincount(layer.target, before, layer.num_targets)
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
    holders = lattice.member_group[lattice.class_groups.order]
    factors = lattice.class_groups.sum(shares.take(holders, axis=1))
    with np.errstate(divide="ignore"):
        factors = np.log(factors) + around[:, None]
    return Sums(in_logarithms=False, groups=groups, ways=tuple(behind), factors=factors, log_normalizer=log_normalizer)


def sum_ways_in_logarithms(lattice: Lattice, layers: Sequence[Layer], classes: Scores) -> Sums:
    """The sums however improbable they are."""
    members = lattice.members[lattice.group_members.order]
    groups = lattice.group_members.logsumexp(classes.total.take(members, axis=1))
    chances = np.empty((len(layers), lattice.num_groups))
    behind, moves = [np.zeros(layers[-1].num_targets)], []
    with np.errstate(divide="ignore"):
        for row, layer in zip(groups[::-1], reversed(layers), strict=True):
            x = behind[-1].take(layer.target) + row.take(layer.group)
            # Minus infinity less itself is not a number; less any other number it stays what it is.
            shift = np.maximum(np.maximum.reduceat(x, layer.starts), np.finfo(np.float64).min)
            weights = np.exp(x - shift.take(layer.source))
            sums = np.add.reduceat(weights, layer.starts)
            moves.append(weights / np.maximum(sums, 1.0).take(layer.source))  # sums are 0 or over 1
            behind.append(np.log(sums) + shift)
        behind.reverse()

        visits = np.ones(1)
        for row, layer, move in zip(chances, layers, reversed(moves), strict=True):
            flows = visits.take(layer.source) * move
            row[:] = np.bincount(layer.group, flows, lattice.num_groups)
            visits = np.bincount(layer.target, flows, layer.num_targets)
        shares = np.full_like(chances, -np.inf)
        np.subtract(np.log(chances), groups, out=shares, where=chances > 0)
    holders = lattice.member_group[lattice.class_groups.order]
    factors = lattice.class_groups.logsumexp(shares.take(holders, axis=1))
    return Sums(
        in_logarithms=True, groups=groups, ways=tuple(behind), factors=factors, log_normalizer=float(behind[0][0])
    )


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
    chosen, left, state = [], [], 0
    for at, (layer, uniform) in enumerate(zip(layers, uniforms.tolist(), strict=True)):
        edge, last = layer.bounds[state], layer.bounds[state + 1]
        if last > edge + 1:
            which, uniform = _choose(_moves(sums, layer, at, edge, last), uniform)
            edge += which
        members = lattice.classes_of[layer.group[edge]]
        which = 0
        if len(members) > 1:
            which, uniform = _choose(_weights(classes.total[at].take(members)), uniform)
        chosen.append(members[which])
        left.append(uniform)
        state = layer.target[edge]
    return Walk(classes=np.array(chosen), uniforms=np.array(left))


def best_walk(lattice: Lattice, layers: Sequence[Layer], classes: Scores) -> Walk:
    """Take the likeliest way; the arguments are as in `sample_walk`."""
    members = lattice.members[lattice.group_members.order]
    groups = lattice.group_members.max(classes.best.take(members, axis=1))
    behind = [np.zeros(layers[-1].num_targets)]
    for row, layer in zip(groups[::-1], reversed(layers), strict=True):
        scores = behind[-1].take(layer.target)
        scores += row.take(layer.group)
        behind.append(np.maximum.reduceat(scores, layer.starts))

    chosen, state = [], 0
    for at, layer in enumerate(layers):
        edge, last = layer.bounds[state], layer.bounds[state + 1]
        if last > edge + 1:
            ways = behind[-2 - at].take(layer.target[edge:last])
            edge += (groups[at].take(layer.group[edge:last]) + ways).argmax()
        members = lattice.classes_of[layer.group[edge]]
        chosen.append(members[classes.best[at].take(members).argmax() if len(members) > 1 else 0])
        state = layer.target[edge]
    return Walk(classes=np.array(chosen), uniforms=np.zeros(len(chosen)))


def _moves(sums: Sums, layer: Layer, at: int, first: int, last: int) -> Float64[np.ndarray, "N"]:
    """Weights of the edges of one state."""
    groups, ways = sums.groups[at].take(layer.group[first:last]), sums.ways[at + 1].take(layer.target[first:last])
    return _weights(groups + ways) if sums.in_logarithms else groups * ways


def _weights(log_weights: Float64[np.ndarray, "N"]) -> Float64[np.ndarray, "N"]:
    return np.exp(log_weights - log_weights.max())


def _choose(weights: Float64[np.ndarray, "N"], uniform: float) -> tuple[int, float]:
    """Choose by the inverse of the cumulative distribution, and keep the part of the number that did not choose."""
    cumulative = weights.cumsum().tolist()
    point = uniform * cumulative[-1]
    # Rounding may carry the product up to the total itself, past the last entry that has any weight.
    index = min(bisect_right(cumulative, point), bisect_left(cumulative, cumulative[-1]))
    before = cumulative[index - 1] if index else 0.0
    return index, min(max((point - before) / (cumulative[index] - before), 0.0), 1.0 - 2.0**-53)
