"""All ways of a canvas through an automaton at once: sums over them, the best of them, and fair samples.

The prediction of a step is independent from position to position, so a canvas under an automaton is a hidden Markov
chain whose hidden state is the automaton's, and the textbook recursions over positions and states are exact. Backward
they run in logarithms, because a network may be certain of what the automaton forbids. They leave behind, for each
state, the probabilities of its edges given that the canvas is valid; forward those are multiplied as they are, for what
gets lost below the range of float64 is as improbable as that. All in numpy and float64: the recursions are sequential
and small, so that what an operation costs is to start it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from gesso.constrain.lattice import Lattice


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
class Messages:
    """What each position knows of the others.

    Attributes:
        moves: probability of each edge, given the state before it and that the canvas is valid.
        flows: probability of each edge, given that the canvas is valid.
        best: log of the likeliest way from each state to a valid end, before each position and after the last.
        log_normalizer: log of the sum over all valid canvases; if scores are log-probabilities, of the chance that an
            unconstrained sample is valid.
    """

    moves: Float64[np.ndarray, "C E"]
    flows: Float64[np.ndarray, "C E"]
    best: Float64[np.ndarray, "C1 S"]
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


def score_groups(lattice: Lattice, classes: Scores) -> Scores:
    """Gather the classes of each group."""
    members = lattice.members[lattice.group_members.order]
    return Scores(
        total=lattice.group_members.logsumexp(classes.total.take(members, axis=1)),
        best=lattice.group_members.max(classes.best.take(members, axis=1)),
    )


def sweep(lattice: Lattice, groups: Scores, start: int, final: Float64[np.ndarray, "S"]) -> Messages:
    """Carry the sum over all ways, and the best way, backward over all positions, and probabilities forward.

    The two backward recursions are of one form, x'[s] = reduce over edges e out of s (x[target of e] + score[group of
    e]), and do not wait for each other: they run side by side as one over twice the states.

    Args:
        lattice: the automaton.
        groups: the scores of its groups.
        start: the state before the first position.
        final: zero for the states that are valid after the last position, minus infinity for the others.
    """
    segments, states, edges = lattice.source_edges, lattice.num_states, len(lattice.source)
    runs, starts = len(segments.owners), segments.starts
    owners = np.concatenate([segments.owners, states + segments.owners])
    both_starts = np.concatenate([starts, edges + starts])
    both_targets = np.concatenate([lattice.target, states + lattice.target])
    both_groups = np.concatenate([lattice.group, lattice.num_groups + lattice.group])
    scores = np.concatenate([groups.total, groups.best], axis=1)

    ways = np.full((len(scores) + 1, 2 * states), -np.inf)
    ways[-1] = np.tile(final, 2)
    moves = np.empty((len(scores), edges))
    with np.errstate(divide="ignore"):
        for at in reversed(range(len(scores))):
            x = ways[at + 1].take(both_targets)
            x += scores[at].take(both_groups)
            reduced = np.maximum.reduceat(x, both_starts)
            # Minus infinity less itself is not a number; less any other number it stays what it is.
            shift = np.maximum(reduced[:runs], np.finfo(np.float64).min)
            weights = np.exp(x[:edges] - shift.take(segments.of_entry))
            sums = np.add.reduceat(weights, starts)
            np.divide(weights, np.maximum(sums, 1.0).take(segments.of_entry), out=moves[at])  # sums are 0 or over 1
            reduced[:runs] = np.log(sums) + shift
            ways[at, owners] = reduced
    return Messages(
        moves=moves,
        flows=_flows(lattice, moves, start),
        best=ways[:, states:],
        log_normalizer=float(ways[0, start]),
    )


def _flows(lattice: Lattice, moves: Float64[np.ndarray, "C E"], start: int) -> Float64[np.ndarray, "C E"]:
    """The probability of each edge, from that of the state before it."""
    segments, flows = lattice.target_edges, np.empty_like(moves)
    visits = np.zeros(lattice.num_states)
    visits[start] = 1.0
    for move, flow in zip(moves, flows, strict=True):
        np.multiply(visits.take(lattice.source), move, out=flow)
        visits[:] = 0.0
        visits[segments.owners] = np.add.reduceat(flow.take(segments.order), segments.starts)
    return flows


def class_factors(lattice: Lattice, classes: Scores, groups: Scores, messages: Messages) -> Float64[np.ndarray, "C K"]:
    """What the constraint multiplies the probability of each class by, in logarithms.

    p(token at a position | the canvas is valid) = p(token) * factor[class of the token].
    """
    chances = lattice.group_edges.sum(messages.flows.take(lattice.group_edges.order, axis=1))
    shares = np.full_like(chances, -np.inf)
    np.log(chances, out=shares, where=chances > 0)
    np.subtract(shares, groups.total, out=shares, where=chances > 0)
    holders = lattice.member_group[lattice.class_groups.order]
    factors = lattice.class_groups.logsumexp(shares.take(holders, axis=1))
    return np.where(classes.total == -np.inf, -np.inf, factors)


def possible_classes(
    lattice: Lattice, late: Bool[np.ndarray, "C"], start: int, final: Float64[np.ndarray, "S"]
) -> Bool[np.ndarray, "C K"]:
    """Which classes some valid canvas has at each position, whatever the prediction.

    Args:
        lattice: the automaton.
        late: positions at which the text must have ended.
        start: the state before the first position.
        final: zero for the states that are valid after the last position, minus infinity for the others.
    """
    edges = np.broadcast_to(~late[:, None], (len(late), len(lattice.source))) | (
        lattice.target == lattice.num_states - 1
    )
    alive = np.isfinite(final)
    for at in reversed(range(len(late))):
        edges[at] &= alive[lattice.target]
        alive = lattice.source_edges.any(edges[None, at])[0]
    reached = np.arange(lattice.num_states) == start
    for row in edges:
        row &= reached[lattice.source]
        reached = lattice.target_edges.any(row[None, lattice.target_edges.order])[0]
    groups = lattice.group_edges.any(edges[:, lattice.group_edges.order])
    return lattice.class_groups.any(groups[:, lattice.member_group[lattice.class_groups.order]])


def sample_walk(
    lattice: Lattice, classes: Scores, messages: Messages, start: int, uniforms: Float64[np.ndarray, "C"]
) -> Walk:
    """Draw a way in proportion to its probability: from the start on, each edge by what is before and after it.

    Args:
        lattice: the automaton.
        classes: the scores of its classes.
        messages: what `sweep` made of them.
        start: the state before the first position.
        uniforms: a number in [0, 1) for each position, which chooses the edge and then the class.
    """
    chosen, left = np.empty(len(uniforms), dtype=np.int64), np.empty(len(uniforms))
    state = start
    for at, uniform in enumerate(uniforms):
        first, last = lattice.edge_start[state : state + 2]
        edge, rest = _choose(messages.moves[at, first:last], float(uniform))
        members = _members(lattice, int(first) + edge)
        which, left[at] = (0, rest) if len(members) == 1 else _choose(_weights(classes.total[at].take(members)), rest)
        chosen[at], state = members[which], int(lattice.target[first + edge])
    return Walk(classes=chosen, uniforms=left)


def best_walk(lattice: Lattice, classes: Scores, groups: Scores, messages: Messages, start: int) -> Walk:
    """Take the likeliest way; `groups` are the scores of the groups, and the rest is as in `sample_walk`."""
    chosen = np.empty(len(groups.best), dtype=np.int64)
    state = start
    for at in range(len(chosen)):
        first, last = lattice.edge_start[state : state + 2]
        targets = lattice.target[first:last]
        scores = groups.best[at].take(lattice.group[first:last]) + messages.best[at + 1].take(targets)
        edge = int(scores.argmax())
        members = _members(lattice, int(first) + edge)
        chosen[at], state = members[classes.best[at].take(members).argmax()], int(targets[edge])
    return Walk(classes=chosen, uniforms=np.zeros(len(chosen)))


def _members(lattice: Lattice, edge: int) -> Int[np.ndarray, "M"]:
    group = lattice.group[edge]
    return lattice.members[lattice.group_start[group] : lattice.group_start[group + 1]]


def _weights(log_weights: Float64[np.ndarray, "N"]) -> Float64[np.ndarray, "N"]:
    return np.exp(log_weights - log_weights.max())


def _choose(weights: Float64[np.ndarray, "N"], uniform: float) -> tuple[int, float]:
    """Choose by the inverse of the cumulative distribution, and keep the part of the number that did not choose."""
    if len(weights) == 1:
        return 0, uniform
    cumulative = weights.cumsum()
    point = uniform * cumulative[-1]
    # Rounding may carry the product up to the total itself, past the last entry that has any weight.
    index = min(cumulative.searchsorted(point, side="right"), cumulative.searchsorted(cumulative[-1]))
    rest = (point - (cumulative[index] - weights[index])) / weights[index]
    return int(index), min(max(float(rest), 0.0), 1.0 - 2.0**-53)
