import pytest

from gesso.errors import SettingError
from gesso.train.recipe import load_recipe

GOOD = """
from gesso.diffusion.levels import UniformLevels
from gesso.train.optimizer import WarmupCosine
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.start import FromModel


def run():
    schedule = WarmupCosine(warmup_steps=1, total_steps=3)
    settings = TrainSettings(total_steps=3, schedule=schedule, learning_rate=1e-3, levels=UniformLevels())
    return Run(start=FromModel(model="bundled"), data="stories.jsonl", settings=settings)
"""


def test_a_recipe_gives_its_run(tmp_path):
    (tmp_path / "good.py").write_text(GOOD)
    run = load_recipe(tmp_path / "good.py")
    assert (run.data, run.settings.total_steps) == ("stories.jsonl", 3)
    assert run == load_recipe(tmp_path / "good.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "has no function 'run'"),
        ("def run(): return 3", "'run' of .* returns a int; return a gesso.train.run.Run"),
        ("def run(): return missing", "fails: NameError: name 'missing' is not defined; correct the recipe"),
        ("def run(:", "fails: SyntaxError"),
        ("from gesso.train.lora import Lora\ndef run(): return Lora(rank=0)", "the rank is 0; give at least 1"),
    ],
)
def test_what_is_no_recipe_is_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(SettingError, match=message):
        load_recipe(tmp_path / "bad.py")


def test_a_missing_recipe_is_refused(tmp_path):
    with pytest.raises(SettingError, match="there is no recipe"):
        load_recipe(tmp_path / "none.py")
