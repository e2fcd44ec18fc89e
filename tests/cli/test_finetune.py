"""Both training commands, as they are typed: `tests/train/test_prepared_run.py` has what they do underneath."""

import json

import pytest

import gesso
from gesso.train.lora import Lora

QUICK = ("--steps", 4, "--texts", 2, "--max-length", 128, "--precision", "float32", "--save-every", 2)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps({"text": f"Tom had {n} kites. " * 3, "id": n}) + "\n" for n in range(6)))
    return path


def test_an_adapter_is_trained_told_of_and_loaded(gesso_command, folder, data, tmp_path):
    out = tmp_path / "run"
    words = ("finetune", folder, data, "--out", out, "--lora-rank", 2, "--learning-rate", 0.05, *QUICK)
    ran = gesso_command(*words, "--sample-every", 4, "--tracking", "tensorboard")
    assert (ran.status, ran.out) == (0, "")
    said = ran.err.splitlines()
    assert f"M parameters in {out}" in said[0]
    assert "6 documents are good: 6 texts" in said[1]
    assert said[2] == "gesso: fields that mean nothing here and are not learnt: id (6)"
    assert said[3].startswith("gesso: step 1 of 4")
    assert said[-3].startswith("gesso: sample at step 4: Once upon a time")
    assert said[-2] == f"gesso: the curves of the run are in {out / 'curves.png'}"
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert said[-1] == (
        f"gesso: the adapter is in {out / 'adapter'}; gesso generate PROMPT --model {folder} "
        f"--adapter {out / 'adapter'}"
    )
    assert [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()] == [1, 2, 3, 4]
    assert len(list((out / "tensorboard").iterdir())) == 1

    plain = gesso_command("generate", "Tom", "--model", folder, "--seed", 1, "--json").object
    adapted = gesso_command("generate", "Tom", "--model", folder, "--seed", 1, "--json", "--adapter", out / "adapter")
    assert adapted.object["token_ids"] != plain["token_ids"]
    lm = gesso.load(folder, adapter=out / "adapter")
    assert list(lm.generate("Tom", seed=1).token_ids) == adapted.object["token_ids"]

    again = gesso_command(*words, "--quiet")
    assert (again.status, again.err) == (0, "")
    other = gesso_command("finetune", folder, data, "--out", out, *QUICK)
    assert other.status == 1
    assert "holds a run with lora Lora(rank=2, alpha=None), and now it is None" in other.err


def test_an_adapter_on_another_model_is_refused(gesso_command, folder, data, tmp_path):
    gesso_command("finetune", folder, data, "--out", tmp_path / "run", "--lora-rank", 2, *QUICK, "--quiet")
    ran = gesso_command("generate", "Tom", "--adapter", tmp_path / "run" / "adapter")
    assert (ran.status, ran.out) == (1, "")
    assert f"was trained on other weights than these: on '{folder}'; load that model with it" in ran.err


def test_all_weights_are_trained_without_a_rank(gesso_command, folder, data, tmp_path):
    ran = gesso_command("finetune", folder, data, "--out", tmp_path / "run", *QUICK, "--sample-every", 0)
    assert ran.status == 0
    assert "sample" not in ran.err
    assert gesso_command("generate", "Tom", "--model", tmp_path / "run" / "model", "--seed", 1).status == 0


RECIPE = """
from gesso.diffusion.levels import UniformLevels
from gesso.train.lora import Lora
from gesso.train.optimizer import WarmupCosine
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.start import FromModel


def run():
    schedule = WarmupCosine(warmup_steps=0, total_steps=1)
    settings = TrainSettings(total_steps=1, schedule=schedule, learning_rate=1e-3, levels=UniformLevels())
    return Run(start=FromModel(model={folder!r}), data={data!r}, lora=Lora(rank=2), settings=settings)
"""


def test_a_recipe_says_it_all_and_nothing_may_be_said_beside_it(gesso_command, folder, data, tmp_path):
    recipe = tmp_path / "recipe.py"
    recipe.write_text(RECIPE.format(folder=str(folder), data=str(data)))
    words = ("--recipe", recipe, "--out", tmp_path / "run")
    assert gesso_command("finetune", *words, "--quiet").status == 0
    assert (tmp_path / "run" / "adapter" / "adapter_config.json").is_file()
    ran = gesso_command("finetune", *words, "--learning-rate", 1)
    assert (ran.status, ran.err) == (
        2, "gesso: --learning-rate is given, and a recipe that says it all; leave one of them out\n"
    )  # fmt: skip
    ran = gesso_command("train", *words)
    assert ran.status == 2
    assert "run it with gesso finetune" in ran.err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((), 2, "there is no model to begin with"),
        (("bundled",), 2, "there are no data to learn from"),
        (("bundled", "DATA", "--steps", 0), 2, "--steps is 0; give at least 1"),
        (("bundled", "DATA", "--warmup", 1000), 2, "--warmup is 1000 of 1000 steps; give 0 to 999"),
        (("bundled", "DATA", "--learning-rate", 0), 2, "learning_rate is 0; give a number above 0"),
        (("bundled", "DATA", "--ema", 2), 2, "ema is 2; give a decay"),
        (("bundled", "DATA", "--lora-rank", 0), 2, "the rank is 0"),
        (("bundled", "DATA", "--lora-alpha", 2), 2, "--lora-alpha is given without --lora-rank"),
        (("bundled", "DATA", "--merge"), 2, "--merge is for an adapter"),
        (("bundled", "DATA", "--texts", 0), 2, "texts_per_batch is 0"),
        (("bundled", "DATA", "--sample-every", -1), 2, "--sample-every is -1"),
        (("bundled", "no/such.jsonl/file"), 1, "there is no file or folder no/such.jsonl/file"),
        (("no/such/model", "DATA"), 1, "the folder no/such/model does not exist"),
        (("--recipe", "none.py"), 2, "there is no recipe none.py"),
    ],
)
def test_wrong_words_are_told_in_one_line_before_anything_is_written(
    gesso_command, data, tmp_path, words, status, message
):
    ran = gesso_command("finetune", *(data if word == "DATA" else word for word in words), "--out", tmp_path / "run")
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_broken_line_is_told_before_training(gesso_command, folder, data, tmp_path):
    data.write_text(data.read_text() + '{"messages": []}\n')
    ran = gesso_command("finetune", folder, data, "--out", tmp_path / "run", *QUICK)
    assert ran.status == 1
    assert (
        ran.err == f"gesso: {data}, line 7: the conversation is empty; give at least one user's and one model's turn\n"
    )


def test_ctrl_c_says_where_the_run_goes_on(gesso_command, folder, data, tmp_path, monkeypatch):
    from gesso.cli.training_progress import TrainingProgress

    def press(self, event):
        if event.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, "show", press)
    ran = gesso_command("finetune", folder, data, "--out", tmp_path / "run", *QUICK)
    assert ran.status == 130
    assert ran.err.endswith("gesso: stopped at step 3; the same words go on from step 2\n")
    assert not (tmp_path / "run" / "model").exists()


def test_the_rank_and_strength_reach_the_adapter(gesso_command, folder, data, tmp_path):
    out = tmp_path / "run"
    gesso_command("finetune", folder, data, "--out", out, "--lora-rank", 3, "--lora-alpha", 4.5, *QUICK, "--quiet")
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (3, 4.5)
    assert repr(Lora(rank=3, alpha=4.5)) == json.loads((out / "run.json").read_text())["lora"]
