import subprocess
import sys

import pytest

from gesso.errors import SettingError
from gesso.ops import gpu_kernels
from gesso.ops.gpu_kernels import choose_kernels


@pytest.mark.parametrize("choice", ["auto", "plain"])
def test_a_cpu_computes_in_plain_torch(choice):
    assert choose_kernels(choice, "cpu") is None


def test_a_gpu_without_triton_computes_in_plain_torch(monkeypatch):
    monkeypatch.setattr(gpu_kernels, "find_spec", lambda name: None)
    assert choose_kernels("auto", "cuda") is None


def test_kernels_that_are_asked_for_and_not_installed_are_refused(monkeypatch):
    monkeypatch.setattr(gpu_kernels, "find_spec", lambda name: None)
    with pytest.raises(SettingError, match="not installed; install triton or choose 'plain'"):
        choose_kernels("triton", "cuda")


def test_kernels_on_a_cpu_are_refused(monkeypatch):
    monkeypatch.setattr(gpu_kernels, "find_spec", lambda name: object())
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(SettingError, match="device 'cpu'; choose a 'cuda' device"):
        choose_kernels("triton", "cpu")


def test_another_choice_is_refused():
    with pytest.raises(SettingError, match="kernels is 'fast'; choose from auto, triton, plain"):
        choose_kernels("fast", "cpu")


def test_a_cpu_never_imports_triton():
    code = (
        "import sys, gesso; gesso.load; from gesso.ops.gpu_kernels import choose_kernels; "
        "choose_kernels('auto', 'cpu'); "
        # Graphs are torch's own.
        "sys.exit(bool({name for name in sys.modules if name.startswith('gesso.kernels.')} - {'gesso.kernels.graph'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
