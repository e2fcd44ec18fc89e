import math

from gesso.cli.training_progress import TrainingProgress
from tests.train.step_events import event


def test_speed_and_losses_are_told_in_words():
    with TrainingProgress(10, quiet=True) as progress:
        progress.show(event(1, denoise_by_level=(0.5, math.nan, 2.0, 4.0)))
        assert progress.words == (
            "2,560 tokens/s, encode 1.00, denoise 2.00, from little noise to much 0.50 - 2.00 4.00"
        )


def test_losses_are_running_means_and_speed_is_one_of_all_tokens_and_seconds():
    with TrainingProgress(10, quiet=True) as progress:
        progress.show(event(1, denoise=2.0))
        progress.show(event(2, denoise=3.0, seconds=0.3, denoise_by_level=(math.nan,) * 4))
        assert "denoise 2.10" in progress.words
        assert "2,133 tokens/s" in progress.words
        assert progress.words.endswith("0.50 1.00 2.00 4.00")


def test_without_a_terminal_a_fiftieth_of_a_run_is_a_line(capsys):
    with TrainingProgress(100, quiet=False) as progress:
        for step in range(1, 6):
            progress.show(event(step))
        progress.say("sample [red]")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines[:2]] == ["gesso: step 2 of 100", "gesso: step 4 of 100"]
    assert "left, 2,560 tokens/s" in lines[0]
    assert lines[2:] == ["gesso: sample [red]"]


def test_quiet_says_nothing(capsys):
    with TrainingProgress(2, quiet=True) as progress:
        progress.show(event(1))
        progress.say("sample")
    assert capsys.readouterr().err == ""
