import json

import pytest

QUICK = ("--repeats", 1, "--warmup", 0, "--steps", 2, "--canvases", 1, "--prompt", "Once")


def test_systems_are_measured_beside_each_other(gesso_command, folder, tmp_path):
    picture = tmp_path / "peers.svg"
    words = ["--dtypes", "float32", "--batch", "1,2", "--bare", "--picture", picture]
    ran = gesso_command("bench", "peers", folder, *QUICK, *words)
    assert ran.status == 0
    record = json.loads(ran.out)
    assert "transformers" in record["versions"]
    systems = ["gesso", "gesso as shipped", "gesso autoregressive", "bare autoregressive loop", "transformers"]
    assert [row["system"] for row in record["results"]] == 2 * [*systems, "diffusers"]
    assert [row["batch"] for row in record["results"]] == 6 * [1] + 6 * [2]
    timed = [row for row in record["results"] if "remark" not in row]
    assert all(row["total_s"]["median"] > 0 for row in timed)
    assert picture.is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dtypes", "float16"], "--dtypes is 'float16'; give float32 or bfloat16"),
        (["--batch", "2,2"], "--batch is '2,2'; give whole numbers"),
        (["--steps", 0], "steps is 0"),
        (["--prompt", ""], "the prompt is empty"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, folder, words, said):
    ran = gesso_command("bench", "peers", folder, *words)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
