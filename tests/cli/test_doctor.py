from dataclasses import replace

import pytest
import torch

from gesso.checkpoint.load import load_network
from gesso.cli import checkup
from gesso.cli.checkup import Status
from tests.tiny_model import save_tiny_model


def statuses(out: str) -> list[tuple[str, str]]:
    return [tuple(line.split()[:2]) for line in out.splitlines()]


def test_a_healthy_installation_passes_every_check_in_a_line_each(gesso_command, folder):
    ran = gesso_command("doctor", "--model", folder)
    assert (ran.status, ran.err) == (0, "")
    names = ["python", "packages", "processor", "gpu", "model", "weights", "canvas"]
    assert [name for _, name in statuses(ran.out)] == names
    assert "fail" not in {status for status, _ in statuses(ran.out)}
    assert torch.__version__ in ran.out
    assert "3 steps in " in ran.out


def test_a_model_that_is_not_there_fails_with_the_remedy(gesso_command, tmp_path):
    ran = gesso_command("doctor", "--model", tmp_path / "nowhere")
    assert ran.status == 1
    assert statuses(ran.out)[-1] == ("fail", "model")
    assert "does not exist; correct the path" in ran.out


def test_a_device_that_this_computer_lacks_fails_with_the_remedy(gesso_command, folder):
    ran = gesso_command("doctor", "--model", folder, "--device", "abacus")
    assert ran.status == 1
    assert "device 'abacus' cannot be used on this computer; choose" in ran.out


def test_weights_that_are_no_numbers_fail_and_nothing_is_written_with_them(gesso_command, folder, tmp_path):
    network = load_network(folder)
    network.norm.weight[0] = torch.inf
    ran = gesso_command("doctor", "--model", save_tiny_model(tmp_path / "broken", network))
    assert ran.status == 1
    assert statuses(ran.out)[-1] == ("fail", "weights")
    assert "norm.weight" in ran.out


def test_a_canvas_that_cannot_be_written_fails(folder, lm):
    network = load_network(folder)
    network.norm.weight[0] = torch.nan
    assert checkup.check_canvas(replace(lm, network=network)).status is Status.FAIL


def test_what_does_not_repeat_is_a_warning(lm, monkeypatch):
    seeds = iter((1, 2))
    monkeypatch.setattr("gesso.engine.runner.canvas_generator", lambda *_: torch.Generator().manual_seed(next(seeds)))
    result = checkup.check_canvas(lm)
    assert result.status is Status.WARN
    assert "repeated by their seed" in result.remedy


@pytest.mark.parametrize(
    ("capabilities", "status"), [({"avx512_bf16": True}, Status.OK), ({"amx_bf16": True}, Status.OK), ({}, Status.WARN)]
)
def test_a_processor_without_bfloat16_is_a_warning(capabilities, status, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert checkup.check_processor().status is status


def test_an_untested_python_is_a_warning(monkeypatch):
    monkeypatch.setattr(checkup, "PYTHONS", ((3, 9),))
    result = checkup.check_python()
    assert result.status is Status.WARN
    assert "3.9" in result.remedy
