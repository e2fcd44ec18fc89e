"""What a text must be: from the words of a caller to a rule that the engine applies."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch

from gesso.constrain.constraint import CompiledRule
from gesso.constrain.reply_rule import NO_TEXT, OTHER, SYMBOLS
from gesso.constrain.rule import Choice, JsonObject, JsonSchema, Regex, Rule, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.errors import SettingError
from gesso.text.tokenizer import Tokenizer

MAX_KEPT = 64
"""Compiled rules that are kept."""


def rule_of(
    *,
    regex: str | None = None,
    choice: Sequence[str] | None = None,
    json_schema: Mapping[str, Any] | bool | None = None,
    json_object: bool = False,
) -> Rule | None:
    """Make a rule of at most one of these; None where none is given.

    Raises:
        SettingError: More than one is given, or there is nothing to choose.
    """
    wanted = {
        "regex": regex is not None,
        "choice": choice is not None,
        "json_schema": json_schema is not None,
        "json_object": json_object,
    }
    given = [name for name, is_given in wanted.items() if is_given]
    if len(given) > 1:
        raise SettingError(f"{given[0]} and {given[1]} are both given; a text can follow one of them, so give one")
    if isinstance(choice, str):
        raise SettingError(f"choice is the text {choice!r}; give a list of texts")
    if regex is not None:
        return Regex(pattern=regex)
    if choice is not None:
        return Choice(texts=tuple(choice))
    if json_schema is not None:
        return JsonSchema(schema=json_schema)
    return JsonObject() if json_object else None


class Rules:
    """The rules that the texts of one model follow. Those that were used last stay compiled. Used from any thread.

    Args:
        tokenizer: What the model's tokens are.
        vocab_size: Tokens of the network, which may be more than the tokenizer knows.
        stop_ids: Tokens that end a text.
        device: Where the logits are.
    """

    def __init__(
        self, tokenizer: Tokenizer, *, vocab_size: int, stop_ids: frozenset[int], device: torch.device
    ) -> None:
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._stop_ids = stop_ids
        self._device = device
        self._kept: OrderedDict[str, CompiledRule] = OrderedDict()
        self._lock = threading.Lock()

    def compiled(self, rule: Rule) -> CompiledRule:
        """Compile a rule, or give it as it was compiled before.

        Raises:
            SettingError: It is malformed, uses what is not supported, allows no text, or is too large.
            ConfigError: The tokenizer does not spell each token by itself.
        """
        key = repr(rule)  # tells the order of the members of a schema, too, which equality does not
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = CompiledRule.of(compile_rule(rule, self._vocabulary), self._device)
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return made

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        spelled = [b"" if set(one).intersection(NO_TEXT) else one for one in self._tokenizer.token_bytes()]
        spelled += [b""] * (self._vocab_size - len(spelled))
        for token_id in self._tokenizer.special_ids:
            spelled[token_id] = SYMBOLS.get(self._tokenizer.token_text(token_id), OTHER)
        return Vocabulary.of(spelled, self._stop_ids)
