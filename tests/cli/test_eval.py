import json
import shutil

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture(scope="module")
def paragraphs(tmp_path_factory):
    file = tmp_path_factory.mktemp("texts") / "texts.txt"
    file.write_text("The fox had a red kite.\n\nThe owl saw a blue boat.\n\nTom had two small books.\n")
    return file


def test_figures_go_to_standard_output_as_json_and_to_standard_error_as_a_table(gesso_command, folder, paragraphs):
    words = ["--tasks", "nelbo", "--items", 2, "--seeds", "0, 1", "--texts", paragraphs, "--steps", 2]
    ran = gesso_command("eval", folder, *words)
    assert ran.status == 0
    record = json.loads(ran.out)
    assert record["model"] == str(folder)
    assert (record["settings"]["items"], record["settings"]["seeds"]) == (2, [0, 1])
    assert "max_steps=2" in record["settings"]["sampler"]
    assert record["settings"]["texts"] == str(paragraphs)
    assert {"date", "machine", "versions", "commit"} <= record.keys()
    figures = record["results"]["nelbo"]
    assert figures["bits_per_byte"]["count"] == 4
    assert figures["seconds"] >= 0
    assert [line.split()[0] for line in ran.err.splitlines()] == [
        "nelbo",
        "bits_per_byte",
        "noise_error",
        "left_to_right_bits_per_byte",
    ]


@pytest.mark.parametrize(
    ("words", "mode"),
    [([], "verified"), (["--sampler", "reference"], "diffusion"), (["--mode", "diffusion"], "diffusion")],
)
def test_texts_are_written_in_the_models_own_mode_unless_another_is_asked_for(
    gesso_command, folder, tmp_path, words, mode
):
    model = shutil.copytree(folder, tmp_path / "model")
    (model / "gesso.json").write_text('{"mode": "verified"}')
    ran = gesso_command("eval", model, "--tasks", "sum", "--items", 1, "-q", *words)
    assert ran.status == 0
    assert json.loads(ran.out)["settings"]["mode"] == mode


def test_a_frontier_is_drawn_and_its_record_kept_in_a_file(gesso_command, folder, tmp_path):
    output, plots = tmp_path / "results.json", tmp_path / "plots"
    words = ["--tasks", "sum", "--items", 1, "--over", "temperature", "-o", output, "--plots", plots, "-q"]
    ran = gesso_command("eval", folder, *words)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    curve = json.loads(output.read_text())["results"]["sum over temperature"]["curve"]
    assert [point["temperature"] for point in curve] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert (plots / "sum_over_temperature.svg").is_file()


def test_on_a_terminal_a_bar_tells_how_far_it_is(gesso_command, folder, paragraphs, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    ran = gesso_command("eval", folder, "--tasks", "nelbo", "--items", 1, "--texts", paragraphs)
    assert ran.status == 0
    assert json.loads(ran.out)["results"].keys() == {"nelbo"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks", "storys"], "no task is called 'storys'; choose from usual, all, stories"),
        (["--tasks", ""], "the tasks are none"),
        (["--tasks", "nelbo", "--over", "steps"], "nelbo has no frontier over steps"),
        (["--over", "time"], "there is no frontier over 'time'; choose steps or temperature"),
        (["--sampler", "magic"], "no sampler is called 'magic'; choose from reference, entropy-bound"),
        (["--seeds", "1,x"], "the seeds are '1,x'; give whole numbers"),
        (["--tasks", "sum", "--items", "0"], "the number of items is 0"),
    ],
)
def test_wrong_words_are_one_line_with_value_and_remedy(words, message, gesso_command, folder):
    ran = gesso_command("eval", folder, *words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"gesso: {message}")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--texts", "missing.txt"], "missing.txt cannot be read"),
        (["-o", "missing/results.json"], "the folder missing does not exist"),
    ],
)
def test_files_that_cannot_be_used_are_named(words, message, gesso_command, folder):
    ran = gesso_command("eval", folder, *words)
    assert (ran.status, ran.out) == (1, "")
    assert message in ran.err
