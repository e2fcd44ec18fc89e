"""An automaton over tokens in the orders that the recursions over a canvas need."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from gesso.constrain.token_automaton import TokenAutomaton


@dataclass(frozen=True, kw_only=True, slots=True)
class Segments:
    """Runs of neighbouring entries that belong together; those that have no entry are left out.

    Attributes:
        order: which entry comes first, second, and so on.
        starts: where each run begins in that order.
        owners: what each run belongs to, in ascending order.
        of_entry: the run of each entry, in that order.
        num_owners: what there is that a run may belong to.
    """

    order: Int[np.ndarray, "M"]
    starts: Int[np.ndarray, "R"]
    owners: Int[np.ndarray, "R"]
    of_entry: Int[np.ndarray, "M"]
    num_owners: int

    @classmethod
    def of(cls, owner: Int[np.ndarray, "M"], num_owners: int) -> "Segments":
        """Sort entries by their owner."""
        order = np.argsort(owner, kind="stable")
        owners, starts, of_entry = np.unique(owner[order], return_index=True, return_inverse=True)
        return cls(order=order, starts=starts, owners=owners, of_entry=of_entry, num_owners=num_owners)

    def max(self, x: Float64[np.ndarray, "C M"]) -> Float64[np.ndarray, "C N"]:
        """The largest entry of each owner; minus infinity where it has none. Entries come in `order`."""
        return self._spread(np.maximum.reduceat(x, self.starts, axis=1), -np.inf)

    def sum(self, x: Float64[np.ndarray, "C M"]) -> Float64[np.ndarray, "C N"]:
        """The sum of the entries of each owner. Entries come in `order`."""
        return self._spread(np.add.reduceat(x, self.starts, axis=1), 0.0)

    def any(self, x: Bool[np.ndarray, "C M"]) -> Bool[np.ndarray, "C N"]:
        """Whether an entry of each owner is true. Entries come in `order`."""
        return self._spread(np.logical_or.reduceat(x, self.starts, axis=1), False)

    def logsumexp(self, x: Float64[np.ndarray, "C M"]) -> Float64[np.ndarray, "C N"]:
        """The logarithm of the sum of the exponentials of the entries of each owner. Entries come in `order`."""
        # Minus infinity less itself is not a number; less any other number it stays what it is.
        shift = np.maximum(np.maximum.reduceat(x, self.starts, axis=1), np.finfo(np.float64).min)
        total = np.add.reduceat(np.exp(x - shift.take(self.of_entry, axis=1)), self.starts, axis=1)
        with np.errstate(divide="ignore"):
            return self._spread(np.log(total) + shift, -np.inf)

    def _spread(self, runs: np.ndarray, nothing: float | bool) -> np.ndarray:
        if len(self.owners) == self.num_owners:
            return runs
        result = np.full((len(runs), self.num_owners), nothing)
        result[:, self.owners] = runs
        return result


@dataclass(frozen=True, kw_only=True, slots=True)
class Lattice:
    """An automaton, unrolled over the positions of a canvas.

    Attributes:
        num_states, num_groups, num_classes: of the automaton.
        source, target, group: of each edge, sorted by source.
        members, member_group: the classes of one group after another, and the group of each of these.
        group_start: where each group begins among them, and how many they are.
        group_members, class_groups: the same relation as segments, of groups and of classes.
        source_edges, target_edges, group_edges: the edges, as segments of where they begin, where they end, and their
            groups.
        accepting, distance: as in `TokenAutomaton`.
    """

    num_states: int
    num_groups: int
    num_classes: int
    source: Int[np.ndarray, "E"]
    target: Int[np.ndarray, "E"]
    group: Int[np.ndarray, "E"]
    members: Int[np.ndarray, "M"]
    member_group: Int[np.ndarray, "M"]
    group_start: Int[np.ndarray, "G1"]
    group_members: Segments
    class_groups: Segments
    source_edges: Segments
    target_edges: Segments
    group_edges: Segments
    accepting: Bool[np.ndarray, "S"]
    distance: Int[np.ndarray, "S"]


def build_lattice(automaton: TokenAutomaton) -> Lattice:
    """Sort an automaton's edges and classes."""
    states, groups = automaton.num_states, len(automaton.group_start) - 1
    member_group = np.repeat(np.arange(groups), np.diff(automaton.group_start))
    return Lattice(
        num_states=states,
        num_groups=groups,
        num_classes=automaton.num_classes,
        source=automaton.source,
        target=automaton.target,
        group=automaton.group,
        members=automaton.group_classes,
        member_group=member_group,
        group_start=automaton.group_start,
        group_members=Segments.of(member_group, groups),
        class_groups=Segments.of(automaton.group_classes, automaton.num_classes),
        source_edges=Segments.of(automaton.source, states),
        target_edges=Segments.of(automaton.target, states),
        group_edges=Segments.of(automaton.group, groups),
        accepting=automaton.accepting,
        distance=automaton.distance,
    )
