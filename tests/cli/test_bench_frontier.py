import json

import pytest

QUICK = ("--items", 1, "--steps", "1,2", "--phrasings", 1, "--seed", 1)


def test_ways_are_judged_and_drawn(gesso_command, folder, tmp_path):
    picture = tmp_path / "frontier.svg"
    words = ["--modes", "diffusion,autoregressive", "--best-of", "1,2", "--picture", picture]
    ran = gesso_command("bench", "frontier", folder, *QUICK, *words)
    assert ran.status == 0
    record = json.loads(ran.out)
    assert [row["way"] for row in record["results"]] == [
        "diffusion, 1 steps",
        "diffusion, 2 steps",
        "diffusion, 1 steps, best of 2",
        "diffusion, 2 steps, best of 2",
        "autoregressive",
        "autoregressive, best of 2",
    ]
    assert all(row["ok"]["count"] == 1 for row in record["results"])
    assert "means and standard errors" in ran.err
    assert picture.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "0"], "give numbers from 1 up"),
        (["--best-of", "1,1"], "--best-of is '1,1'"),
        (["--items", 0], "the number of stories is 0"),
        (["--phrasings", 0], "use 1 or more"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, folder, words, said):
    ran = gesso_command("bench", "frontier", folder, *words)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
