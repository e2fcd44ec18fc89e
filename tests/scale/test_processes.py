from pathlib import Path

import pytest
import torch

import gesso
from gesso.checkpoint.load import load_network
from gesso.cli.main import main
from gesso.train.curves import read_log
from tests.scale.runs import finish, start_processes
from tests.tiny_model import save_tiny_model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "stories").mkdir()
    for n in range(4):
        (tmp_path / "stories" / f"{n}.txt").write_text(f"Tom had {n} kites. " * 3)
    return tmp_path / "stories"


def words(command, *start, out, **changes):
    options = {"--steps": 2, "--texts": 2, "--max-length": 64, "--precision": "float32", "--out": out} | changes
    return [command, *map(str, start), *(str(word) for pair in options.items() for word in pair)]


def test_the_same_words_train_by_one_process_or_by_two(data, tmp_path):
    model = save_tiny_model(tmp_path / "model")
    changes = {"--model-shape": model, "--ema": 0.5, "--sample-every": 2}
    processes = start_processes(2, "-m", "gesso", *words("train", data, out=tmp_path / "many", **changes))
    assert main(words("train", data, out=tmp_path / "one", **changes)) == 0
    first, second = finish(processes)
    assert "2 processes share the run" in first
    assert "sample at step 2" in first
    assert "the model is in" in first
    assert second == ""

    alone, shared = (load_network(tmp_path / out / "model", dtype=torch.float32) for out in ("one", "many"))
    for weight, twin in zip(alone.parameters(), shared.parameters(), strict=True):
        torch.testing.assert_close(weight, twin, atol=2e-3, rtol=0.02)
    single, together = (read_log(tmp_path / out / "log.jsonl") for out in ("one", "many"))
    assert [event.total for event in together] == pytest.approx([event.total for event in single], rel=1e-3)
    assert gesso.load(tmp_path / "many" / "model").generate("Tom", seed=0, max_new_tokens=8, steps=2).steps


@pytest.mark.slow
def test_two_processes_train_an_adapter(data, tmp_path):
    model = save_tiny_model(tmp_path / "model")
    begun = words("finetune", model, data, out=tmp_path / "run", **{"--lora-rank": 2, "--sample-every": 0})
    finish(start_processes(2, "-m", "gesso", *begun, "--merge"))
    adapted = gesso.load(model, adapter=tmp_path / "run" / "adapter").network
    merged = gesso.load(tmp_path / "run" / "model").network
    for weight, twin in zip(adapted.parameters(), merged.parameters(), strict=True):
        torch.testing.assert_close(weight, twin)


@pytest.mark.slow
def test_an_error_that_all_have_is_told_once(tmp_path):
    (tmp_path / "broken.jsonl").write_text("{}\n")
    broken = words("train", tmp_path / "broken.jsonl", out=tmp_path / "run", **{"--max-length": 1024})
    processes = start_processes(2, "-m", "gesso", *broken)
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [1, 1]
    assert "broken.jsonl, line 1" in said[0]
    assert said[0].count("\n") == 1
    assert said[1] == ""


@pytest.mark.slow
def test_a_process_that_dies_takes_the_others_with_it(data, tmp_path):
    model = save_tiny_model(tmp_path / "model")
    endless = words("train", data, out=tmp_path / "run", **{"--model-shape": model, "--steps": 100_000})
    first, second = start_processes(2, "-m", "gesso", *endless)
    for line in first.stderr:
        if "share the run" in line:
            break
    second.kill()
    said = first.communicate()[1]
    assert first.returncode == 1
    assert "process 0 has lost another, which has ended; start all again with the same words" in said
    assert second.communicate()[0] == ""
