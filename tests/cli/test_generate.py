import io
import json
from types import SimpleNamespace

import pytest
import torch

from gesso.checkpoint.load import load_network
from gesso.cli import generate as module
from tests.tiny_model import save_tiny_model


@pytest.fixture
def standard_input(monkeypatch):
    def give(data: bytes) -> None:
        monkeypatch.setattr(module.sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    return give


def test_the_new_text_is_on_standard_output_and_all_else_on_standard_error(gesso_command, folder, lm):
    ran = gesso_command("generate", "Once upon", "-m", folder, "--seed", 3)
    out = lm.generate("Once upon", seed=3)
    assert (ran.status, ran.out) == (0, out.text + "\n")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("gesso: 24 tokens, 3, 3 steps, 3.0 tokens per forward, ")
    assert ran.err.endswith("seed 3, ended by its length\n")


def test_quiet_says_nothing_but_the_text(gesso_command, folder):
    assert gesso_command("generate", "Once", "-m", folder, "-q").err == ""


def test_json_is_one_object_with_what_the_contract_names(gesso_command, folder, lm):
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "--json")
    out = lm.generate("Once", seed=3)
    given = ran.object
    assert given.pop("tokens_per_second") > 0
    assert given == {
        "text": out.text,
        "token_ids": list(out.token_ids),
        "finish_reason": "length",
        "steps": [3, 3],
        "tokens_per_forward": 3.0,
        "seed": 3,
        "prompt_tokens": out.prompt_tokens,
        "model": str(folder),
        "threads": torch.get_num_threads(),
    }


def test_json_tells_how_probable_each_token_was_if_it_is_asked(gesso_command, folder, lm):
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "--json", "--logprobs")
    told = lm.generate("Once", seed=3, logprobs=True).logprobs
    assert len(told) == len(ran.object["token_ids"]) > 0
    assert ran.object["logprobs"] == [{"last": one.last, "accepted": one.accepted} for one in told]
    alone = gesso_command("generate", "Once", "-m", folder, "--logprobs")
    assert alone.status == 2
    assert "--json is not; give both" in alone.err


def test_every_setting_reaches_the_model(gesso_command, folder, lm):
    words = (
        "--steps 2 --t-max 0.9 --t-min 0.1 --entropy-bound 0.7 --reach 5 --confidence 0.02 --stability 2 -n 9 --seed 5"
    )
    ran = gesso_command("generate", "Once", "-m", folder, "--json", *words.split())
    out = lm.generate(
        "Once",
        steps=2,
        t_max=0.9,
        t_min=0.1,
        entropy_bound=0.7,
        reach=5,
        confidence=0.02,
        stability=2,
        max_new_tokens=9,
        seed=5,
    )
    assert ran.object["token_ids"] == list(out.token_ids)
    words = "--temperature 1 --top-k 30 --top-p 0.9 --min-p 0.02 --seed 5"
    filtered = gesso_command("generate", "Once", "-m", folder, "--json", *words.split())
    out = lm.generate("Once", temperature=1.0, top_k=30, top_p=0.9, min_p=0.02, seed=5)
    assert filtered.object["token_ids"] == list(out.token_ids)
    assert filtered.object["token_ids"] != list(lm.generate("Once", temperature=1.0, seed=5).token_ids)
    words = "--slide 2 --mode diffusion --max-new-tokens 40 --seed 5"
    slid = gesso_command("generate", "Once", "-m", folder, "--json", *words.split())
    wanted = lm.generate("Once", slide=2, mode="diffusion", max_new_tokens=40, seed=5)
    assert (slid.object["token_ids"], slid.object["steps"]) == (list(wanted.token_ids), wanted.steps)
    words = "--sampler gibbs --patience 1 --seed 5"
    other = gesso_command("generate", "Once", "-m", folder, "--json", *words.split())
    patient = lm.generate("Once", sampler="gibbs", patience=1, seed=5)
    assert (other.object["token_ids"], other.object["steps"]) == (list(patient.token_ids), patient.steps)
    assert other.object["token_ids"] != list(lm.generate("Once", seed=5).token_ids)
    greedy = gesso_command("generate", "Once", "-m", folder, "--json", "--temperature", 0, "--seed", 5)
    assert greedy.object["token_ids"] == list(lm.generate("Once", temperature=0.0, seed=5).token_ids)
    words = ("--mode", "autoregressive", "--max-new-tokens", 9, "--seed", 5)
    in_order = gesso_command("generate", "Once", "-m", folder, "--json", *words)
    wanted = lm.generate("Once", mode="autoregressive", max_new_tokens=9, seed=5)
    assert in_order.object["token_ids"] == list(wanted.token_ids)


def test_a_draft_reaches_the_model(gesso_command, folder, lm):
    words = ("--draft", " upon a time", "--draft-noise", 0.1, "--seed", 5)
    ran = gesso_command("generate", "Once", "-m", folder, "--json", *words)
    wanted = lm.generate("Once", draft=" upon a time", draft_noise=0.1, seed=5)
    assert ran.object["token_ids"] == list(wanted.token_ids)


def test_stop_strings_may_be_repeated(gesso_command, folder, lm):
    text = lm.generate("Once", seed=3).text
    first, second = text[9:13], text[4:8]
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "--json", "--stop", first, "--stop", second)
    assert ran.object["text"] == text[:4]
    assert ran.object["finish_reason"] == "stop"


def test_chat_answers_the_prompt_as_a_message(gesso_command, folder, lm):
    ran = gesso_command(
        "generate", "Hi", "-m", folder, "--chat", "--system", "Be kind.", "--thinking", "--seed", 3, "--json"
    )
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    out = lm.generate(turns, seed=3, thinking=True)
    assert ran.object["token_ids"] == list(out.token_ids)
    assert ran.object["prompt_tokens"] == out.prompt_tokens
    assert ran.object["text"] == out.message.content
    assert ran.object["thought"] == out.message.thought


def test_a_dash_reads_standard_input_less_its_last_line_break(gesso_command, folder, lm, standard_input):
    standard_input("Once upon\nna\u00efve\n".encode())
    ran = gesso_command("generate", "-", "-m", folder, "--seed", 3, "-q")
    assert ran.out == lm.generate("Once upon\nna\u00efve", seed=3).text + "\n"


def test_standard_input_that_is_no_text_is_refused(gesso_command, folder, standard_input):
    standard_input(b"Once \xff upon")
    ran = gesso_command("generate", "-", "-m", folder)
    assert (ran.status, ran.err) == (2, "gesso: standard input is not UTF-8 at byte 5; convert it first\n")


def test_the_text_can_go_into_a_file(gesso_command, folder, lm, tmp_path):
    path = tmp_path / "story [1].txt"
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "-o", path)
    assert (ran.status, ran.out) == (0, "")
    assert path.read_text() == lm.generate("Once", seed=3).text + "\n"
    gesso_command("generate", "Once", "-m", folder, "--seed", 3, "-o", path, "--json")
    assert json.loads(path.read_text())["seed"] == 3


def test_watched_into_a_pipe_the_steps_are_lines_and_the_text_is_the_same(gesso_command, folder, lm):
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "--watch")
    assert ran.out == lm.generate("Once", seed=3).text + "\n"
    assert [line.split("  accepted")[0] for line in ran.err.splitlines()[:-1]] == [
        "canvas 1  step 1/3",
        "canvas 1  step 3/3",
        "canvas 2  step 1/3",
        "canvas 2  step 3/3",
    ]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["", "-m", "FOLDER"], 2, "the prompt is empty; give the beginning of a text"),
        (["word " * 300, "-m", "FOLDER"], 2, "exceed the context of 256: shorten the prompt or ask for fewer tokens"),
        (["Once", "-m", "FOLDER", "-n", "300"], 2, "exceed the context of 256"),
        (["Once", "-m", "FOLDER", "-n", "0"], 2, "max_new_tokens is 0; ask for at least 1"),
        (["Once", "-m", "nowhere"], 1, "there is no model 'nowhere'; give 'bundled', a folder, or a hub id"),
        (["Once", "-m", "./nowhere"], 1, "the folder ./nowhere does not exist; correct the path"),
        (["Once", "-m", "FOLDER", "--steps", "0"], 2, "the number of steps is 0; give 1 or more"),
        (["Once", "-m", "FOLDER", "--temperature", "-1"], 2, "the temperature is -1; give a number from 0"),
        (["Once", "-m", "FOLDER", "--temperature", "nan"], 2, "the temperature is nan"),
        (["Once", "-m", "FOLDER", "--entropy-bound", "-1"], 2, "the entropy bound is -1 nats"),
        (["Once", "-m", "FOLDER", "--stop", ""], 2, "strings that are not empty"),
        (["Once", "-m", "FOLDER", "--pace", "-1", "--watch"], 2, "the pace is -1 seconds a step"),
        (["Once", "-m", "FOLDER", "--system", "x"], 2, "--system is for conversations; give --chat too"),
        (["Once", "-m", "FOLDER", "--thinking"], 2, "--thinking is for conversations; give --chat too"),
        (["Once", "-m", "FOLDER", "--device", "abacus"], 2, "device 'abacus' cannot be used on this computer"),
        (["Once", "-m", "FOLDER", "--revision", "main"], 2, "revision 'main' is given but the folder"),
        (["Once", "-m", "FOLDER", "-o", "/no/such/folder/x"], 1, "the folder /no/such/folder does not exist; make it"),
        (["Once", "-m", "FOLDER", "-o", "FOLDER"], 1, "is a folder; name a file in it"),
        (["half \udce9", "-m", "FOLDER"], 2, "half a surrogate pair; remove it"),
        (["Once", "-m", "FOLDER", "--steps", "many"], 2, "unable to parse string as an integer, but it is 'many'"),
        (["Once", "--dtype", "int3"], 2, "for '--dtype': 'int3' is not one of 'auto', 'float32', 'bfloat16' (gesso"),
        ([], 2, "there is no prompt; give one, or many with --input"),
        (["--input", "x"], 2, "--input is given and --output is not; name a JSONL file"),
        (["Once", "--input", "x", "-o", "y"], 2, "PROMPT is for one text and --input for many"),
        (["--input", "x", "-o", "y", "--json"], 2, "--json is for one text"),
        (["--input", "x", "-o", "y", "--system", "x"], 2, "--system is for conversations; give --chat too"),
    ],
)
def test_bad_input_is_one_line_with_value_and_remedy(words, status, message, gesso_command, folder):
    ran = gesso_command("generate", *(str(folder) if word == "FOLDER" else word for word in words))
    assert ran.status == status
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("gesso: ")
    assert message in ran.err


def test_a_refused_request_leaves_an_old_file_alone(gesso_command, folder, tmp_path):
    path = tmp_path / "story.txt"
    path.write_text("old")
    assert gesso_command("generate", "Once", "-m", folder, "--steps", 0, "-o", path).status == 2
    assert path.read_text() == "old"


def test_weights_that_are_no_numbers_fail_with_what_to_check(gesso_command, folder, tmp_path):
    network = load_network(folder)
    network.norm.weight[0] = torch.nan
    broken = save_tiny_model(tmp_path / "broken", network)
    ran = gesso_command("generate", "Once", "-m", broken)
    assert (ran.status, ran.out) == (1, "")
    assert "not numbers at step 1 of 3" in ran.err
    assert ran.err.rstrip().endswith("check the checkpoint")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_in_the_middle_keeps_the_committed_text(as_json, gesso_command, folder, lm, monkeypatch):
    """It comes while the second of two canvases is denoised."""
    steps = []
    denoise = type(lm.network).denoise_hidden

    def interrupted(*arguments):
        steps.append(arguments)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return denoise(*arguments)

    committed = lm.generate("Once", seed=3, max_new_tokens=16).text
    monkeypatch.setattr("gesso.model.network.Network.denoise_hidden", interrupted)
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, *(["--json"] if as_json else []))
    assert ran.status == 130
    if as_json:
        assert ran.object["text"] == committed
        assert ran.object["finish_reason"] == "interrupted"
    else:
        assert ran.out == committed + "\n"
    assert ran.err.endswith("stopped by Ctrl-C\n")


def test_the_best_of_several_is_the_one_that_is_shown(gesso_command, folder, lm):
    ran = gesso_command("generate", "Once", "-m", folder, "--json", "--best-of", 3, "--seed", 3)
    best = lm.generate("Once", best_of=3, seed=3)
    assert ran.object["token_ids"] == list(best.token_ids)
    assert ran.object["seed"] == best.seed


def test_no_candidate_at_all_is_refused(gesso_command, folder):
    ran = gesso_command("generate", "Once", "-m", folder, "--best-of", "0")
    assert ran.status == 2
    assert "best_of is 0; give 1 or more" in ran.err


@pytest.mark.parametrize("command", [("generate", "Once", "-m"), ("serve",)])
def test_compiling_without_a_compiler_is_refused(command, gesso_command, folder, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr("shutil.which", lambda name: None)
    ran = gesso_command(*command, folder, "--compile")
    assert (ran.status, "there is no C++ compiler 'no-such-compiler'" in ran.err) == (2, True)
