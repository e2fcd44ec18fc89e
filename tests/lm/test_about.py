import shutil
from pathlib import Path

import pytest

import gesso
from gesso.errors import ConfigError
from gesso.lm.about import About


def test_what_a_models_makers_say_lies_in_gesso_json(folder, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    assert gesso.load(own).about == About()
    (own / "gesso.json").write_text('{"about": {"description": "tells jokes", "examples": ["a"], "single_turn": true}}')
    assert gesso.load(own).about == About(description="tells jokes", examples=("a",), single_turn=True)


def test_the_bundled_model_says_what_it_can_do():
    about = gesso.load().about
    assert about.description
    assert about.examples


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("jokes", r"about holds 'jokes'; it is an object of description, examples, single_turn"),
        ({"author": "x"}, "about holds 'author'"),
        ({"description": 3}, "about.description is 3; give a text"),
        ({"examples": "a"}, "about.examples is 'a'; give a list of texts"),
        ({"examples": [1]}, "about.examples is"),
        ({"single_turn": "yes"}, "about.single_turn is 'yes'; give true or false"),
    ],
)
def test_words_of_another_form_are_refused(value, message):
    with pytest.raises(ConfigError, match=message):
        About.from_json(value, Path("model"))
