import json
import math

import pytest

from gesso.errors import OutputError
from gesso.train.run_log import RunLog
from tests.train.step_events import event


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_step_is_a_line(tmp_path):
    log = RunLog(tmp_path / "log.jsonl")
    for step in (1, 2):
        log.write(event(step, denoise_by_level=(1.0, math.nan, 2.0, 3.0)))
    lines = read(tmp_path / "log.jsonl")
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[0]["denoise_by_level"] == [1.0, None, 2.0, 3.0]
    assert lines[0].keys() == vars(event(1)).keys()


def test_steps_that_are_done_again_replace_those_that_were_lost(tmp_path):
    path = tmp_path / "log.jsonl"
    first = RunLog(path)
    for step in range(1, 6):
        first.write(event(step, total=1.0))
    path.write_text(path.read_text() + '{"step": 6, "tot')  # killed in the middle of a line
    again = RunLog(path)
    for step in (4, 5):
        again.write(event(step, total=2.0))
    assert [(line["step"], line["total"]) for line in read(path)] == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)]


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"log.jsonl cannot be written"):
        RunLog(tmp_path / "log.jsonl").write(event(1))
