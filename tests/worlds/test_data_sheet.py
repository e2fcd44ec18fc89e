from pathlib import Path

import pytest

from gesso.worlds.tasks import KINDS, MIXTURES

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def generate_worlds(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    import generate_worlds

    return generate_worlds


@pytest.fixture
def data_sheet(generate_worlds):
    return generate_worlds.marked_section.read(generate_worlds.PAGE, generate_worlds.SECTION)


def test_the_data_sheet_of_the_page_names_every_kind_with_its_weights(data_sheet):
    for kind in KINDS:
        weights = " | ".join(f"{mixture.get(kind, 0):.2f}" for mixture in MIXTURES.values())
        assert f"| `{kind}` | {weights} |" in data_sheet, "run: python docs/generate_worlds.py"


@pytest.mark.slow
def test_the_data_sheet_of_the_page_is_current(generate_worlds, data_sheet):
    assert data_sheet == generate_worlds.render(), "run: python docs/generate_worlds.py"
