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
        return self._spread(np.maximum.reduceat(x, self.starts, axis=1))

    def logsumexp(self, x: Float64[np.ndarray, "C M"]) -> Float64[np.ndarray, "C N"]:
        """The logarithm of the sum of the exponentials of the entries of each owner. Entries come in `order`."""
        return self._spread(log_of_sums(x, np.maximum.reduceat(x, self.starts, axis=1), self.starts, self.of_entry))

    def _spread(self, runs: Float64[np.ndarray, "C R"]) -> Float64[np.ndarray, "C N"]:
        if len(self.owners) == self.num_owners:
            return runs
        result = np.full((len(runs), self.num_owners), -np.inf)
        result[:, self.owners] = runs
        return result


def log_of_sums(
    x: Float64[np.ndarray, "C M"],
    largest: Float64[np.ndarray, "C R"],
    starts: Int[np.ndarray, "R"],
    of_entry: Int[np.ndarray, "M"],
) -> Float64[np.ndarray, "C R"]:
    """Add up the exponentials of runs of entries, of which the largest is known, and take the logarithm."""
    # Minus infinity less itself is not a number; less any other number it stays what it is.
    shift = np.maximum(largest, np.finfo(np.float64).min)
    total = np.add.reduceat(np.exp(x - shift.take(of_entry, axis=1)), starts, axis=1)
    with np.errstate(divide="ignore"):
        return np.log(total) + shift


@dataclass(frozen=True, kw_only=True, slots=True)
class Lattice:
    """An automaton, unrolled over the positions of a canvas.

    Attributes:
        num_states, num_groups, num_classes: of the automaton.
        source, target, group: of each edge, sorted by source.
        edge_start: where the edges of each state begin, and how many there are.
        group_start, members, member_group: where each group begins, its classes, and the group of each of these.
        group_members, class_groups: the same relation as segments, of groups and of classes.
        group_edges: the edges, as segments of groups.
        step_source, step_group: of the entries of one step of three recursions side by side, the state that is read
            and the group whose score is added: over the edges into each state, out of each state, and out of it again.
        step_segments: the entries of each state, in their order, over three times the states.
        num_summed: how many runs and entries of the step belong to the first two recursions, which are sums.
        accepting, distance: as in `TokenAutomaton`.
    """

    num_states: int
    num_groups: int
    num_classes: int
    source: Int[np.ndarray, "E"]
    target: Int[np.ndarray, "E"]
    group: Int[np.ndarray, "E"]
    edge_start: Int[np.ndarray, "S1"]
    group_start: Int[np.ndarray, "G1"]
    members: Int[np.ndarray, "M"]
    member_group: Int[np.ndarray, "M"]
    group_members: Segments
    class_groups: Segments
    group_edges: Segments
    step_source: Int[np.ndarray, "E3"]
    step_group: Int[np.ndarray, "E3"]
    step_segments: Segments
    num_summed: tuple[int, int]
    accepting: Bool[np.ndarray, "S"]
    distance: Int[np.ndarray, "S"]


def build_lattice(automaton: TokenAutomaton) -> Lattice:
    """Sort an automaton's edges and classes."""
    states, groups = automaton.num_states, len(automaton.group_start) - 1
    source, target, group = automaton.source, automaton.target, automaton.group
    member_group = np.repeat(np.arange(groups), np.diff(automaton.group_start))
    step = Segments.of(np.concatenate([target, states + source, 2 * states + source]), 3 * states)
    return Lattice(
        num_states=states,
        num_groups=groups,
        num_classes=automaton.num_classes,
        source=source,
        target=target,
        group=group,
        edge_start=np.searchsorted(source, np.arange(states + 1)),
        group_start=automaton.group_start,
        members=automaton.group_classes,
        member_group=member_group,
        group_members=Segments.of(member_group, groups),
        class_groups=Segments.of(automaton.group_classes, automaton.num_classes),
        group_edges=Segments.of(group, groups),
        step_source=np.concatenate([source, states + target, 2 * states + target])[step.order],
        step_group=np.concatenate([group, groups + group, 2 * groups + group])[step.order],
        step_segments=step,
        num_summed=(int(np.searchsorted(step.owners, 2 * states)), 2 * len(source)),
        accepting=automaton.accepting,
        distance=automaton.distance,
    )
