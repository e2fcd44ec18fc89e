"""A constraint on a batch of canvases: what the sampler asks at each step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from gesso.constrain import paths
from gesso.constrain.lattice import Lattice, build_lattice
from gesso.constrain.paths import Messages, Scores
from gesso.constrain.token_automaton import TokenAutomaton
from gesso.constrain.token_scores import TokenClasses, best_tokens, sample_tokens, score_classes
from gesso.errors import GenerationError, SettingError
from gesso.shapes import CanvasIds, CanvasMask, Logits, RowMask


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CompiledRule:
    """A rule over a vocabulary, ready for use: what does not depend on the canvas. Make it with `CompiledRule.of`.

    It equals itself alone, so that whoever holds one can be compared and hashed.
    """

    automaton: TokenAutomaton
    lattice: Lattice
    classes: TokenClasses

    @classmethod
    def of(cls, automaton: TokenAutomaton, device: torch.device) -> "CompiledRule":
        """Sort an automaton's tables and put its classes where the logits will be."""
        return cls(automaton=automaton, lattice=build_lattice(automaton), classes=TokenClasses.of(automaton, device))

    @property
    def vocab_size(self) -> int:
        """Tokens of the vocabulary."""
        return len(self.automaton.token_class)

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens that end a text."""
        return frozenset(np.flatnonzero(self.automaton.token_class == self.automaton.num_classes - 1).tolist())

    def check_room(self, state: int, remaining: int) -> None:
        """Refuse a text that cannot end validly any more.

        Args:
            state: the state of the text so far.
            remaining: the tokens that it may still have.

        Raises:
            SettingError: the shortest valid text is longer than what remains.
        """
        needed = self.automaton.distance[state]
        if needed > remaining:
            raise SettingError(
                f"{self.automaton.name} needs at least {needed} more tokens and {remaining} are left; raise "
                "max_new_tokens, or allow shorter texts"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class RowConstraint:
    """The valid texts of one row's canvas. Make it with `constrain_row`.

    Attributes:
        rule: what is valid.
        start: the state before the first position.
        final: zero for the states that are valid after the last position, minus infinity for the others.
        late: positions at which the text must have ended.
        forced: positions at which a single token is valid, whatever stands at the others.
    """

    rule: CompiledRule
    start: int
    final: Float64[np.ndarray, "S"]
    late: Bool[np.ndarray, "C"]
    forced: Bool[np.ndarray, "C"]

    def condition(
        self, logits: Float[Tensor, "C V"], uniforms: Float64[Tensor, "C"]
    ) -> tuple[Float[Tensor, "C V"], Int[Tensor, "C"], Int[Tensor, "C"]] | None:
        """What `CanvasConstraint.condition` does, for this row; None if no valid canvas is left."""
        ordered = self.rule.classes.order(logits)
        classes, groups, messages = self._solve(ordered)
        if messages.log_normalizer == -np.inf:
            return None
        lattice, device = self.rule.lattice, logits.device
        factors = paths.class_factors(lattice, classes, groups, messages)
        drawn = paths.sample_walk(lattice, classes, messages, self.start, uniforms.cpu().numpy())
        best = paths.best_walk(lattice, classes, groups, messages, self.start)
        factors, drawn_classes, left, best_classes = (
            torch.from_numpy(array).to(device)
            for array in (factors.astype(np.float32), drawn.classes, drawn.uniforms, best.classes)
        )
        return (
            factors.index_select(1, self.rule.classes.token_class).add_(logits),
            sample_tokens(self.rule.classes, ordered, drawn_classes, left),
            best_tokens(self.rule.classes, ordered, best_classes),
        )

    def log_normalizer(self, logits: Float[Tensor, "C V"]) -> float:
        """Log-probability that a canvas drawn from a prediction is valid."""
        return self._solve(self.rule.classes.order(logits))[2].log_normalizer - float(
            logits.logsumexp(-1).double().sum()
        )

    def _solve(self, ordered: Float[Tensor, "C T"]) -> tuple[Scores, Scores, Messages]:
        total, best = (scores.double().cpu().numpy() for scores in score_classes(self.rule.classes, ordered))
        classes = _end_in_time(Scores(total=total, best=best), self.late)
        groups = paths.score_groups(self.rule.lattice, classes)
        return classes, groups, paths.sweep(self.rule.lattice, groups, self.start, self.final)


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasConstraint:
    """The valid canvases of a batch, each row with a rule of its own or with none: a `sampling.constraint.Constraint`.

    Attributes:
        rows: the constraint of each row; None: every canvas is valid.
        forced: positions at which a single token is valid.
        constrained: rows that have a constraint.
    """

    rows: tuple[RowConstraint | None, ...]
    forced: CanvasMask
    constrained: RowMask

    @classmethod
    def of(
        cls, rows: Sequence[RowConstraint | None], *, canvas_length: int, device: torch.device
    ) -> "CanvasConstraint":
        """Put the rows of a batch together."""
        free = np.zeros(canvas_length, dtype=bool)
        return cls(
            rows=tuple(rows),
            forced=torch.from_numpy(np.stack([free if row is None else row.forced for row in rows])).to(device),
            constrained=torch.tensor([row is not None for row in rows], device=device),
        )

    def condition(self, logits: Logits, uniforms: Float64[Tensor, "B C"]) -> tuple[Logits, CanvasIds, CanvasIds]:
        """Read a prediction as if only valid canvases existed.

        Args:
            logits: tempered scores; a pinned position is certain.
            uniforms: a number in [0, 1) for each position, which chooses the sample.

        Returns:
            The log-probability of each token at each position, given that the canvas is valid; a canvas drawn from the
            valid ones in proportion to its probability; and the likeliest valid canvas. Rows without a constraint keep
            their logits, and zeros stand for their canvases.

        Raises:
            GenerationError: the prediction rules out every valid canvas.
        """
        free = torch.zeros(logits.shape[1], dtype=torch.int64, device=logits.device)
        results = []
        for index, row in enumerate(self.rows):
            result = (logits[index], free, free) if row is None else row.condition(logits[index], uniforms[index])
            if row is not None and result is None:
                raise GenerationError(
                    f"the network rules out every text that {row.rule.automaton.name} allows, in row {index}; relax "
                    "the constraint, or use the tokenizer that the model was trained with"
                )
            results.append(result)
        conditioned, sampled, best = (torch.stack(parts) for parts in zip(*results, strict=True))
        return conditioned, sampled, best

    def log_normalizer(self, logits: Logits) -> Float64[Tensor, "B"]:
        """Log-probability that a canvas drawn from a prediction is valid; minus infinity where none is."""
        values = [0.0 if row is None else row.log_normalizer(one) for row, one in zip(self.rows, logits, strict=True)]
        return torch.tensor(values, dtype=torch.float64, device=logits.device)


def constrain_row(rule: CompiledRule, *, state: int, remaining: int, canvas_length: int) -> RowConstraint:
    """Constrain the next canvas of a text.

    A text that has ended is filled up with end tokens. Where it has not, it can always end validly within the tokens
    that are left: a canvas never leads into a state from which the end is farther than that.

    Args:
        rule: what is valid.
        state: the state of the text so far: 0 for a new one, else what `TokenAutomaton.advance` gives.
        remaining: the tokens that the text may still have, those of this canvas included.
        canvas_length: positions of a canvas.

    Raises:
        SettingError: the shortest valid text is longer than what remains.
    """
    rule.check_room(state, remaining)
    lattice = rule.lattice
    final = np.where(lattice.distance <= max(remaining - canvas_length, 0), 0.0, -np.inf)
    late = np.arange(canvas_length) >= remaining

    possible = paths.possible_classes(lattice, late, state, final)
    forced = (possible * rule.classes.sizes.cpu().numpy()).sum(axis=1) == 1
    return RowConstraint(rule=rule, start=state, final=final, late=late, forced=forced)


def _end_in_time(classes: Scores, late: Bool[np.ndarray, "C"]) -> Scores:
    """Leave only the class of end tokens, the last one, where the text must have ended."""
    banned = late[:, None] & (np.arange(classes.total.shape[1]) < classes.total.shape[1] - 1)
    return Scores(
        total=np.where(banned, -np.inf, np.nan_to_num(classes.total, nan=0.0, neginf=-np.inf)),
        best=np.where(banned, -np.inf, np.nan_to_num(classes.best, nan=0.0, neginf=-np.inf)),
    )
