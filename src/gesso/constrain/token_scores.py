"""The passes over the vocabulary: from tokens to their classes and back."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.constrain.token_automaton import TokenAutomaton


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenClasses:
    """Which tokens are in a class, on the device of the logits.

    Attributes:
        token_class: the class of each token; 0 for those that are valid nowhere.
        tokens: the valid tokens, class by class.
        sizes: how many of them are in each class; none in class 0.
    """

    token_class: Int[Tensor, "V"]
    tokens: Int[Tensor, "T"]
    sizes: Int[Tensor, "K"]

    @classmethod
    def of(cls, automaton: TokenAutomaton, device: torch.device) -> "TokenClasses":
        """Put the classes of an automaton on a device."""
        token_class = torch.as_tensor(automaton.token_class, device=device)
        sizes = token_class.bincount(minlength=automaton.num_classes)
        tokens = token_class.argsort(stable=True)[int(sizes[0]) :]
        return cls(token_class=token_class, tokens=tokens, sizes=sizes.index_fill(0, sizes.new_zeros(1), 0))


def score_classes(
    classes: TokenClasses, logits: Float[Tensor, "C V"]
) -> tuple[Float[Tensor, "C K"], Float[Tensor, "C K"]]:
    """The log of the summed weight of each class at each position, and that of its likeliest token."""
    ordered = logits.index_select(1, classes.tokens)
    lengths = classes.sizes.expand(len(ordered), -1).contiguous()
    best = torch.segment_reduce(ordered, "max", lengths=lengths, axis=1, unsafe=True)
    # Minus infinity less itself is not a number; less any other number it stays what it is.
    shift = best.clamp(min=torch.finfo(best.dtype).min)
    ordered -= shift.index_select(1, classes.token_class[classes.tokens])
    total = torch.segment_reduce(ordered.exp_(), "sum", lengths=lengths, axis=1, unsafe=True)
    return total.log_().add_(shift), best


def sample_tokens(
    classes: TokenClasses,
    logits: Float[Tensor, "C V"],
    chosen: Int[Tensor, "C"],
    uniforms: Float64[Tensor, "C"],
) -> Int[Tensor, "C"]:
    """Draw a token of each position's chosen class, in proportion to its probability."""

    def draw(positions: Int[Tensor, "N"], weights: Float[Tensor, "N T"]) -> Int[Tensor, "N"]:
        cumulative = weights.softmax(-1).cumsum(-1, dtype=torch.float64)
        total = cumulative[:, -1:].contiguous()
        index = torch.searchsorted(cumulative, uniforms[positions].unsqueeze(1) * total, right=True)
        # Rounding may carry the product up to the total itself, past the last token that has any probability.
        last = torch.searchsorted(cumulative, total).clamp(max=cumulative.shape[1] - 1)
        return torch.minimum(index, last).squeeze(1)

    return _choose(classes, logits, chosen, draw)


def best_tokens(classes: TokenClasses, logits: Float[Tensor, "C V"], chosen: Int[Tensor, "C"]) -> Int[Tensor, "C"]:
    """Take the likeliest token of each position's chosen class."""
    return _choose(classes, logits, chosen, lambda _, weights: weights.argmax(-1))


def _choose(
    classes: TokenClasses,
    logits: Float[Tensor, "C V"],
    chosen: Int[Tensor, "C"],
    choose: Callable[[Tensor, Tensor], Tensor],
) -> Int[Tensor, "C"]:
    """Choose among the tokens of a class for all positions at once that have chosen it; most classes have one token."""
    starts = classes.sizes.cumsum(0) - classes.sizes
    result = classes.tokens[starts[chosen]]
    for number in chosen[classes.sizes[chosen] > 1].unique().tolist():
        members = classes.tokens[starts[number] : starts[number] + classes.sizes[number]]
        positions = (chosen == number).nonzero().flatten()
        result[positions] = members[choose(positions, logits[positions].index_select(1, members))]
    return result
