"""Deterministic automata over bytes."""

from collections import deque
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Int

from gesso.constrain.expression import Expression, Expressions
from gesso.errors import SettingError

MAX_STATES = 20_000
"""States that an automaton may have. A constraint that needs more is refused."""

FAR = np.iinfo(np.int32).max
"""The distance to the end from where no text ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteAutomaton:
    """Reads a text byte by byte, from state 0. Every state but perhaps the first lies on a way to acceptance.

    Attributes:
        next_state: the state after each byte; -1 where no valid text goes on with it.
        accepting: states in which the text may end.
    """

    next_state: Int[np.ndarray, "S 256"]
    accepting: Bool[np.ndarray, "S"]

    def accepts(self, text: bytes) -> bool:
        """Whether the text is valid."""
        state = 0
        for byte in text:
            state = int(self.next_state[state, byte])
            if state < 0:
                return False
        return bool(self.accepting[state])


def build_automaton(pool: Expressions, expression: Expression, *, name: str = "the constraint") -> ByteAutomaton:
    """Turn an expression into an automaton: its states are the derivatives of the expression.

    Args:
        pool: where the expression is stored.
        expression: what texts are valid.
        name: what errors call it.

    Raises:
        SettingError: no text is valid, or the automaton would have more than `MAX_STATES` states.
    """
    numbers, order, rows = {expression: 0}, [expression], []
    for state in order:  # grows while it is read
        row = np.full(256, -1, dtype=np.int32)
        for mask in pool.first_bytes(state):
            after = pool.derivative(state, (mask & -mask).bit_length() - 1)
            if after == pool.nothing:
                continue
            if after not in numbers:
                numbers[after] = len(order)
                order.append(after)
            row[_members(mask)] = numbers[after]
        rows.append(row)
        if len(order) > MAX_STATES:
            raise SettingError(
                f"{name} needs an automaton of more than {MAX_STATES} states; give smaller counts, fewer alternatives "
                "or less depth"
            )
    next_state, accepting = np.stack(rows), np.array([pool.is_nullable(state) for state in order])
    alive = distance_to_end(next_state, accepting) < FAR
    if not alive[0]:
        raise SettingError(f"{name} allows no text at all; remove what contradicts itself")
    renumbered = np.append(np.where(alive, np.cumsum(alive) - 1, -1), -1).astype(np.int32)
    return ByteAutomaton(next_state=renumbered[next_state[alive]], accepting=accepting[alive])


def distance_to_end(next_state: Int[np.ndarray, "S K"], accepting: Bool[np.ndarray, "S"]) -> Int[np.ndarray, "S"]:
    """The least number of steps from each state to acceptance, by breadth-first search; `FAR` where there is no way.

    Args:
        next_state: the states that each state leads to; -1 leads nowhere.
        accepting: the states to reach.
    """
    sources, columns = np.nonzero(next_state >= 0)
    targets = next_state[sources, columns]
    by_target = np.argsort(targets, kind="stable")
    sources, ends = sources[by_target], np.searchsorted(targets[by_target], np.arange(len(accepting) + 1))
    distance = np.full(len(accepting), FAR, dtype=np.int32)
    distance[accepting] = 0
    waiting = deque(np.flatnonzero(accepting).tolist())
    while waiting:
        state = waiting.popleft()
        before = sources[ends[state] : ends[state + 1]]
        before = np.unique(before[distance[before] == FAR])
        distance[before] = distance[state] + 1
        waiting.extend(before.tolist())
    return distance


@cache
def _members(mask: int) -> Bool[np.ndarray, "256"]:
    bits = np.frombuffer(mask.to_bytes(32, "little"), dtype=np.uint8)
    return np.unpackbits(bits, bitorder="little").astype(bool)
