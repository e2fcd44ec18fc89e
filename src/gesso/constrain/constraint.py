"""A constraint on a batch of canvases: what the sampler asks at each step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from gesso.constrain import paths
from gesso.constrain.class_head import Gathered, read_classes
from gesso.constrain.lattice import Lattice, build_lattice
from gesso.constrain.layers import Layer, build_layers, possible_classes, possible_edges
from gesso.constrain.paths import Scores
from gesso.constrain.token_automaton import TokenAutomaton
from gesso.constrain.token_scores import TokenClasses, best_tokens, sample_tokens, score_classes
from gesso.errors import GenerationError, SettingError
from gesso.ops.read_head import HeadReading, join_readings, read_head
from gesso.shapes import CanvasIds, CanvasMask, Logits, RowMask, SoftEmbedding


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
        layers: the edges of its automaton that a valid canvas may take, position by position.
        forced: positions at which a single token is valid, whatever stands at the others.
        gathered: what steps with the same weights need not gather again.
    """

    rule: CompiledRule
    layers: tuple[Layer, ...]
    forced: Bool[np.ndarray, "C"]
    gathered: Gathered = field(default_factory=Gathered)

    def condition(
        self, logits: Float[Tensor, "C V"], uniforms: Float64[Tensor, "C"]
    ) -> tuple[Float[Tensor, "C V"], Int[Tensor, "C"], Int[Tensor, "C"]] | None:
        """What `CanvasConstraint.condition` does, for this row; None if no valid canvas is left."""
        classes = self.rule.classes
        ordered = classes.order(logits)
        choices = self._choose(*score_classes(classes, ordered), uniforms)
        return choices and (
            choices.factors.index_select(1, classes.token_class).add_(logits),
            sample_tokens(classes, ordered, choices.drawn, choices.left),
            best_tokens(classes, ordered, choices.best),
        )

    def read_head(
        self,
        hidden: Float[Tensor, "1 C D"],
        embedding: Float[Tensor, "V D"],
        softcap: float,
        temperature: Float[Tensor, "1"],
        uniforms: Float64[Tensor, "1 C"],
        pinned: Int[Tensor, "1 C"] | None = None,
    ) -> HeadReading | None:
        """What `CanvasConstraint.read_head` does, for this row; None if no valid canvas is left."""
        head = read_classes(self.rule.classes, hidden[0], embedding, softcap, temperature[0], self.gathered)
        total, best = head.total, head.best
        if pinned is not None:
            total, best = (self._pin(scores, pinned[0]) for scores in (total, best))
        choices = self._choose(total, best, uniforms[0])
        if choices is None:
            return None
        entropy, confidence, soft = head.combine(choices.factors)
        argmax = head.likeliest(choices.best)
        sampled = argmax if bool(temperature[0] == 0) else head.sample(choices.drawn, choices.left)
        scale = torch.tensor(hidden.shape[2] ** 0.5, dtype=embedding.dtype, device=embedding.device)
        return HeadReading(
            entropy=entropy[None],
            confidence=confidence[None],
            argmax=argmax[None],
            sampled=sampled[None],
            soft_embedding=(soft.to(embedding.dtype) * scale)[None],
        )

    def log_normalizer(self, logits: Float[Tensor, "C V"]) -> float:
        """Log-probability that a canvas drawn from a prediction is valid."""
        classes = _scores(*score_classes(self.rule.classes, self.rule.classes.order(logits)))
        sums = paths.sum_ways(self.rule.lattice, self.layers, classes)
        return sums.log_normalizer - float(logits.logsumexp(-1).double().sum())

    def _choose(
        self, total: Float[Tensor, "C K"], best: Float[Tensor, "C K"], uniforms: Float64[Tensor, "C"]
    ) -> "_Choices | None":
        """Go through the automaton by the scores of the classes; None if no way is left."""
        lattice, layers, classes = self.rule.lattice, self.layers, _scores(total, best)
        sums = paths.sum_ways(lattice, layers, classes)
        if sums.log_normalizer == -np.inf:
            return None
        drawn = paths.sample_walk(lattice, layers, classes, sums, uniforms.cpu().numpy())
        likeliest = paths.best_walk(lattice, layers, classes)
        arrays = (sums.factors.astype(np.float32), drawn.classes, drawn.uniforms, likeliest.classes)
        return _Choices(*(torch.from_numpy(array).to(total.device) for array in arrays))

    def _pin(self, scores: Float[Tensor, "C K"], pinned: Int[Tensor, "C"]) -> Float[Tensor, "C K"]:
        """Make the class of each pinned token certain, as `Pins.apply_to_logits` does for the token."""
        is_pinned, of_token = pinned >= 0, self.rule.classes.token_class[pinned.clamp(min=0)]
        certain = torch.full_like(scores, -torch.inf).scatter_(1, of_token[:, None], 0.0)
        certain[:, 0] = -torch.inf  # tokens that are valid nowhere
        return torch.where(is_pinned[:, None], certain, scores)


class _Choices(NamedTuple):
    """What came of a way through the automaton.

    Attributes:
        factors: what the rule multiplies the weight of each class by, in logarithms.
        drawn: the classes of a sample.
        left: what is left of the numbers that chose them.
        best: the classes of the likeliest canvas.
    """

    factors: Float[Tensor, "C K"]
    drawn: Int[Tensor, "C"]
    left: Float64[Tensor, "C"]
    best: Int[Tensor, "C"]


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
                raise _ruled_out(row, index)
            results.append(result)
        conditioned, sampled, best = (torch.stack(parts) for parts in zip(*results, strict=True))
        return conditioned, sampled, best

    def read_head(
        self,
        hidden: SoftEmbedding,
        embedding: Float[Tensor, "V D"],
        softcap: float,
        temperature: Float[Tensor, "B"],
        uniforms: Float64[Tensor, "B C"],
        *,
        pinned: Int[Tensor, "B C"] | None = None,
    ) -> HeadReading:
        """Read a prediction as if only valid canvases existed, without its logits.

        Args:
            hidden: final hidden states, normed.
            embedding: the tied embedding.
            softcap: as in `gesso.ops.read_head`, and so the next two.
            temperature: of each row.
            uniforms: a number in [0, 1) for each position, which chooses the sample.
            pinned: the fixed token of each position, -1 where there is none. What is read there has no meaning.

        Raises:
            GenerationError: the prediction rules out every valid canvas.
        """
        readings = []
        for index, row in enumerate(self.rows):
            here = slice(index, index + 1)
            inputs = (hidden[here], embedding, softcap, temperature[here], uniforms[here])
            if row is None:
                readings.append(read_head(*inputs))
                continue
            reading = row.read_head(*inputs, None if pinned is None else pinned[here])
            if reading is None:
                raise _ruled_out(row, index)
            readings.append(reading)
        return join_readings(readings)

    def log_normalizer(self, logits: Logits) -> Float64[Tensor, "B"]:
        """Log-probability that a canvas drawn from a prediction is valid; minus infinity where none is."""
        values = [0.0 if row is None else row.log_normalizer(one) for row, one in zip(self.rows, logits, strict=True)]
        return torch.tensor(values, dtype=torch.float64, device=logits.device)


def _ruled_out(row: RowConstraint, index: int) -> GenerationError:
    return GenerationError(
        f"the network rules out every text that {row.rule.automaton.name} allows, in row {index}; relax the "
        "constraint, or use the tokenizer that the model was trained with"
    )


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

    possible = possible_edges(lattice, late, state, final)
    sizes = rule.classes.sizes.cpu().numpy()
    forced = (possible_classes(lattice, possible) * sizes).sum(axis=1) == 1
    return RowConstraint(rule=rule, layers=build_layers(lattice, possible), forced=forced)


def _scores(total: Float[Tensor, "C K"], best: Float[Tensor, "C K"]) -> Scores:
    """Scores for the recursions, which need numbers: what is none becomes zero, and the sampler sees what broke."""
    clean = (torch.nan_to_num(scores, nan=0.0, neginf=-torch.inf).double() for scores in (total, best))
    total_array, best_array = (scores.cpu().numpy() for scores in clean)
    return Scores(total=total_array, best=best_array)
