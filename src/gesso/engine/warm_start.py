"""Canvases that begin as a text of the caller's: noise over it, and what of it holds before any step is taken."""

from collections.abc import Sequence

import torch

from gesso.constrain.constraint import CompiledRule
from gesso.diffusion.corruption import UniformCorruption
from gesso.engine.left_to_right import read_draft
from gesso.engine.request import Request, cut_at_stop
from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.sampling.filters import CanvasFilters
from gesso.sampling.pins import Pins
from gesso.shapes import CanvasIds


def warm_canvas(network: Network, request: Request, start: int, generator: torch.Generator) -> CanvasIds | None:
    """Draw the canvas that the first draft starts from; None where the request has no text for it.

    Args:
        network: Whose canvas it is.
        request: What is asked.
        start: Tokens of the text before the canvas.
        generator: The canvas's; advanced unless the result is None.
    """
    length, device = network.config.canvas_length, network.device
    given = None if request.draft is None else request.draft.within(start, length)
    if given is None:
        return None
    rest = length - len(given.token_ids)
    tokens = torch.tensor([[*given.token_ids, *[0] * rest]], device=device)
    levels = torch.tensor([[*given.levels, *[1.0] * rest]], dtype=torch.float64, device=device)
    return UniformCorruption(vocab_size=network.config.vocab_size).corrupt(tokens, levels, generator)


def read_given(
    network: Network,
    text: Cache,
    last_id: int,
    request: Request,
    *,
    start: int,
    remaining: int,
    rule_state: int,
    pins: Pins | None,
    filters: CanvasFilters | None,
    generator: torch.Generator,
) -> Pins | list[int] | None:
    """In mode "verified", read the text that a canvas begins as, for that text is a draft like any other.

    Args:
        network: In eval mode.
        text: One row: the encoded text before the canvas; not changed.
        last_id: The last token of that text.
        request: Whose canvas it is.
        start: Tokens of the text before the canvas.
        remaining: Tokens that may still be emitted.
        rule_state: Where the text before has led the request's rule.
        pins: The caller's tokens.
        filters: Which tokens are preferred, and which may be sampled.
        generator: The canvas's; advanced unless the result is None.

    Returns:
        What the first draft shall keep; the canvas, up to the end of the text, if it holds without a step; None if
        nothing was read.
    """
    length, device = network.config.canvas_length, network.device
    draft = None if request.draft is None else request.draft.within(start, min(length, remaining))
    if draft is None or request.mode != "verified":
        return None
    given = list(draft.token_ids)
    if request.rule is not None:
        given = given[: _num_valid(request.rule, rule_state, given, remaining)]
    if not given:
        return None
    tokens = torch.tensor([[*given, *[0] * (length - len(given))]], device=device)
    if pins is not None:
        tokens = pins.apply(tokens)
        given = tokens[0, : len(given)].tolist()
    kept = read_draft(
        network,
        text,
        last_id,
        request,
        tokens[0].tolist(),
        remaining=len(given),
        pins=pins,
        filters=filters,
        generator=generator,
    )
    if kept is not None:
        return kept
    _, stopped = cut_at_stop(given, request.stop_ids, remaining)
    if stopped or len(given) == min(length, remaining):
        return given
    mask = (torch.arange(length, device=device) < len(given))[None]
    return Pins(mask=mask if pins is None else mask | pins.mask, tokens=tokens)


def _num_valid(rule: CompiledRule, state: int, token_ids: Sequence[int], remaining: int) -> int:
    """Tokens before the first that the rule rules out, or behind which too few are left to end validly."""
    for count, token in enumerate(token_ids, 1):
        state = rule.automaton.advance(state, [token])
        if state < 0 or rule.automaton.distance[state] > remaining - count:
            return count - 1
    return len(token_ids)
