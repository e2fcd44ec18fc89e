import json

import pytest

QUICK = ("--repeats", 1, "--warmup", 0, "--steps", 2, "--max-new-tokens", 8)


def test_every_mode_is_measured_and_drawn(gesso_command, folder, tmp_path):
    picture = tmp_path / "latency.svg"
    ran = gesso_command("bench", "latency", folder, *QUICK, "--seed", 1, "--picture", picture)
    assert ran.status == 0
    record = json.loads(ran.out)
    assert record.keys() == {"settings", "results", "date", "machine", "versions", "commit"}
    assert record["settings"]["model"] == str(folder)
    assert [row["mode"] for row in record["results"]] == ["diffusion", "verified", "autoregressive"]
    for row in record["results"]:
        assert row["total_s"]["least"] >= row["first_canvas_s"]["least"] >= row["first_draft_s"]["least"] > 0
        assert 0 < row["tokens"] <= 8
    assert [line.split()[0] for line in ran.err.splitlines()[:4]] == ["mode", "diffusion", "verified", "autoregressive"]
    assert picture.is_file()


def test_a_text_may_be_gone_on_from_and_the_record_kept_in_a_file(gesso_command, folder, tmp_path):
    file = tmp_path / "latency.json"
    words = ["--raw", "--prompt", "Once", "--modes", "diffusion", "--dtype", "bfloat16", "-o", file, "--quiet"]
    ran = gesso_command("bench", "latency", folder, *QUICK, *words)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    record = json.loads(file.read_text())
    assert (record["settings"]["dtype"], record["settings"]["chat"]) == ("bfloat16", False)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--modes", "magic"], 2, "mode is 'magic'"),
        (["--repeats", 0], 2, "repeats is 0"),
        (["--output", "no/such/folder.json"], 1, "does not exist"),
        (["--picture", "no/such/folder.svg"], 1, "does not exist"),
        (["--steps", 0], 2, "the number of steps is 0"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, folder, words, status, said):
    ran = gesso_command("bench", "latency", folder, *words)
    assert (ran.status, ran.err.count("\n")) == (status, 1)
    assert said in ran.err
