"""What the pages say is true: programs run and print what is shown; tables and links agree with the code."""

import importlib
import re
import runpy
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import code_blocks  # noqa: E402, docs/ is a folder of programs, not a package
import marked_section  # noqa: E402

BLOCKS = [block for page in code_blocks.pages() for block in code_blocks.blocks(page) if block.is_run]
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
LINKING_PAGES = [*code_blocks.pages(), *ROOT.glob("src/gesso/bundled/*.md")]
SLOW_EXAMPLES = {"03_infill.py"}

needs_weights = pytest.mark.skipif(not code_blocks.WEIGHTS.is_file(), reason="the bundled weights are not in the tree")


def block_parameter(block):
    marks = [pytest.mark.slow] * block.is_slow + [needs_weights] * block.needs_weights
    return pytest.param(block, marks=marks, id=f"{block.page.name}:{block.line}")


@pytest.mark.parametrize("block", [block_parameter(block) for block in BLOCKS])
def test_a_program_in_a_page_runs_and_prints_what_the_page_shows(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = code_blocks.run(block)
    if block.output is None:
        return
    assert printed.strip()
    if block.is_repeatable:
        assert printed == block.output, f"run: python docs/code_blocks.py docs/{block.page.name}"


@needs_weights
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.name in SLOW_EXAMPLES), id=path.name) for path in EXAMPLES],
)
def test_an_example_runs_as_it_stands(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


@pytest.mark.parametrize("page", LINKING_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page):
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", code_blocks.pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page):
    """A path in backticks is meant from the root, from the package, or from the room that the page is about."""
    bases = (ROOT, ROOT / "src" / "gesso", ROOT / "src" / "gesso" / page.stem)
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|jinja|json|toml))`", page.read_text(encoding="utf-8")))
    assert not {path for path in named if not any((base / path).exists() for base in bases)}


def test_pages_and_tests_that_the_source_names_exist():
    sources = [path for folder in ("src", "recipes", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    named = {match for path in sources for match in re.findall(r"(?:docs|tests)/[\w/]+\.(?:md|py)", path.read_text())}
    assert not {path for path in named if not (ROOT / path).is_file()}


def constants():
    """Rows of the table of constants: the value as the page gives it, and its place in the code."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([-0-9.e,]+) \|.*\| `(\w+(?:\.\w+)+)` \|[^|]*\|$", page, re.MULTILINE)
    return [(float(value.replace(",", "")), place) for value, place in rows]


def look_up(place):
    """The value of a module's constant or of a field's default, such as "sampling.accept.EntropyBound.bound_nats"."""
    room, module, *names = place.split(".")
    value = importlib.import_module(f"gesso.{room}.{module}")
    for name in names:
        fields = getattr(value, "__dataclass_fields__", {}) if isinstance(value, type) else {}
        value = fields[name].default if name in fields else getattr(value, name)
    return value


@pytest.mark.parametrize(("value", "place"), constants())
def test_the_constants_of_the_architecture_are_those_of_the_code(value, place):
    assert look_up(place) == value


def test_the_table_of_constants_is_found():
    assert len(constants()) > 20


def test_every_verb_of_the_makefile_is_explained():
    verbs = re.findall(r"^([a-z-]+):.*?## *(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert verbs
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert not [verb for verb, meaning in verbs if f"| `make {verb}` | {meaning} |" not in page]


def test_every_dependency_is_explained_with_its_range():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| ([\w-]+) \| `([^`]+)` \|", page, re.MULTILINE))
    wanted = {re.fullmatch(r"([\w-]+)(.+)", one).groups() for one in listed if not one.startswith("gesso[")}
    assert rows == wanted


def test_the_help_texts_of_the_command_line_are_current():
    import generate_cli

    written = marked_section.read(generate_cli.PAGE, generate_cli.SECTION)
    assert written == generate_cli.render(), "run: python docs/generate_cli.py"
