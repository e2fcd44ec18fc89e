"""All ways of a canvas through an automaton at once: sums over them, the best of them, and fair samples.

The prediction of a step is independent from position to position, so a canvas under an automaton is a hidden Markov
chain whose hidden state is the automaton's, and the textbook recursions over positions and states are exact. They run
in logarithms and float64, because a network may be certain of what the automaton forbids; and in numpy, because they
are sequential and small, so that what an operation costs is to start it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from gesso.constrain.lattice import Lattice, log_of_sums


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
    """What each state knows of the rest of the canvas, before each position and after the last.

    Attributes:
        before: log of the sum over all ways from the start to this state.
        after: log of the sum over all ways from this state to a valid end.
        best: log of the likeliest way from this state to a valid end.
        log_normalizer: log of the sum over all valid canvases; if scores are log-probabilities, of the chance that an
            unconstrained sample is valid.
    """

    before: Float64[np.ndarray, "C1 S"]
    after: Float64[np.ndarray, "C1 S"]
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
    """Carry sums forward and backward and the best way backward, over all positions.

    The three recursions are of one form, x'[s] = reduce over edges e of s (x[e's other state] + score[e's group]), and
    do not wait for each other: they run side by side as one over three times the states.

    Args:
        lattice: the automaton.
        groups: the scores of its groups.
        start: the state before the first position.
        final: zero for the states that are valid after the last position, minus infinity for the others.
    """
    scores = np.concatenate([groups.total, groups.total[::-1], groups.best[::-1]], axis=1)
    segments, (runs, entries) = lattice.step_segments, lattice.num_summed
    starts, of_entry = segments.starts[:runs], segments.of_entry[:entries]
    messages = np.full((len(scores) + 1, 3 * lattice.num_states), -np.inf)
    messages[0, start] = 0.0
    messages[0, lattice.num_states :] = np.tile(final, 2)
    for at, score in enumerate(scores):
        x = (messages[at].take(lattice.step_source) + score.take(lattice.step_group))[None]
        reduced = np.maximum.reduceat(x, segments.starts, axis=1)
        reduced[:, :runs] = log_of_sums(x[:, :entries], reduced[:, :runs], starts, of_entry)
        messages[at + 1, segments.owners] = reduced[0]
    before, after, best = np.split(messages, 3, axis=1)
    after, best = after[::-1], best[::-1]
    return Messages(before=before, after=after, best=best, log_normalizer=float(after[0, start]))


def class_factors(lattice: Lattice, classes: Scores, messages: Messages) -> Float64[np.ndarray, "C K"]:
    """What the constraint multiplies the probability of each class by, in logarithms.

    p(token at a position | the canvas is valid) = p(token) * factor[class of the token].
    """
    edges = lattice.group_edges.order
    around = messages.before[:-1].take(lattice.source[edges], axis=1)
    around += messages.after[1:].take(lattice.target[edges], axis=1)
    groups = lattice.group_edges.logsumexp(around)
    holders = lattice.member_group[lattice.class_groups.order]
    factors = lattice.class_groups.logsumexp(groups.take(holders, axis=1)) - messages.log_normalizer
    return np.where(classes.total == -np.inf, -np.inf, factors)


def sample_walk(
    lattice: Lattice,
    classes: Scores,
    groups: Scores,
    messages: Messages,
    start: int,
    uniforms: Float64[np.ndarray, "C"],
) -> Walk:
    """Draw a way in proportion to its probability: from the start on, each edge by what is before and after it.

    Args:
        lattice: the automaton.
        classes: the scores of its classes.
        groups: the scores of its groups.
        messages: what `sweep` made of them.
        start: the state before the first position.
        uniforms: a number in [0, 1) for each position, which chooses the edge and then the class.
    """
    chosen, left = np.empty(len(uniforms), dtype=np.int64), np.empty(len(uniforms))
    state = start
    for at, uniform in enumerate(uniforms):
        first, scores = _edges(lattice, groups.total, messages.after, state, at)
        index, rest = _choose(scores, float(uniform))
        members = _members(lattice, first + index)
        which, left[at] = _choose(classes.total[at].take(members), rest)
        chosen[at], state = members[which], int(lattice.target[first + index])
    return Walk(classes=chosen, uniforms=left)


def best_walk(lattice: Lattice, classes: Scores, groups: Scores, messages: Messages, start: int) -> Walk:
    """Take the likeliest way; the arguments are those of `sample_walk`."""
    chosen = np.empty(len(groups.best), dtype=np.int64)
    state = start
    for at in range(len(chosen)):
        first, scores = _edges(lattice, groups.best, messages.best, state, at)
        edge = first + int(scores.argmax())
        members = _members(lattice, edge)
        chosen[at], state = members[classes.best[at].take(members).argmax()], int(lattice.target[edge])
    return Walk(classes=chosen, uniforms=np.zeros(len(chosen)))


def _edges(
    lattice: Lattice,
    scores: Float64[np.ndarray, "C G"],
    after: Float64[np.ndarray, "C1 S"],
    state: int,
    at: int,
) -> tuple[int, Float64[np.ndarray, "E"]]:
    """The first edge out of a state, and how much of what is still to come each of them leads to."""
    edges = slice(lattice.edge_start[state], lattice.edge_start[state + 1])
    return int(edges.start), scores[at].take(lattice.group[edges]) + after[at + 1].take(lattice.target[edges])


def _members(lattice: Lattice, edge: int) -> Int[np.ndarray, "M"]:
    group = lattice.group[edge]
    return lattice.members[lattice.group_start[group] : lattice.group_start[group + 1]]


def _choose(log_weights: Float64[np.ndarray, "N"], uniform: float) -> tuple[int, float]:
    """Choose by the inverse of the cumulative distribution, and keep the part of the number that did not choose."""
    if len(log_weights) == 1:
        return 0, uniform
    weights = np.exp(log_weights - log_weights.max())
    cumulative = weights.cumsum()
    point = uniform * cumulative[-1]
    # Rounding may carry the product up to the total itself, past the last entry that has any weight.
    index = min(cumulative.searchsorted(point, side="right"), cumulative.searchsorted(cumulative[-1]))
    rest = (point - (cumulative[index] - weights[index])) / weights[index]
    return int(index), min(max(float(rest), 0.0), 1.0 - 2.0**-53)
