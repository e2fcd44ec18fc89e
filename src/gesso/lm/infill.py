"""Writing what is missing between two texts: a text with one hole, whose size nobody told."""

from dataclasses import dataclass

from gesso.errors import PromptError, SettingError
from gesso.lm.holes import HoleSize, fill_holes
from gesso.model.network import Network
from gesso.sampling.settings import SamplerSettings
from gesso.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Infill:
    """A filled hole.

    Attributes:
        text: What stands in the hole: prefix + text + suffix is the whole.
        token_ids: Its tokens, and those of the spaces that the prefix ends with.
        nats_per_token: Mean left-to-right surprise of the filling and of what follows it in its canvas; lower reads
            more natural.
        seed: Repeats the result.
    """

    text: str
    token_ids: tuple[int, ...]
    nats_per_token: float
    seed: int


def infill(
    network: Network,
    tokenizer: Tokenizer,
    sampler: SamplerSettings,
    prefix: str,
    suffix: str,
    *,
    seed: int,
    max_hole_tokens: int,
) -> Infill:
    """Fill the hole between `prefix` and `suffix`; see `LanguageModel.infill`."""
    if not prefix and not suffix:
        raise PromptError("prefix and suffix are both empty; give at least one, or generate instead")
    if max_hole_tokens < 1:
        raise SettingError(f"max_hole_tokens is {max_hole_tokens}; a hole needs at least 1")
    sizes = [HoleSize(most=max_hole_tokens)]
    (filling,) = fill_holes(network, tokenizer, sampler, [prefix, suffix], sizes, seed=seed)
    return Infill(text=filling.text, token_ids=filling.token_ids, nats_per_token=filling.nats_per_token, seed=seed)
