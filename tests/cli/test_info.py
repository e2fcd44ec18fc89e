import json
import shutil

import pytest

from tests.tiny_model import CONFIG


@pytest.fixture
def bare(folder, tmp_path):
    """The tiny model's configuration without its weights."""
    shutil.copy(folder / "config.json", tmp_path)
    return tmp_path


def test_everything_is_said_in_words(gesso_command, folder, lm):
    ran = gesso_command("info", folder)
    count = sum(weight.numel() for weight in lm.network.parameters())
    assert (ran.status, ran.err) == (0, "")
    for words in (
        f"model           {folder}",
        "layers          2: sf (sliding, full)",
        "sliding layers  2 query heads, 2 key heads of width 8, window 6",
        "full layers     2 query heads, 1 key head of width 16",
        "experts         4 of width 8, 2 for each token",
        "vocabulary      4,096 tokens",
        "canvas          16 positions",
        "context         256 positions",
        f"{count:,} in all",
        "98,304  embedding",
        "in 1 file, 51 tensors in F32",
        "an encoder of 2,576 parameters in 16 tensors; text does not use it",
        "at most 3 steps, temperature 0.8 to 0.4",
        "accepts by entropy-bound of 0.1 nats a step\n",
        "done below 0.005 nats, when 1 earlier step had the same draft",
        "unused keys     none",
    ):
        assert words in ran.out


def test_json_gives_the_numbers(gesso_command, folder, lm):
    facts = gesso_command("info", folder, "--json").object
    count = sum(weight.numel() for weight in lm.network.parameters())
    assert facts["parameters"] == sum(facts["parameters_by_part"].values()) == count
    assert facts["weights_bytes"] == {"float32": 4 * count, "bfloat16": 2 * count, "int8": count}
    assert facts["weights"] == {"files": 1, "size_bytes": 4 * count, "tensors_by_dtype": {"F32": 51}}
    assert facts["layers"] == list(CONFIG.layer_types)
    assert facts["sampler"]["steps"] == 3


def test_rules_that_only_gesso_knows_are_told(gesso_command, bare):
    (bare / "gesso.json").write_text(json.dumps({"acceptance_rule": "rising-bound", "acceptance_reach": 7}))
    assert "accepts by rising-bound of 0.1 nats a step, within 7 positions\n" in gesso_command("info", bare).out
    (bare / "gesso.json").write_text(json.dumps({"acceptance_rule": "posterior", "stop_patience": 5}))
    told = gesso_command("info", bare).out
    assert "accepts by posterior\n" in told
    assert "given up after 5 steps without progress\n" in told
    (bare / "gesso.json").write_text(json.dumps({"slide": 64}))
    assert "slides on when 64 tokens are settled\n" in gesso_command("info", bare).out


def test_the_cache_takes_what_a_cache_takes(gesso_command, folder, lm):
    facts = gesso_command("info", folder, "--json").object
    cache = lm.network.new_cache(batch=1, max_len=1000)
    assert facts["cache_bytes_per_1000_tokens"]["float32"] == cache.size_bytes()


def test_without_weights_the_configuration_is_told_and_that_there_are_none(gesso_command, bare, folder):
    ran = gesso_command("info", bare)
    assert ran.status == 0
    assert "weights         none in this folder: all is told from config.json" in ran.out
    assert "an encoder is configured; its weights are not here" in ran.out
    facts, whole = (gesso_command("info", place, "--json").object for place in (bare, folder))
    assert facts["weights"] is None
    assert facts["parameters_by_part"] == whole["parameters_by_part"]


def test_keys_that_mean_nothing_here_are_told(gesso_command, bare):
    config = json.loads((bare / "config.json").read_text())
    (bare / "config.json").write_text(json.dumps(config | {"favourite_colour": "ochre"}))
    assert "unused keys     favourite_colour" in gesso_command("info", bare).out


def test_no_weights_are_read(gesso_command, folder, monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr("gesso.checkpoint.shards.Shards.read", refuse)
    assert gesso_command("info", folder).status == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda place: None, "does not exist"),
        (lambda place: place.mkdir(), "has no config.json"),
        (lambda place: (place.mkdir(), (place / "config.json").write_text("{")), "is not JSON"),
    ],
)
def test_what_is_no_model_is_an_error_in_one_line(make, message, gesso_command, tmp_path):
    place = tmp_path / "place"
    make(place)
    ran = gesso_command("info", place)
    assert (ran.status, ran.out) == (1, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
