from dataclasses import replace

import pytest

from gesso.errors import SettingError
from gesso.train.shape import scaled_shape
from tests.tiny_model import CONFIG
from tests.train.chat_text import TOKENIZER

PATTERN = replace(CONFIG, hidden_size=64, num_attention_heads=4, num_key_value_heads=2, intermediate_size=128)


def scaled(**sizes):
    return scaled_shape(PATTERN, TOKENIZER, **sizes)


def test_without_words_the_shape_stays_and_the_vocabulary_is_the_tokenizers():
    assert scaled() == replace(
        PATTERN,
        vocab_size=TOKENIZER.vocab_size,
        bos_token_id=TOKENIZER.bos_id,
        eos_token_ids=(TOKENIZER.eos_id, TOKENIZER.token_id("<turn|>"), TOKENIZER.token_id("<|tool_response>")),
    )


def test_a_wider_network_has_more_heads_of_the_same_width_and_wider_insides():
    wide = scaled(width=128)
    assert (wide.hidden_size, wide.num_attention_heads, wide.head_dim) == (128, 8, PATTERN.head_dim)
    assert (wide.intermediate_size, wide.moe_intermediate_size) == (256, 2 * PATTERN.moe_intermediate_size)
    assert wide.num_key_value_heads == PATTERN.num_key_value_heads


def test_layers_repeat_the_pattern_and_the_last_is_full():
    full, sliding = "full_attention", "sliding_attention"
    assert scaled(layers=5).layer_types == (sliding, full, sliding, full, full)
    assert scaled(layers=1).layer_types == (full,)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"layers": 0}, "the number of layers is 0"),
        ({"canvas_length": -1}, "the canvas length is -1"),
        ({"width": 48}, "a width of 48 does not divide into heads; give a multiple of 32"),
        ({"width": 2}, "a width of 2 does not divide into heads"),
    ],
)
def test_sizes_that_make_no_network_are_refused(sizes, message):
    with pytest.raises(SettingError, match=message):
        scaled(**sizes)
