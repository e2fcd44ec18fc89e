import json

import pytest
import torch

import gesso
from gesso.checkpoint.load import load_network
from gesso.quant.network import scheme_of

WRITE = ["--seed", 3, "-n", 8, "--json", "-q"]


@pytest.fixture
def small(gesso_command, folder, tmp_path):
    """The tiny model, quantized by the command."""
    ran = gesso_command("quantize", folder, "--to", "int8", tmp_path / "small")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith(f"gesso: {tmp_path / 'small'}: ")
    assert "kB in int8" in ran.err
    return tmp_path / "small"


@pytest.mark.parametrize("scheme", ["int8", "int4", "fp8"])
def test_it_writes_what_is_made_on_the_fly(gesso_command, folder, tmp_path, scheme):
    ran = gesso_command("quantize", folder, tmp_path / "small", "--to", scheme, "--json", "--quiet")
    assert (ran.status, ran.err, ran.object["scheme"]) == (0, "", scheme)
    assert ran.object["size_bytes"] < ran.object["original_size_bytes"]
    written, made = load_network(tmp_path / "small"), load_network(folder, quantize=scheme)
    assert all(map(torch.equal, written.parameters(), made.parameters()))
    text = gesso_command("generate", "Once", "-m", tmp_path / "small", *WRITE).object["token_ids"]
    assert text == gesso_command("generate", "Once", "-m", folder, "--quantize", scheme, *WRITE).object["token_ids"]


def test_what_belongs_to_the_model_comes_along(small, folder):
    for name in ("tokenizer.json", "chat_template.jinja", "generation_config.json"):
        assert (small / name).read_bytes() == (folder / name).read_bytes()
    config, original = (json.loads((place / "config.json").read_text()) for place in (small, folder))
    assert config.pop("quantization_config") == {"quant_method": "gesso", "scheme": "int8"}
    assert config == original


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "Once", "-n", 4, "--seed", 0),
        ("infill", "a ___ b", "--max-hole-tokens", 1, "--seed", 0),
        ("edit", "a [[b]] c", "--max-span-tokens", 1, "--seed", 0),
        ("read", "a ___", "-c", "b,c", "--seed", 0),
        ("score", "a kite"),
    ],
    ids=lambda words: words[0],
)
def test_every_front_end_loads_it_and_makes_it(words, gesso_command, folder, small):
    loaded = gesso_command(*words, "-m", small, "--json", "-q")
    made = gesso_command(*words, "-m", folder, "--quantize", "int8", "--json", "-q")
    assert (loaded.status, made.status) == (0, 0)
    timed = ("model", "tokens_per_second")
    ours, theirs = ({k: v for k, v in ran.object.items() if k not in timed} for ran in (loaded, made))
    assert ours == theirs


def test_eval_tells_it(gesso_command, small):
    ran = gesso_command("eval", small, "--tasks", "nelbo", "--items", 1, "-q")
    assert ran.status == 0
    assert json.loads(ran.out)["settings"]["quantization"] == "int8"


def test_info_tells_it(gesso_command, small, folder):
    facts, original = (gesso_command("info", place, "--json").object for place in (small, folder))
    assert (facts["quantization"], original["quantization"]) == ("int8", None)
    assert facts["parameters"] == original["parameters"]
    assert facts["weights"]["size_bytes"] < original["weights"]["size_bytes"]
    assert "quantized       linear maps and experts to int8\n" in gesso_command("info", small).out
    assert "quantized" not in gesso_command("info", folder).out


def test_an_adapter_is_merged_before_weights_are_quantized(gesso_command, folder, adapter):
    words = ["generate", "Once", "-m", folder, "--adapter", adapter, *WRITE]
    ids = gesso_command(*words, "--quantize", "int8").object["token_ids"]
    wanted = gesso.load(folder, adapter=adapter, quantize="int8")
    assert ids == list(wanted.generate("Once", seed=3, max_new_tokens=8).token_ids)


def test_a_model_that_is_there_stays_unless_told_otherwise(gesso_command, folder, small):
    words = ["quantize", folder, small, "--to", "int4", "-q"]
    ran = gesso_command(*words)
    assert ran.status == 1
    assert "already; choose another folder, or allow overwriting" in ran.err
    assert gesso_command(*words, "--overwrite").status == 0
    assert gesso_command("info", small, "--json").object["quantization"] == "int4"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["quantize", "SMALL", "again", "--to", "int8"], "is quantized to int8 already; give the model that it was"),
        (["generate", "a", "-m", "SMALL", "--adapter", "x"], "cannot take an adapter; give the model that they were"),
        (["finetune", "SMALL", "DATA", "--out", "run"], "cannot be trained; give the model that they were made from"),
    ],
    ids=["again", "adapter", "finetune"],
)
def test_what_cannot_be_is_one_line_with_the_remedy(words, message, gesso_command, small, tmp_path):
    data = tmp_path / "data.txt"
    data.write_text("Tom had a kite.\n")
    named = {"SMALL": small, "DATA": data, "run": tmp_path / "run", "again": tmp_path / "again"}
    ran = gesso_command(*(named.get(word, word) for word in words))
    assert (ran.status, ran.out) == (1, "")
    assert message in ran.err
    assert ran.err.splitlines()[-1].startswith("gesso: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--to", "int3"], "int3"), ([], "--to"), (["--to", "int8", "--offline"], "the hub must not be asked (offline)")],
    ids=["scheme", "none", "offline"],
)
def test_wrong_words_are_told(words, message, gesso_command, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    ran = gesso_command("quantize", "no/such", tmp_path / "out", *words)
    assert ran.status != 0
    assert message in ran.err
    assert not (tmp_path / "out").exists()


def test_a_revision_belongs_to_a_hub_id(gesso_command, folder, tmp_path):
    ran = gesso_command("quantize", folder, tmp_path / "out", "--to", "int8", "--revision", "main")
    assert ran.status != 0
    assert "revision" in ran.err


def test_a_conversation_and_a_server_have_it_too(gesso_command, folder, monkeypatch):
    made = []
    monkeypatch.setattr("gesso.cli.session.Session.__init__", lambda self, lm, **rest: made.append(lm) or 1 / 0)
    monkeypatch.setattr("gesso.server.app.create_app", lambda lm, *rest, **more: made.append(lm) or 1 / 0)
    for words in (("chat", "-m", folder), ("serve", folder, "--port", 0)):
        with pytest.raises(ZeroDivisionError):
            gesso_command(*words, "--quantize", "fp8")
    assert [scheme_of(lm.network).name for lm in made] == ["fp8", "fp8"]
