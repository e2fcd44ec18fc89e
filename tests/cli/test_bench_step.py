import json

import pytest

QUICK = ("--repeats", 1, "--warmup", 0, "--context", 8)


def test_models_and_batches_are_measured_in_parts(gesso_command, folder, tmp_path):
    picture = tmp_path / "step.svg"
    words = ["--batch", "1,2", "--dtype", "float32", "--picture", picture]
    ran = gesso_command("bench", "step", folder, *QUICK, *words)
    assert ran.status == 0
    record = json.loads(ran.out)
    assert record["settings"]["dtype"] == "float32"
    assert [(row["model"], row["batch"]) for row in record["results"]] == [(str(folder), 1), (str(folder), 2)]
    for row in record["results"]:
        assert row["step_ms"]["median"] > 0
        assert 0 < row["of_peak"] < 1
    assert picture.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--batch", "0"], "the batches are [0]"),
        (["--context", 250], "exceed the 256 positions"),
        (["--batch", "a"], "--batch is 'a'"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, folder, words, said):
    ran = gesso_command("bench", "step", folder, *words)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
