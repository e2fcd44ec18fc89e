"""Automata over the tokens of a vocabulary.

A token takes an automaton from state to state: it is a function on states. Most tokens of a vocabulary are the same
function as many others (every word, inside a string, leads back into the string), so tokens are grouped into classes,
and whatever follows costs classes and not tokens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8

from gesso.constrain.automaton import FAR, ByteAutomaton, distance_to_end
from gesso.errors import SettingError

MAX_EDGES = 1_000_000
"""Pairs of a state and the one after it that a token automaton may have. A constraint that needs more is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenAutomaton:
    """Reads a text token by token. Its last state is the end: only end tokens lead there, and from there.

    Edges are sorted by their source. An edge's group is the set of classes that take the source to the target.

    Attributes:
        name: what errors call the constraint.
        token_class: the class of each token; 0 for those that are valid nowhere.
        num_classes: classes, the one of invalid tokens included.
        source, target, group: of each edge, the state before, the state after, and the set of classes.
        group_start: where each group begins in `group_classes`, and the length of that.
        group_classes: the classes of one group after another.
        accepting: states after which the text may end; the last state is one of them.
        distance: the least number of tokens from each state to an accepting one.
    """

    name: str
    token_class: Int[np.ndarray, "V"]
    num_classes: int
    source: Int[np.ndarray, "E"]
    target: Int[np.ndarray, "E"]
    group: Int[np.ndarray, "E"]
    group_start: Int[np.ndarray, "G1"]
    group_classes: Int[np.ndarray, "M"]
    accepting: Bool[np.ndarray, "S"]
    distance: Int[np.ndarray, "S"]

    @property
    def num_states(self) -> int:
        """States, the end included."""
        return len(self.accepting)

    def advance(self, state: int, token_ids: Sequence[int]) -> int:
        """The state after more tokens, such as those of a committed canvas; -1 where they are not valid.

        Args:
            state: the state before them; 0 at the beginning of a text.
            token_ids: tokens of this vocabulary.
        """
        for token in token_ids:
            here = slice(*np.searchsorted(self.source, (state, state + 1)))
            members = (
                self.group_classes[self.group_start[group] : self.group_start[group + 1]] for group in self.group[here]
            )
            wanted = self.token_class[token]
            state = next(
                (int(to) for to, classes in zip(self.target[here], members, strict=True) if wanted in classes), -1
            )
            if state < 0:
                break
        return state

    def accepts(self, token_ids: Sequence[int]) -> bool:
        """Whether a text may end after these tokens."""
        state = self.advance(0, token_ids)
        return state >= 0 and bool(self.accepting[state])


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The tokens of a tokenizer, as bytes. Make it with `Vocabulary.of`, once for all constraints.

    Attributes:
        text: the bytes of all tokens, one after another.
        starts: where each token begins in it.
        lengths: the bytes of each token; 0 for those that are no text.
        end_ids: the tokens that end a text, and fill the canvas after it.
    """

    text: UInt8[np.ndarray, "N"]
    starts: Int[np.ndarray, "V"]
    lengths: Int[np.ndarray, "V"]
    end_ids: tuple[int, ...]

    @classmethod
    def of(cls, token_bytes: Sequence[bytes], end_ids: Iterable[int]) -> "Vocabulary":
        """Gather a vocabulary.

        Args:
            token_bytes: the bytes of each token. Empty for tokens that are no text, such as control tokens: they are
                valid nowhere, but for `end_ids`.
            end_ids: tokens that end a text; whatever bytes they have are not text.

        Raises:
            SettingError: there are no end tokens, or one of them is outside of the vocabulary.
        """
        ends = tuple(sorted(set(end_ids)))
        if not ends or ends[0] < 0 or ends[-1] >= len(token_bytes):
            raise SettingError(
                f"the end tokens are {list(ends)}; name at least one, from 0 to {len(token_bytes) - 1}: after its "
                "end a text is filled up with them"
            )
        sizes = np.array([len(one) for one in token_bytes])
        lengths = sizes.copy()
        lengths[list(ends)] = 0
        text = np.frombuffer(b"".join(token_bytes), dtype=np.uint8)
        return cls(text=text, starts=np.cumsum(sizes) - sizes, lengths=lengths, end_ids=ends)


def build_token_automaton(
    automaton: ByteAutomaton, vocabulary: Vocabulary, *, name: str = "the constraint"
) -> TokenAutomaton:
    """Carry an automaton over bytes to the tokens of a vocabulary.

    All tokens are read at once, byte by byte, as functions on states. Functions that are equal so far are one
    function, so that the work is the bytes of the vocabulary plus the few functions that differ.

    Args:
        automaton: what texts are valid.
        vocabulary: the tokens.
        name: what errors call the constraint.

    Raises:
        SettingError: no sequence of tokens is valid, or the automaton would have more than `MAX_EDGES` edges.
    """
    token_function, functions = _token_functions(automaton, vocabulary)

    used, token_class = np.unique(np.append(token_function, -1), return_inverse=True)
    end_class, end_state = len(used), len(automaton.accepting)
    token_class = token_class[:-1].astype(np.int32)
    token_class[list(vocabulary.end_ids)] = end_class
    to_end = np.append(np.flatnonzero(automaton.accepting), end_state)
    moves = [*(functions[number] for number in used[1:]), (to_end, np.full(len(to_end), end_state))]
    edges = _edges(moves, end_state + 1, name)

    accepting = np.append(automaton.accepting, True)
    distance = distance_to_end(_padded(edges.source, edges.target, end_state + 1), accepting)
    if distance[0] == FAR:
        raise SettingError(f"{name} cannot be written with the tokens of this vocabulary; use another tokenizer")
    return TokenAutomaton(
        name=name,
        token_class=token_class,
        num_classes=end_class + 1,
        source=edges.source,
        target=edges.target,
        group=edges.group,
        group_start=edges.group_start,
        group_classes=edges.group_classes,
        accepting=accepting,
        distance=distance,
    )


def _token_functions(
    automaton: ByteAutomaton, vocabulary: Vocabulary
) -> tuple[Int[np.ndarray, "V"], list[tuple[np.ndarray, np.ndarray]]]:
    """The number of each token's function, -1 where it is valid nowhere; and the functions, as states and targets."""
    byte_class, columns = _byte_classes(automaton.next_state)
    symbols, lengths = byte_class[vocabulary.text], vocabulary.lengths
    functions = [(np.arange(len(columns)), np.arange(len(columns)))]
    numbers: dict[tuple[bytes, bytes], int] = {}
    num_columns = columns.shape[1]

    function = np.where(lengths > 0, 0, -1)
    for at in range(int(lengths.max(initial=0))):
        going = np.flatnonzero((function >= 0) & (lengths > at))
        steps = function[going] * num_columns + symbols[vocabulary.starts[going] + at]
        distinct, which = np.unique(steps, return_inverse=True)
        after = np.empty(len(distinct), dtype=np.int64)
        for index, (before, column) in enumerate(np.stack(np.divmod(distinct, num_columns), axis=1)):
            states, targets = functions[before]
            targets = columns[targets, column]
            states, targets = states[targets >= 0], targets[targets >= 0]
            key = (states.tobytes(), targets.tobytes())
            if not len(states):
                after[index] = -1
                continue
            if key not in numbers:
                numbers[key] = len(functions)
                functions.append((states, targets))
            after[index] = numbers[key]
        function[going] = after[which]
    return function, functions


def _byte_classes(next_state: Int[np.ndarray, "S 256"]) -> tuple[Int[np.ndarray, "256"], Int[np.ndarray, "S K"]]:
    """Bytes that every state treats alike: the class of each byte, and the states after each class."""
    columns, byte_class = np.unique(next_state, axis=1, return_inverse=True)
    return byte_class.reshape(256), np.ascontiguousarray(columns)


@dataclass(frozen=True, slots=True)
class _Edges:
    source: np.ndarray
    target: np.ndarray
    group: np.ndarray
    group_start: np.ndarray
    group_classes: np.ndarray


def _edges(moves: Sequence[tuple[np.ndarray, np.ndarray]], num_states: int, name: str) -> _Edges:
    """Gather what each class does into edges, and give edges with the same set of classes the same group.

    Args:
        moves: of each class from 1 on, the states it is valid in and the states after.
        num_states: states in all.
        name: what errors call the constraint.
    """
    classes = np.repeat(np.arange(1, len(moves) + 1), [len(states) for states, _ in moves])
    pairs = np.concatenate([states.astype(np.int64) * num_states + targets for states, targets in moves])
    order = np.lexsort((classes, pairs))
    pairs, classes = pairs[order], classes[order]
    distinct, starts = np.unique(pairs, return_index=True)
    if len(distinct) > MAX_EDGES:
        raise SettingError(
            f"{name} needs {len(distinct)} edges over the tokens, more than {MAX_EDGES}; give smaller counts, fewer "
            "alternatives or less depth"
        )
    numbers: dict[bytes, int] = {}
    members: list[np.ndarray] = []
    group = np.empty(len(distinct), dtype=np.int64)
    for edge, one in enumerate(np.split(classes, starts[1:])):
        group[edge] = numbers.setdefault(one.tobytes(), len(members))
        if group[edge] == len(members):
            members.append(one)
    return _Edges(
        source=distinct // num_states,
        target=distinct % num_states,
        group=group,
        group_start=np.cumsum([0, *map(len, members)]),
        group_classes=np.concatenate(members),
    )


def _padded(source: np.ndarray, target: np.ndarray, num_states: int) -> Int[np.ndarray, "S K"]:
    """The targets of each state as one row, filled up with -1."""
    starts = np.searchsorted(source, np.arange(num_states + 1))
    rows = np.full((num_states, max(1, int(np.diff(starts).max()))), -1, dtype=np.int64)
    rows[source, np.arange(len(source)) - starts[source]] = target
    return rows
