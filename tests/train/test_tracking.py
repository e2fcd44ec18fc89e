import math
import warnings

import pytest

from gesso.train.tracking import TensorBoard, curves
from tests.train.step_events import event


def test_every_number_is_a_curve_and_every_noise_level_one_of_its_own():
    points = curves(event(3, denoise_by_level=(0.5, math.nan, 2.0, 4.0)))
    assert points == {
        "total": 3.0,
        "encode": 1.0,
        "denoise": 2.0,
        "gradient_norm": 0.5,
        "seconds": 0.1,
        "canvas_tokens": 256,
        "learning_rate": 0.01,
        "loss_by_noise_level/0-0.25": 0.5,
        "loss_by_noise_level/0.5-0.75": 2.0,
        "loss_by_noise_level/0.75-1": 4.0,
    }


def test_tensorboard_reads_what_is_written_and_a_run_that_goes_on_cuts_what_was_lost(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for steps, total in (((1, 2, 3), 1.0), ((3, 4), 2.0)):
        board = TensorBoard(tmp_path)
        for step in steps:
            board.write(event(step, total=total))
        board.close()
    read = accumulator.EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(point.step, point.value) for point in read.Scalars("total")] == [(1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]


def test_no_steps_leave_no_files(tmp_path):
    TensorBoard(tmp_path / "board").close()
    assert not (tmp_path / "board").exists()
