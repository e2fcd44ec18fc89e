"""The passes over the vocabulary: from tokens to their classes and back."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.constrain.token_automaton import TokenAutomaton
from gesso.ops.categorical import invert_cdf_in_groups, max_in_groups

LARGE = 128
"""Tokens from which on a class is summed up by itself; the smaller ones are summed up together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenClasses:
    """Which tokens are in a class, on the device of the logits.

    Attributes:
        token_class: the class of each token; 0 for those that are valid nowhere.
        tokens: the valid tokens, class by class, the large classes last.
        sizes: how many of them are in each class; none in class 0.
        starts: where each class begins among them.
        small: the small classes, in their order.
        small_class: the place in `small` of each token of these.
        large: the large classes, and where they begin and end.
    """

    token_class: Int[Tensor, "V"]
    tokens: Int[Tensor, "T"]
    sizes: Int[Tensor, "K"]
    starts: Int[Tensor, "K"]
    small: Int[Tensor, "N"]
    small_class: Int[Tensor, "M"]
    large: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, automaton: TokenAutomaton, device: torch.device) -> "TokenClasses":
        """Put the classes of an automaton on a device."""
        token_class = torch.as_tensor(automaton.token_class)
        sizes = token_class.bincount(minlength=automaton.num_classes)
        sizes[0] = 0
        order = (sizes >= LARGE).long().argsort(stable=True)
        starts = torch.empty_like(sizes)
        starts[order] = sizes[order].cumsum(0) - sizes[order]
        valid = token_class.nonzero().flatten()
        small = ((sizes > 0) & (sizes < LARGE)).nonzero().flatten()
        large = (sizes >= LARGE).nonzero().flatten().tolist()
        return cls(
            token_class=token_class.to(device),
            tokens=valid[starts[token_class[valid]].argsort(stable=True)].to(device),
            sizes=sizes.to(device),
            starts=starts.to(device),
            small=small.to(device),
            small_class=torch.arange(len(small)).repeat_interleave(sizes[small]).to(device),
            large=tuple((number, int(starts[number]), int(starts[number] + sizes[number])) for number in large),
        )

    def order(self, logits: Float[Tensor, "C V"]) -> Float[Tensor, "C T"]:
        """The scores of the valid tokens, in the order of `tokens`."""
        return logits.index_select(1, self.tokens)


def score_classes(
    classes: TokenClasses, ordered: Float[Tensor, "C T"]
) -> tuple[Float[Tensor, "C K"], Float[Tensor, "C K"]]:
    """The log of the summed weight of each class at each position, and that of its likeliest token."""
    total, best = sum_small_classes(classes, ordered)
    for number, start, stop in classes.large:
        members = ordered[:, start:stop]
        total[:, number], best[:, number] = members.logsumexp(1), members.amax(1)
    return total, best


def sum_small_classes(
    classes: TokenClasses, ordered: Float[Tensor, "C T"]
) -> tuple[Float[Tensor, "C K"], Float[Tensor, "C K"]]:
    """The same of the small classes alone; for the others minus infinity. Their tokens need not be there."""
    total = ordered.new_full((len(ordered), len(classes.sizes)), -torch.inf)
    best = total.clone()
    if len(classes.small):
        members = ordered[:, : len(classes.small_class)].contiguous()
        lengths = classes.sizes[classes.small].expand(len(ordered), -1).contiguous()
        largest = torch.segment_reduce(members, "max", lengths=lengths, axis=1, unsafe=True)
        # Minus infinity less itself is not a number; less any other number it stays what it is.
        shift = largest.clamp(min=torch.finfo(largest.dtype).min)
        weights = (members - shift.index_select(1, classes.small_class)).exp_()
        sums = torch.segment_reduce(weights, "sum", lengths=lengths, axis=1, unsafe=True)
        total[:, classes.small], best[:, classes.small] = sums.log_().add_(shift), largest
    return total, best


def sample_tokens(
    classes: TokenClasses,
    ordered: Float[Tensor, "C T"],
    chosen: Int[Tensor, "C"],
    uniforms: Float64[Tensor, "C"],
) -> Int[Tensor, "C"]:
    """Draw a token of each position's chosen class, in proportion to its probability."""

    def draw(scores: Float[Tensor, "N M"], positions: Int[Tensor, "N"]) -> Int[Tensor, "N"]:
        return invert_cdf_in_groups(scores.softmax(-1), uniforms[positions])

    return choose_in_classes(
        classes, ordered, chosen, draw, lambda number, at: draw(_large(classes, ordered, number, at), at)
    )


def best_tokens(classes: TokenClasses, ordered: Float[Tensor, "C T"], chosen: Int[Tensor, "C"]) -> Int[Tensor, "C"]:
    """Take the likeliest token of each position's chosen class."""

    def choose(scores: Float[Tensor, "N M"], _: Int[Tensor, "N"]) -> Int[Tensor, "N"]:
        return max_in_groups(scores)[1]

    return choose_in_classes(
        classes, ordered, chosen, choose, lambda number, at: choose(_large(classes, ordered, number, at), at)
    )


def choose_in_classes(
    classes: TokenClasses,
    ordered: Float[Tensor, "C T"],
    chosen: Int[Tensor, "C"],
    in_small: Callable[[Tensor, Tensor], Tensor],
    in_large: Callable[[int, Tensor], Tensor],
) -> Int[Tensor, "C"]:
    """Choose among the tokens of each position's class: in large classes one by one, in the small ones all at once.

    Args:
        classes: which tokens are in a class.
        ordered: the scores of the tokens, in their order; only those of the small classes are looked at.
        chosen: the class of each position.
        in_small: gives, for the scores of the tokens of some positions' classes, filled up with minus infinity, and
            these positions, which of the tokens each of them takes.
        in_large: gives the same for a class and some positions.
    """
    sizes, places = classes.sizes[chosen], classes.starts[chosen]
    (positions,) = torch.where((sizes > 1) & (sizes < LARGE))
    if len(positions):
        rank = torch.arange(int(sizes[positions].max()), device=chosen.device)
        columns = (places[positions][:, None] + rank).clamp(max=ordered.shape[1] - 1)
        scores = ordered[positions].gather(1, columns).masked_fill(rank >= sizes[positions][:, None], -torch.inf)
        places[positions] += in_small(scores, positions)
    for number in chosen[sizes >= LARGE].unique().tolist():
        (positions,) = torch.where(chosen == number)
        places[positions] += in_large(number, positions)
    return classes.tokens[places]


def _large(
    classes: TokenClasses, ordered: Float[Tensor, "C T"], number: int, positions: Int[Tensor, "N"]
) -> Float[Tensor, "N M"]:
    start = int(classes.starts[number])
    return ordered[:, start : start + int(classes.sizes[number])].index_select(0, positions)
