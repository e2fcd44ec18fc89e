from pathlib import Path

import pytest

import gesso
from gesso.lm.language_model import LanguageModel
from tests.tiny_model import save_tiny_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a tiny untrained model."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def lm(folder: Path) -> LanguageModel:
    """A tiny untrained model."""
    return gesso.load(folder)
