"""An automaton, unrolled over the positions of a canvas: what of it some valid canvas passes through.

Most states can be reached at some positions only, and from most a valid end can be reached from some only. What no
prediction can change is left out once for a canvas, and no step looks at it again. Neighbouring positions share what is
left, so that it stays in a processor's cache: a state that cannot be reached where it stands has no weight, and every
way to the end is valid.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from gesso.constrain.lattice import Lattice

NEIGHBOURS = 8
"""Positions that share their edges."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """The edges of one position, sorted by source. All that valid canvases take are there; all lead to a valid end.

    States are numbered from 0 among those that the position has. Positions that have the same edges share a layer.

    Attributes:
        source: the state before, of each edge.
        target: the state after, numbered as the next layer does.
        group: the set of classes, numbered as the automaton does.
        starts: where the edges of each state begin.
        bounds: the same and the number of edges, for loops over states.
        num_targets: states after this position.
    """

    source: Int[np.ndarray, "E"]
    target: Int[np.ndarray, "E"]
    group: Int[np.ndarray, "E"]
    starts: Int[np.ndarray, "S"]
    bounds: tuple[int, ...]
    num_targets: int


def possible_edges(
    lattice: Lattice, late: Bool[np.ndarray, "C"], start: int, final: Float64[np.ndarray, "S"]
) -> Bool[np.ndarray, "C E"]:
    """Find the edges of each position that a valid canvas may take, whatever the prediction.

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
    for row in edges[::-1]:
        row &= alive[lattice.target]
        alive = lattice.source_edges.any(row[None])[0]
    reached = np.arange(lattice.num_states) == start
    for row in edges:
        row &= reached[lattice.source]
        reached = lattice.target_edges.any(row[None, lattice.target_edges.order])[0]
    return edges


def build_layers(lattice: Lattice, possible: Bool[np.ndarray, "C E"]) -> tuple[Layer, ...]:
    """Number the edges of each position, and the states between them.

    Args:
        lattice: the automaton.
        possible: what `possible_edges` gives.
    """
    shared = possible.copy()
    for block in np.split(shared[1:], range(NEIGHBOURS - 1, len(shared) - 1, NEIGHBOURS)):
        block |= block.any(axis=0)
    # Behind the tokens that are left only an end may stand, whatever the neighbours may be.
    to_end = lattice.target == lattice.num_states - 1
    shared &= to_end | (possible & ~to_end).any(axis=1, keepdims=True)

    states = np.unique(lattice.target[possible[-1]])
    known: dict[tuple[bytes, bytes], tuple[Layer, np.ndarray]] = {}
    layers: list[Layer] = []
    for edges in shared[::-1]:
        is_next = np.zeros(lattice.num_states, dtype=bool)
        is_next[states] = True
        edges &= is_next[lattice.target]
        key = (edges.tobytes(), states.tobytes())
        if key not in known:
            known[key] = _layer(lattice, np.flatnonzero(edges), states)
        layer, states = known[key]
        layers.append(layer)
    return tuple(reversed(layers))


def possible_classes(lattice: Lattice, possible: Bool[np.ndarray, "C E"]) -> Bool[np.ndarray, "C K"]:
    """Which classes some valid canvas has at each position, whatever the prediction."""
    groups = lattice.group_edges.any(possible[:, lattice.group_edges.order])
    return lattice.class_groups.any(groups[:, lattice.member_group[lattice.class_groups.order]])


def _layer(
    lattice: Lattice, edges: Int[np.ndarray, "E"], next_states: Int[np.ndarray, "N"]
) -> tuple[Layer, Int[np.ndarray, "S"]]:
    """Number the states of some edges; give back those before them as well."""
    source = lattice.source[edges]
    begins = np.diff(source, prepend=-1) > 0
    starts = np.flatnonzero(begins)
    layer = Layer(
        source=begins.cumsum() - 1,
        target=np.searchsorted(next_states, lattice.target[edges]),
        group=lattice.group[edges],
        starts=starts,
        bounds=(*starts.tolist(), len(edges)),
        num_targets=len(next_states),
    )
    return layer, source[starts]
