"""A vocabulary small enough to test with: every byte, some longer tokens of JSON, control tokens, and an end."""

import torch

from gesso.constrain.constraint import CanvasConstraint, CompiledRule, constrain_row
from gesso.constrain.rule import Rule, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.sampling.statistics import measure

LONGER = ['": ', '", "', "{}", '{"', '"}', "[]", ", ", "true", "alse", "null", "ab", "a1", " a", "\u00e9", "10", "\\n"]
TOKENS = [bytes([byte]) for byte in range(256)] + [text.encode() for text in LONGER] + [b"", b"</s>"]
END = len(TOKENS) - 1
VOCABULARY = Vocabulary.of(TOKENS, {END})


def text_of(token_ids):
    """The bytes before the first end token."""
    ids = list(token_ids)
    return b"".join(TOKENS[token] for token in (ids[: ids.index(END)] if END in ids else ids))


def compiled(rule: Rule, vocabulary: Vocabulary = VOCABULARY) -> CompiledRule:
    return CompiledRule.of(compile_rule(rule, vocabulary), torch.device("cpu"))


def write(rule: CompiledRule, remaining: int, generator: torch.Generator, *, canvas_length: int, scale: float = 3.0):
    """Write two texts, canvas by canvas, from random predictions: a sample and the likeliest one, as token ids."""
    texts = []
    for which in (1, 2):
        state, ids = 0, []
        while len(ids) < remaining and END not in ids:
            row = constrain_row(rule, state=state, remaining=remaining - len(ids), canvas_length=canvas_length)
            constraint = CanvasConstraint.of([row], canvas_length=canvas_length, device=torch.device("cpu"))
            logits = scale * torch.randn(1, canvas_length, len(TOKENS), generator=generator)
            uniforms = torch.rand(1, canvas_length, generator=generator, dtype=torch.float64)
            outcome = constraint.condition(logits, uniforms)
            assert measure(outcome[0], torch.ones(1), uniforms).entropy.isfinite().all()
            ids += outcome[which][0].tolist()
            state = rule.automaton.advance(state, ids[-canvas_length:])
        texts.append(ids[:remaining])
    return texts
