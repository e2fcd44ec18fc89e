"""A network that writes what it is told to."""

import torch

from gesso.constrain.constraint import CompiledRule
from gesso.constrain.rule import Regex, compile_rule
from gesso.constrain.token_automaton import Vocabulary
from gesso.model.config import ModelConfig
from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.shapes import CanvasIds, Hidden, Logits, SoftEmbedding, TokenIds
from tests.plain_head import PlainHead

CANVAS, VOCAB = 8, 40

CONFIG = ModelConfig(
    vocab_size=VOCAB,
    hidden_size=4,
    intermediate_size=4,
    num_attention_heads=1,
    num_key_value_heads=1,
    num_global_key_value_heads=1,
    head_dim=2,
    global_head_dim=2,
    layer_types=("full_attention",),
    sliding_window=4,
    max_position_embeddings=64,
    canvas_length=CANVAS,
)


def spelled(token_ids: list[int]) -> str:
    """The text of tokens, each of which is one character; those below 20 are control tokens."""
    return "".join(chr(token + 28) for token in token_ids if token >= 20)


def rule_of(pattern: str, vocab_size: int = VOCAB) -> CompiledRule:
    """The texts that match a pattern, in that spelling, ended by token 1."""
    tokens = [spelled([token]).encode() for token in range(vocab_size)]
    return CompiledRule.of(compile_rule(Regex(pattern=pattern), Vocabulary.of(tokens, {1})), torch.device("cpu"))


class ScriptedNetwork(PlainHead, Network):
    """Denoises canvas after canvas to the lines of a script, with certainty, and remembers what it was given to read.

    Which line is due it knows from the length of its cache alone: a commit that is left out or repeated shows.
    """

    def __init__(self, script: list[list[int]], config: ModelConfig = CONFIG) -> None:
        super().__init__(config)
        self.script = script
        self.prompt_length = 0
        self.encoded: list[list[int]] = []
        self.num_denoised = 0
        self.eval().requires_grad_(False)

    def encode(self, token_ids: TokenIds, cache: Cache, *, lengths: list[int] | None = None) -> Hidden:
        if cache.lengths == [0]:
            self.prompt_length = token_ids.shape[1]
        self.encoded += token_ids.tolist()
        cache.advance([token_ids.shape[1]])
        return torch.zeros(*token_ids.shape, self.config.hidden_size)

    def denoise(
        self, canvas: CanvasIds, cache: Cache, conditioning: SoftEmbedding | None = None, **rest: object
    ) -> Logits:
        self.num_denoised += 1
        index, remainder = divmod(cache.lengths[0] - self.prompt_length, self.config.canvas_length)
        assert remainder == 0, "only whole canvases are committed"
        line = torch.tensor([self.script[index]])
        return torch.zeros(*canvas.shape, self.config.vocab_size).scatter(-1, line.unsqueeze(-1), 30.0)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        return torch.zeros(*logits.shape[:2], self.config.hidden_size)
