from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import gesso
from gesso.lm.language_model import LanguageModel
from tests.engine.doubles import ScriptedNetwork
from tests.tiny_model import CONFIG, save_tiny_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a tiny untrained model."""
    return save_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def lm(folder: Path) -> LanguageModel:
    """A tiny untrained model."""
    return gesso.load(folder)


@pytest.fixture
def writer(lm: LanguageModel) -> Callable[..., LanguageModel]:
    """`writer(*pieces)`: a model that writes these; a piece is text or the name of a control token, such as <turn|>."""

    def make(*pieces: str) -> LanguageModel:
        ids = [i for piece in pieces for i in lm.tokenizer.encode(piece, allow_special=True)]
        length = CONFIG.canvas_length
        ids += [lm.tokenizer.eos_id] * (-len(ids) % length or length)
        lines = [ids[i : i + length] for i in range(0, len(ids), length)]
        return replace(lm, network=ScriptedNetwork(lines, CONFIG))

    return make
