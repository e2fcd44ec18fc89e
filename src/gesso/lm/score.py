"""How likely a model finds a text: left to right, token by token, and by the bound of diffusion."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from gesso.diffusion.likelihood import LikelihoodBound
from gesso.engine.left_to_right import surprise
from gesso.errors import PromptError, SettingError
from gesso.lm.text_bound import bound_examples, check_lengths
from gesso.model.network import Network
from gesso.text.tokenizer import Tokenizer
from gesso.train.examples import lay_out


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How likely a text is, as negative log-likelihoods in nats: lower is likelier.

    Left to right is exact. The bound is of what diffusion does, the text and its end on whole canvases in noise; it is
    an estimate from random noise, and its expectation is at least the negative log-likelihood.

    Attributes:
        token_ids: Tokens of the text.
        token_nats: Left to right, of each token given all before it.
        end_nats: Left to right, of the end of the sequence after the text.
        bound_nats: The bound, of the text and its end; None if it was not asked for.
        bound_error_nats: One standard deviation of that estimate.
        num_bytes: Of the text, in UTF-8.
        seed: Repeats the bound.
    """

    token_ids: tuple[int, ...]
    token_nats: tuple[float, ...]
    end_nats: float
    bound_nats: float | None
    bound_error_nats: float | None
    num_bytes: int
    seed: int

    @property
    def nats(self) -> float:
        """Left to right, of the text and its end."""
        return sum(self.token_nats) + self.end_nats

    @property
    def nats_per_token(self) -> float:
        """Their mean over the tokens, the end counted as one."""
        return self.nats / (len(self.token_nats) + 1)

    @property
    def bits_per_byte(self) -> float:
        """Left to right, of the text and its end, for each byte of the text."""
        return self.nats / math.log(2) / self.num_bytes

    @property
    def bound_bits_per_byte(self) -> float | None:
        """The bound for each byte of the text."""
        return None if self.bound_nats is None else self.bound_nats / math.log(2) / self.num_bytes

    def facts(self, tokenizer: Tokenizer) -> dict[str, Any]:
        """The score as JSON, each token with its text; without the bound if it was not asked for."""
        facts: dict[str, Any] = {
            "bits_per_byte": round(self.bits_per_byte, 6),
            "nats": round(self.nats, 4),
            "token_ids": list(self.token_ids),
            "tokens": [tokenizer.decode([token]) for token in self.token_ids],
            "token_nats": [round(nats, 4) for nats in self.token_nats],
            "end_nats": round(self.end_nats, 4),
        }
        if self.bound_nats is None or self.bound_bits_per_byte is None or self.bound_error_nats is None:
            return facts
        return facts | {
            "bound_bits_per_byte": round(self.bound_bits_per_byte, 6),
            "bound_nats": round(self.bound_nats, 4),
            "bound_error_nats": round(self.bound_error_nats, 4),
            "seed": self.seed,
        }


def score(network: Network, tokenizer: Tokenizer, text: str, *, prompt: str, num_samples: int, seed: int) -> Score:
    """Score `text` after `prompt`; see `LanguageModel.score`."""
    if not text:
        raise PromptError("the text is empty and has no likelihood; give at least one character")
    if num_samples < 0 or num_samples == 1:
        raise SettingError(
            f"num_samples is {num_samples}; give 2 or more, for an error bar, or 0 to leave the bound out"
        )
    context, tokens = tokenizer.encode(prompt, add_bos=True), tokenizer.encode(text)
    length = network.config.canvas_length
    num_canvases = -(-(len(tokens) + 1) // length)
    check_lengths([len(context) + num_canvases * length], network)
    end = frozenset({tokenizer.eos_id})
    *nats, end_nats = surprise(network, context, tokens, end_ids=end).tolist()
    bound: LikelihoodBound | None = None
    if num_samples:
        example = lay_out(
            context,
            [*tokens, tokenizer.eos_id],
            canvas_length=length,
            eos_id=tokenizer.eos_id,
            max_canvases=num_canvases,
        )
        generator = torch.Generator().manual_seed(seed)
        bound = bound_examples(network, [example], generator=generator, num_samples=num_samples)
    return Score(
        token_ids=tuple(tokens),
        token_nats=tuple(nats),
        end_nats=end_nats,
        bound_nats=None if bound is None else bound.nats.item(),
        bound_error_nats=None if bound is None else bound.standard_error.item(),
        num_bytes=len(text.encode()),
        seed=seed,
    )
