import numpy as np
import pytest

from gesso.constrain import layers as module
from gesso.constrain.layers import build_layers, possible_classes, possible_edges
from gesso.constrain.rule import Regex
from tests.constrain.byte_vocabulary import compiled

LENGTH = 14
PATTERNS = ["(ab|c){2,5}x*", "a{3,20}", "[a-c]+(1|22)?", "yes|no"]


def unrolled(pattern, remaining):
    lattice = compiled(Regex(pattern=pattern)).lattice
    final = np.where(lattice.distance <= max(remaining - LENGTH, 0), 0.0, -np.inf)
    late = np.arange(LENGTH) >= remaining
    return lattice, final, late, possible_edges(lattice, late, 0, final)


@pytest.mark.parametrize("neighbours", [1, 3, 50])
@pytest.mark.parametrize("remaining", [9, 14, 30])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_layers_hold_every_way_to_a_valid_end_and_no_other(pattern, remaining, neighbours, monkeypatch):
    monkeypatch.setattr(module, "NEIGHBOURS", neighbours)
    lattice, final, late, possible = unrolled(pattern, remaining)
    layers = build_layers(lattice, possible)
    ways = np.ones(layers[-1].num_targets)
    for layer in reversed(layers):
        ways = np.bincount(layer.source, ways[layer.target], len(layer.starts))
        assert layer.bounds == (*np.flatnonzero(np.diff(layer.source, prepend=-1)), len(layer.source))

    plain = np.isfinite(final).astype(float)
    for is_late in late[::-1]:
        allowed = (lattice.target == lattice.num_states - 1) | (not is_late)
        plain = np.bincount(lattice.source, allowed * plain[lattice.target], lattice.num_states)
    assert ways.tolist() == [plain[0]]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_edge_is_possible_where_some_way_takes_it(pattern):
    lattice, final, late, possible = unrolled(pattern, 9)
    behind = [np.isfinite(final)]
    for is_late in late[::-1]:
        allowed = behind[-1][lattice.target] & ((lattice.target == lattice.num_states - 1) | (not is_late))
        behind.append(np.bincount(lattice.source, allowed, lattice.num_states) > 0)
    reached = np.arange(lattice.num_states) == 0
    for row, after, is_late in zip(possible, behind[-2::-1], late, strict=True):
        expected = reached[lattice.source] & after[lattice.target]
        expected &= (lattice.target == lattice.num_states - 1) | (not is_late)
        assert (row == expected).all()
        reached = np.bincount(lattice.target, row, lattice.num_states) > 0
    classes_of = np.split(lattice.members, lattice.group_start[1:-1])
    classes = possible_classes(lattice, possible)
    for row, edges in zip(classes, possible, strict=True):
        taken = {number for group in lattice.group[edges] for number in classes_of[group]}
        assert set(np.flatnonzero(row)) == taken
