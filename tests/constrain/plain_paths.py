"""The recursions over a canvas as plainly as they can be said: sums of all ways, in logarithms, edge by edge."""

import numpy as np


def plain_sums(lattice, total, start, final):
    """Log of the sum over all valid canvases, and the factor of each class at each position in logarithms.

    Args:
        lattice: the automaton.
        total: log of the weight of each class at each position.
        start: the state before the first position.
        final: zero for the states that are valid after the last position, minus infinity for the others.
    """
    length, edges = len(total), list(zip(lattice.source, lattice.target, lattice.group, strict=True))
    classes = np.split(lattice.members, lattice.group_start[1:-1])
    before, after = (np.full((length + 1, lattice.num_states), -np.inf) for _ in range(2))
    before[0, start], after[length] = 0.0, final
    weights = [[np.logaddexp.reduce(total[at, classes[group]]) for _, _, group in edges] for at in range(length)]
    for at in range(length):
        for (source, target, _), weight in zip(edges, weights[at], strict=True):
            before[at + 1, target] = np.logaddexp(before[at + 1, target], before[at, source] + weight)
    for at in reversed(range(length)):
        for (source, target, _), weight in zip(edges, weights[at], strict=True):
            after[at, source] = np.logaddexp(after[at, source], weight + after[at + 1, target])
    factors = np.full(total.shape, -np.inf)
    for at in range(length):
        for source, target, group in edges:
            around = before[at, source] + after[at + 1, target] - after[0, start]
            factors[at, classes[group]] = np.logaddexp(factors[at, classes[group]], around)
    return after[0, start], factors
