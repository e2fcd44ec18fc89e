"""The bundled tokenizer and its chat template."""

from pathlib import Path

import pytest

import gesso.text
from gesso.text.chat import ChatTemplate
from gesso.text.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def folder() -> Path:
    return Path(gesso.text.__file__).parents[1] / "bundled"


@pytest.fixture(scope="session")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.load(folder)


@pytest.fixture(scope="session")
def chat(folder: Path, tokenizer: Tokenizer) -> ChatTemplate:
    return ChatTemplate.load(folder, tokenizer)
