"""Kernels run compiled where there is a GPU, and through Triton's interpreter where there is none."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Triton's interpreter before 3.7 counts loops with an array of one number as an index.
DEPRECATED_LOOPS = "ignore:Conversion of an array with ndim > 0:DeprecationWarning"


def why_not_interpreted() -> str | None:
    """What keeps the interpreter from running these kernels here."""
    try:
        triton = version("triton")
    except PackageNotFoundError:
        return None  # the modules say so themselves
    if not torch.cuda.is_available() and triton < "3.7" and version("numpy") >= "2.4":
        return f"the interpreter of triton {triton} cannot loop with numpy {version('numpy')}; take triton 3.7 or later"
    return None


def pytest_collection_modifyitems(items):
    reason = why_not_interpreted()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(DEPRECATED_LOOPS))
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def half():
    """The narrow dtype to test with: the interpreter multiplies bfloat16 as if it were whole numbers."""
    return torch.bfloat16 if torch.cuda.is_available() else torch.float16


@pytest.fixture
def drawn(device):
    """Draws normal numbers; on every device the same."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape, dtype=torch.float32):
        return torch.randn(*shape, generator=generator).to(device, dtype)

    return draw
