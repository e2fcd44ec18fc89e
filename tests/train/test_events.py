import math
import random

import torch

from gesso.train.events import step_done
from gesso.train.losses import StepLosses
from tests.train.conftest import counting_batch


def losses(total, denoise, level):
    return StepLosses(
        total=torch.tensor(total),
        encode=torch.tensor(total / 2),
        denoise=torch.tensor(denoise),
        level=torch.tensor(level),
    )


def test_a_step_is_summed_up_over_its_batches():
    batches = [counting_batch(random.Random(seed)) for seed in (0, 1)]
    parts = [losses(3.0, [1.0, 2.0], [0.1, 0.9]), losses(5.0, [3.0, 6.0], [0.2, 1.0])]
    event = step_done(4, batches, parts, gradient_norm=0.5, learning_rate=0.1, seconds=2.0)
    assert (event.step, event.total, event.encode, event.denoise) == (4, 4.0, 2.0, 3.0)
    assert event.denoise_by_level[0] == 2.0
    assert event.denoise_by_level[3] == 4.0
    assert all(math.isnan(event.denoise_by_level[i]) for i in (1, 2))
    assert event.canvas_tokens == 2 * batches[0].clean.numel()


def test_a_step_without_canvases_has_nothing_to_say_of_denoising():
    batch = counting_batch(random.Random(0))
    event = step_done(1, [batch], [losses(3.0, [], [])], gradient_norm=0.5, learning_rate=0.1, seconds=2.0)
    assert math.isnan(event.denoise)
    assert all(math.isnan(loss) for loss in event.denoise_by_level)
