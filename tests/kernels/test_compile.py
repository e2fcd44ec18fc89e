import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to compile")

PROGRAM = Path(__file__).with_name("compile_for_gpu.py")
SHARED_BYTES = 227 * 1024  # what a program may use of an H100's shared memory


@pytest.mark.slow
def test_every_kernel_compiles_for_a_gpu_and_fits_it():
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    compiled = [line.split() for line in done.stdout.splitlines()]
    assert Counter(name for name, _ in compiled) == {
        "_norm_rope_kernel": 1,
        "_attend_kernel": 2,
        "_gate_up_kernel": 2,
        "_down_kernel": 2,
        "_weigh_kernel": 1,
        "_mix_kernel": 1,
        "_find_token_kernel": 1,
    }
    assert max(int(shared) for _, shared in compiled) <= SHARED_BYTES
