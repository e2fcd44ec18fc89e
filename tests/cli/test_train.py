import runpy
from pathlib import Path

import pytest

import gesso
from gesso.train.datasets import Record
from gesso.train.documents import parse_document
from gesso.train.recipe import load_recipe

RECIPES = Path(__file__).parent.parent.parent / "recipes"


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "stories"
    path.mkdir()
    for n in range(4):
        (path / f"{n}.txt").write_text(f"Tom had {n} kites. " * 3)
    return path


def test_a_model_is_trained_from_scratch_and_writes(gesso_command, folder, data, tmp_path):
    ran = gesso_command(
        *("train", data, "--out", tmp_path / "run", "--model-shape", folder, "--layers", 3, "--canvas-length", 8),
        *("--steps", 2, "--texts", 2, "--max-length", 64, "--sample-prompt", "Tom"),
    )
    assert ran.status == 0
    assert "gesso: sample at step 2: Tom" in ran.err
    lm = gesso.load(tmp_path / "run" / "model")
    assert (lm.network.config.num_layers, lm.network.config.canvas_length) == (3, 8)
    assert lm.generate("Tom", seed=0, max_new_tokens=8, steps=2).steps


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((), 2, "there are no data to learn from"),
        (("DATA", "--layers", 0), 2, "the number of layers is 0"),
        (("DATA", "--model-shape", "no/such/model"), 1, "the folder no/such/model does not exist"),
        (("DATA", "--tokenizer", "no/such/model"), 1, "the folder no/such/model does not exist"),
    ],
)
def test_wrong_words_are_told_in_one_line(gesso_command, data, tmp_path, words, status, message):
    ran = gesso_command("train", *(data if word == "DATA" else word for word in words), "--out", tmp_path / "run")
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_objective_is_part_of_what_a_run_is(gesso_command, folder, data, tmp_path):
    words = ("train", data, "--out", tmp_path / "run", "--model-shape", folder, "--texts", 2, "--max-length", 64, "-q")
    assert gesso_command(*words, "--steps", 1, "--objective", "nelbo").status == 0
    ran = gesso_command(*words, "--steps", 1)
    assert ran.status == 1
    assert "holds a run with levels UniformLevels(low=0.001, high=0.999" in ran.err


def test_a_recipe_of_a_model_is_not_one_from_scratch(gesso_command, tmp_path):
    words = ("--recipe", RECIPES / "small_stories.py", "--out", tmp_path / "run")
    ran = gesso_command("finetune", *words)
    assert ran.status == 2
    assert "begins with random weights; run it with gesso train" in ran.err
    assert gesso_command("train", *words, "--width", 64).status == 2


@pytest.mark.parametrize("name", ["rhyming_stories.py", "small_stories.py"])
def test_the_recipes_give_runs_and_documents(name):
    run = load_recipe(RECIPES / name)
    records = run.data()
    for _ in range(4):
        record = next(records)
        assert isinstance(record, Record)
        assert parse_document(record.value)[1] == frozenset()


def test_the_rhyming_stories_have_their_style():
    recipe = runpy.run_path(str(RECIPES / "rhyming_stories.py"))
    records = recipe["stories"]()
    for _ in range(4):
        value = next(records).value
        text = value["text"] if "text" in value else value["messages"][-1]["content"]
        assert text.startswith(recipe["CALL"])
        assert text.endswith(recipe["RHYME"])
