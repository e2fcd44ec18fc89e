"""What is asked of the engine."""

from dataclasses import dataclass

from gesso.errors import PromptError, SettingError
from gesso.model.config import ModelConfig
from gesso.sampling.settings import SamplerSettings


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
class Request:
    """One text to write.

    Attributes:
        prompt_ids: Tokens before the first canvas; at least one.
        max_new_tokens: At most this many tokens are emitted. Whole canvases are denoised, and the last one is cut.
        sampler: How canvases are denoised.
        seed: Source of all randomness; the same request with the same seed gives the same tokens.
        stop_ids: The text ends before the first of these, wherever in a canvas it stands.
        first_canvas: Fixed tokens of the first canvas, or None.
    """

    prompt_ids: tuple[int, ...]
    max_new_tokens: int
    sampler: SamplerSettings
    seed: int
    stop_ids: frozenset[int]
    first_canvas: FirstCanvas | None = None

    def num_canvases(self, canvas_length: int) -> int:
        """Canvases that `max_new_tokens` takes."""
        return -(-self.max_new_tokens // canvas_length)

    def check(self, config: ModelConfig) -> None:
        """Refuse what this network cannot do, before any step is run.

        Raises:
            PromptError: The prompt is empty, holds foreign ids, or leaves no room in the context.
            SettingError: Fewer than one token is asked for, or the first canvas has the wrong length.
        """
        if self.max_new_tokens < 1:
            raise SettingError(f"max_new_tokens is {self.max_new_tokens}; ask for at least 1")
        if not self.prompt_ids:
            raise PromptError("the prompt has no tokens; give some text, or at least the bos token")
        foreign = [i for i in self.prompt_ids if not 0 <= i < config.vocab_size]
        if foreign:
            raise PromptError(
                f"the prompt holds token id {foreign[0]}; this model's ids go from 0 to {config.vocab_size - 1}"
            )
        needed = len(self.prompt_ids) + self.num_canvases(config.canvas_length) * config.canvas_length
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
