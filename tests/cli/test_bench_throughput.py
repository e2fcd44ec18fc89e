import json

import pytest

QUICK = ("--repeats", 1, "--warmup", 0, "--requests", 3, "--steps", 2, "--max-new-tokens", 8, "--seed", 1)


def test_levels_are_measured_one_after_another(gesso_command, folder, tmp_path):
    picture = tmp_path / "throughput.svg"
    words = ["--concurrency", "1,2", "--all-steps", "--mode", "diffusion", "--picture", picture]
    ran = gesso_command("bench", "throughput", folder, *QUICK, *words)
    assert ran.status == 0
    record = json.loads(ran.out)
    assert [row["concurrency"] for row in record["results"]] == [1, 2]
    for row in record["results"]:
        assert row["tokens_per_forward"] == pytest.approx(8 / 3, abs=1e-3)
        assert row["tokens_per_s"]["count"] == 1
    assert picture.is_file()


def test_arrivals_are_as_many_a_second_as_asked(gesso_command, folder):
    words = ["--arrivals", "50,100", "--share-passes", "--quiet"]
    ran = gesso_command("bench", "throughput", folder, *QUICK, *words)
    assert (ran.status, ran.err) == (0, "")
    rows = json.loads(ran.out)["results"]
    assert [(row["arrivals_per_s"], row["concurrency"]) for row in rows] == [(50.0, 16), (100.0, 16)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--concurrency", "0"], "concurrency is 0"),
        (["--concurrency", "2,2"], "--concurrency is '2,2'; give whole numbers with commas between, each once"),
        (["--arrivals", "1,x"], "--arrivals is '1,x'"),
        (["--arrivals", "0"], "the rate of arrivals is 0"),
        (["--requests", 0], "the number of requests is 0"),
        (["--mode", "magic"], "mode is 'magic'"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, folder, words, said):
    ran = gesso_command("bench", "throughput", folder, *words)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
