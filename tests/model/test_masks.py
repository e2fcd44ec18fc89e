"""Who sees whom, written out; and the reference cache says the same."""

import pytest
import torch
from transformers.cache_utils import DynamicSlidingWindowLayer
from transformers.masking_utils import causal_mask_function, sliding_window_causal_mask_function

from gesso.model.masks import denoise_visibility, encode_visibility

WINDOW = 4
CANVAS = 6

# Cached positions 0..8 that a canvas sees in a sliding layer: the last W - 1, whichever canvas position looks.
SEEN_BY_CANVAS = {
    0: ".........",
    1: "x........",
    2: "xx.......",
    3: "xxx......",
    4: ".xxx.....",
    5: "..xxx....",
    9: "......xxx",
}

# Positions that each position of a text sees in a sliding layer: itself and the W - 1 before it.
SEEN_BY_TEXT = [
    "x......",
    "xx.....",
    "xxx....",
    "xxxx...",
    ".xxxx..",
    "..xxxx.",
    "...xxxx",
]


def table(visible):
    return ["".join(".x"[seen] for seen in row) for row in visible.int().tolist()]


@pytest.mark.parametrize("context", SEEN_BY_CANVAS)
def test_a_canvas_sees_the_last_positions_of_the_window_less_one(context):
    visible = denoise_visibility(torch.tensor([context]), 0, 9, CANVAS, WINDOW)
    assert table(visible[0, 0]) == [SEEN_BY_CANVAS[context] + "x" * CANVAS]


def test_rows_of_a_batch_each_see_by_their_own_context():
    visible = denoise_visibility(torch.tensor(list(SEEN_BY_CANVAS)), 0, 9, CANVAS, WINDOW)
    assert table(visible[:, 0, 0]) == [seen + "x" * CANVAS for seen in SEEN_BY_CANVAS.values()]


def test_reading_only_the_end_of_the_cache_cuts_the_table_and_changes_nothing_else():
    visible = denoise_visibility(torch.tensor([5, 9]), 2, 9, CANVAS, WINDOW)
    assert table(visible[:, 0, 0]) == [SEEN_BY_CANVAS[n][2:] + "x" * CANVAS for n in (5, 9)]


def test_in_a_full_layer_a_canvas_sees_all_that_its_row_has_encoded():
    visible = denoise_visibility(torch.tensor([0, 3, 5]), 0, 5, 2, None)
    assert table(visible[:, 0, 0]) == [".....xx", "xxx..xx", "xxxxxxx"]


@pytest.mark.parametrize("context", [n for n in SEEN_BY_CANVAS if n])
@pytest.mark.parametrize("piece", [1, 2, 9])
def test_the_reference_cache_keeps_the_same_positions(context, piece):
    layer = DynamicSlidingWindowLayer(sliding_window=WINDOW)
    for positions in torch.arange(context, dtype=torch.float32).split(piece):
        layer.update(positions[None, None, :, None], positions[None, None, :, None])
    kept = set(layer.keys.flatten().int().tolist())
    assert kept == {position for position, seen in enumerate(SEEN_BY_CANVAS[context]) if seen == "x"}


def test_text_sees_itself_and_the_window_before_it():
    visible = encode_visibility(torch.arange(7)[None], 7, WINDOW)
    assert table(visible[0, 0]) == SEEN_BY_TEXT


def test_text_that_continues_a_cache_sees_by_absolute_position():
    visible = encode_visibility(torch.tensor([[4, 5, 6], [0, 1, 2]]), 7, WINDOW)
    assert table(visible[0, 0]) == SEEN_BY_TEXT[4:]
    assert table(visible[1, 0]) == SEEN_BY_TEXT[:3]


@pytest.mark.parametrize("window", [WINDOW, None])
def test_the_reference_rule_for_text_is_the_same(window):
    rule = causal_mask_function if window is None else sliding_window_causal_mask_function(window)
    positions = torch.arange(12)
    visible = encode_visibility(positions[None], 12, window)[0, 0]
    assert torch.equal(visible, rule(0, 0, positions[:, None], positions[None, :]))


@pytest.mark.parametrize("other_row", [9, 6], ids=["without a mask", "with a mask"])
def test_a_cached_position_matters_to_a_canvas_if_and_only_if_the_table_says_so(twin, other_row):
    network = twin(0, layer_types=("sliding_attention", "full_attention"), sliding_window=WINDOW).network
    text, canvas = torch.arange(18).view(2, 9), torch.arange(2 * CANVAS).view(2, CANVAS)
    cache = network.new_cache(batch=2, max_len=9)
    network.encode(text, cache, lengths=[9, other_row])
    before = network.denoise(canvas, cache)[0]
    changed = ""
    for position in range(9):
        keys, values = cache.read(0, position, position + 1)
        keys, values = keys[0], values[0]
        saved = keys.clone(), values.clone()
        keys.neg_()
        values.neg_()
        changed += ".x"[not torch.equal(network.denoise(canvas, cache)[0], before)]
        keys.copy_(saved[0])
        values.copy_(saved[1])
    assert changed == SEEN_BY_CANVAS[9]
