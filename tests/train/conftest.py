import random
from dataclasses import replace

import pytest
import torch

from gesso.model.config import ModelConfig
from gesso.model.initialize import initialize
from gesso.model.network import Network
from gesso.train.batch import Batch, collate
from gesso.train.examples import lay_out

CANVAS, VOCAB, EOS, BOS, PAD = 8, 24, 1, 2, 0


@pytest.fixture
def network() -> Network:
    return tiny_network()


def tiny_network(**changes: object) -> Network:
    """A network that is the same whenever it is made."""
    config = ModelConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        intermediate_size=24,
        num_attention_heads=2,
        num_key_value_heads=1,
        num_global_key_value_heads=1,
        head_dim=8,
        global_head_dim=8,
        layer_types=("sliding_attention", "full_attention"),
        sliding_window=6,
        num_experts=2,
        top_k_experts=1,
        moe_intermediate_size=8,
        canvas_length=CANVAS,
    )
    network = Network(replace(config, **changes))
    initialize(network, torch.Generator().manual_seed(0), std=0.2)
    return network


def counting_batch(rng: random.Random, *, whole: bool = False) -> Batch:
    """Texts that count upwards from a random token: something a tiny network can learn; `whole` holds both canvases."""
    examples = []
    for _ in range(4):
        first = rng.randrange(3, VOCAB)
        tokens = [3 + (first + i) % (VOCAB - 3) for i in range(2 * CANVAS + 4)]
        examples.append(lay_out([BOS, *tokens[:3]], tokens[3:], canvas_length=CANVAS, eos_id=EOS, max_canvases=2))
    length = 4 + (2 * CANVAS if whole else CANVAS)
    return collate(examples, text_length=length, canvases_per_text=2, pad_id=PAD, rng=rng, whole_responses=whole)


def whole_counting_batch(rng: random.Random) -> Batch:
    """The same texts with both of their canvases."""
    return counting_batch(rng, whole=True)
