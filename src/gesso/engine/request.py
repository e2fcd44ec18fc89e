"""What is asked of the engine."""

from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from gesso.constrain.constraint import CompiledRule
from gesso.errors import PromptError, SettingError
from gesso.model.config import ModelConfig
from gesso.sampling.filters import Filters
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.verification import Verification

Mode = Literal["diffusion", "verified", "autoregressive"]
"""Canvases are denoised; or denoised, read from left to right, and painted again from the first fault on; or written
from left to right by the same weights, token by token."""

MAX_ALTERNATIVES = 20
"""A step tells of at most so many tokens at each position."""

MODES: tuple[Mode, ...] = get_args(Mode)


def check_mode(value: object) -> Mode:
    """Give back a mode.

    Raises:
        SettingError: It is none.
    """
    if value not in MODES:
        raise SettingError(f"mode is {value!r}; choose {', '.join(MODES[:-1])} or {MODES[-1]}")
    return cast(Mode, value)


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstCanvas:
    """How the first canvas begins, if not as noise.

    Attributes:
        token_ids: One token for each position.
        pinned: Positions whose token is fixed; the others start as noise.
    """

    token_ids: tuple[int, ...]
    pinned: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A text to start from, every token of which may change.

    Attributes:
        token_ids: Its tokens, from the first that is written on, over as many canvases as they take. What lies behind
            the tokens that are asked for is not used.
        levels: Noise level of each, in [0, 1]: its position starts as this token with probability 1 - level, and as
            noise otherwise. Positions that have none start as noise.
    """

    token_ids: tuple[int, ...]
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.token_ids:
            raise SettingError("the draft has no tokens; give some text, or leave it out")
        if len(self.levels) != len(self.token_ids):
            raise SettingError(
                f"the draft has {len(self.token_ids)} tokens and {len(self.levels)} noise levels; give one for each"
            )
        outside = [level for level in self.levels if not 0 <= level <= 1]
        if outside:
            raise SettingError(
                f"a noise level of the draft is {outside[0]:g}; give a number from 0 (its token) to 1 (noise)"
            )

    def within(self, start: int, length: int) -> "Draft | None":
        """The part of it at positions start..start + length - 1; None where it has none."""
        here = slice(start, start + length)
        return Draft(token_ids=self.token_ids[here], levels=self.levels[here]) if self.token_ids[here] else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One text to write.

    Attributes:
        prompt_ids: Tokens before the first canvas; at least one.
        max_new_tokens: At most this many tokens are emitted. Whole canvases are denoised, and the last one is cut.
        sampler: How canvases are denoised.
        seed: Source of all randomness; the same request with the same seed gives the same tokens.
        stop_ids: The text ends before the first of these, wherever in a canvas it stands.
        first_canvas: Fixed tokens of the first canvas, or None.
        draft: What the text starts from; None: noise. Where drafts are verified, it is read before the first step, and
            what comes before its first fault is kept.
        mode: How canvases are written.
        verification: How drafts are verified, where the mode verifies them.
        rule: What the text must be; None: anything.
        alternatives: Likeliest tokens that each step tells of at every position; 0 tells none, and costs nothing.
        logprobs: Whether a canvas that is committed tells how probable its tokens were.
        top_logprobs: With log-probabilities: likeliest tokens that are told of at each of its positions.
        filters: Which tokens are preferred, and which may be sampled.
    """

    prompt_ids: tuple[int, ...]
    max_new_tokens: int
    sampler: SamplerSettings
    seed: int
    stop_ids: frozenset[int]
    first_canvas: FirstCanvas | None = None
    draft: Draft | None = None
    mode: Mode = "diffusion"
    verification: Verification = field(default_factory=Verification)
    rule: CompiledRule | None = None
    alternatives: int = 0
    logprobs: bool = False
    top_logprobs: int = 0
    filters: Filters = field(default_factory=Filters)

    def max_steps(self, canvas_length: int) -> int:
        """Steps that a canvas may take."""
        return canvas_length if self.mode == "autoregressive" else self.sampler.max_steps

    @property
    def is_looked_on(self) -> bool:
        """Whether steps must make logits for somebody to look at."""
        return self.alternatives > 0 or self.logprobs

    def draft_settings(self, steps_spent: int) -> SamplerSettings:
        """How the next draft of a canvas is denoised, after the steps that its earlier drafts have taken."""
        return self.verification.settings(self.sampler, steps_spent) if self.mode == "verified" else self.sampler

    def num_canvases(self, canvas_length: int) -> int:
        """Canvases that `max_new_tokens` takes, if none slides."""
        return -(-self.max_new_tokens // canvas_length)

    def max_encoded(self, canvas_length: int) -> int:
        """Most positions that are encoded: the prompt, and all that can stand before the last canvas."""
        if self.sampler.slide is not None:
            return len(self.prompt_ids) + self.max_new_tokens - 1
        return len(self.prompt_ids) + (self.num_canvases(canvas_length) - 1) * canvas_length

    def check(self, config: ModelConfig) -> None:
        """Refuse what this network cannot do, before any step is run.

        Raises:
            PromptError: The prompt is empty, holds foreign ids, or leaves no room in the context.
            SettingError: Fewer than one token is asked for, or too many alternatives, the first canvas has the wrong
                length, there is no such mode, or it cannot do what is asked.
        """
        if self.max_new_tokens < 1:
            raise SettingError(f"max_new_tokens is {self.max_new_tokens}; ask for at least 1")
        if not 0 <= self.alternatives <= MAX_ALTERNATIVES:
            raise SettingError(f"alternatives is {self.alternatives}; give 0 to {MAX_ALTERNATIVES}")
        if not 0 <= self.top_logprobs <= MAX_ALTERNATIVES:
            raise SettingError(f"top_logprobs is {self.top_logprobs}; give 0 to {MAX_ALTERNATIVES}")
        if self.top_logprobs and not self.logprobs:
            raise SettingError(f"top_logprobs is {self.top_logprobs} and logprobs is not given; give both")
        self._check_mode()
        self._check_filters(config.vocab_size)
        if not self.prompt_ids:
            raise PromptError("the prompt has no tokens; give some text, or at least the bos token")
        foreign = [i for i in self.prompt_ids if not 0 <= i < config.vocab_size]
        if foreign:
            raise PromptError(
                f"the prompt holds token id {foreign[0]}; this model's ids go from 0 to {config.vocab_size - 1}"
            )
        needed = self.max_encoded(config.canvas_length) + config.canvas_length
        if needed > config.max_position_embeddings:
            raise PromptError(
                f"the prompt has {len(self.prompt_ids)} tokens and {self.max_new_tokens} more are asked for, in "
                f"canvases of {config.canvas_length}; together {needed} exceed the context of "
                f"{config.max_position_embeddings}: shorten the prompt or ask for fewer tokens"
            )
        first = self.first_canvas
        if first is not None and not len(first.token_ids) == len(first.pinned) == config.canvas_length:
            raise SettingError(
                f"the first canvas has {len(first.token_ids)} tokens and {len(first.pinned)} pins; "
                f"this model's canvases have {config.canvas_length} positions"
            )
        if self.draft is not None:
            self._check_draft(self.draft, config.vocab_size)
        if self.rule is not None:
            self._check_rule(self.rule, config)

    def _check_mode(self) -> None:
        check_mode(self.mode)
        if self.sampler.slide is not None and self.mode != "diffusion":
            raise SettingError(
                f"mode is {self.mode!r}, and canvases slide in mode 'diffusion' alone; give that mode, or slide 0"
            )
        if self.mode != "autoregressive":
            return
        unknown = {
            "pinned tokens": self.first_canvas,
            "drafts": self.draft,
            "rules": self.rule,
            "alternatives": self.alternatives,
        }
        for what, given in unknown.items():
            if given:
                raise SettingError(f"mode 'autoregressive' does not know {what}; leave them out or choose another mode")

    def _check_draft(self, draft: Draft, vocab_size: int) -> None:
        foreign = [i for i in draft.token_ids if not 0 <= i < vocab_size]
        if foreign:
            raise SettingError(f"the draft holds token id {foreign[0]}; this model's ids go from 0 to {vocab_size - 1}")
        if self.mode == "verified" and self.rule is not None and self.first_canvas is not None:
            raise SettingError(
                f"mode 'verified' keeps what holds of a draft, which may leave no way for {self.rule.automaton.name} "
                "to the pinned tokens; leave one of the three out, or choose mode 'diffusion'"
            )

    def _check_filters(self, vocab_size: int) -> None:
        foreign = [token for token, _ in self.filters.bias if not 0 <= token < vocab_size]
        if foreign:
            raise SettingError(
                f"logit_bias names the token {foreign[0]}; this model's ids go from 0 to {vocab_size - 1}"
            )
        for name, neutral in {"top_k": 0, "top_p": 1, "min_p": 0}.items():
            value = getattr(self.filters, name)
            if self.rule is not None and value != neutral:
                raise SettingError(
                    f"{name} is {value:g}, and {self.rule.automaton.name} is asked for, whose texts are sampled whole "
                    "and not token by token; give one of the two"
                )

    def _check_rule(self, rule: CompiledRule, config: ModelConfig) -> None:
        if (rule.vocab_size, rule.end_ids) != (config.vocab_size, self.stop_ids):
            raise SettingError(
                f"the rule is about {rule.vocab_size} tokens and ends with {sorted(rule.end_ids)}; this model has "
                f"{config.vocab_size} and the request ends with {sorted(self.stop_ids)}: compile it for this model"
            )
        rule.check_room(0, self.max_new_tokens)


def cut_at_stop(tokens: list[int], stop_ids: frozenset[int], limit: int) -> tuple[list[int], bool]:
    """Cut a canvas to the tokens that count, and say whether a stop token is what ended them.

    Args:
        tokens: A canvas.
        stop_ids: Tokens that end the text.
        limit: Tokens that may still be emitted.
    """
    for position, token in enumerate(tokens[:limit]):
        if token in stop_ids:
            return tokens[:position], True
    return tokens[:limit], False
