"""The shape of the project: what its rules say about files, checked on the files themselves."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "gesso"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *PACKAGE.rglob("*.md")])
PROGRAMS = sorted([*MODULES, *ROOT.glob("docs/*.py"), *ROOT.glob("examples/*.py"), *ROOT.glob("recipes/*.py")])
OTHERS = [ROOT / name for name in ("Makefile", "pyproject.toml", "NOTICE")]

MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "core"}

# A module without a test file of its own, and where its laws are tested.
TESTED_ELSEWHERE = {
    "__init__.py": "tests/test_tree.py: the public names are there, and are lazy",
    "__main__.py": "one line that calls the command line",
    "errors.py": "classes without code; every test of a refusal names the one it expects",
    "shapes.py": "type aliases, checked at every function boundary while the tests run",
    "cli/checkup.py": "tests/cli/test_doctor.py",
    "cli/chat_settings.py": "tests/cli/test_chat.py: /set and what it refuses",
    "cli/options.py": "declarations; tests/cli/test_generate.py: every setting reaches the model",
    "cli/session.py": "tests/cli/test_chat.py",
    "engine/job.py": "a record; tests/engine/test_scheduler.py",
    "engine/events.py": "records; tests/engine/test_reference.py: their order and what they carry",
    "lm/generation.py": "a record; tests/lm/test_language_model.py",
    "lm/writing.py": "tests/lm/test_language_model.py: a model starts every writing",
    "model/attention.py": "tests/model/test_parity.py: it has meaning only within the network",
    "model/layer.py": "tests/model/test_parity.py: it has meaning only within the network",
    "model/norm.py": "tests/ops/test_norm.py: the module only holds the weight",
    "sampling/denoiser.py": "a protocol; tests/sampling/test_step.py checks that the doubles keep it",
    "sampling/token_logprob.py": "a record; tests/sampling/test_log_probabilities.py",
    "text/characters.py": "tests/lm/test_trace.py and tests/cli/test_frame.py: characters of several tokens",
    "text/message.py": "tests/text/test_chat.py",
    "text/sandbox.py": "tests/text/test_chat.py",
    "cli/run_words.py": "tests/cli/test_finetune.py",
    "cli/training.py": "tests/cli/test_finetune.py",
    "cli/training_options.py": "declarations; tests/cli/test_finetune.py",
    "server/answer.py": "tests/server/test_chat.py",
    "server/choice_stream.py": "tests/server/test_chat.py",
    "server/response_items.py": "tests/server/test_responses.py",
    "server/logprobs.py": "tests/server/test_chat.py and tests/server/test_completions.py",
    "server/metrics.py": "tests/server/test_operations.py",
    "worlds/beats.py": "tests/worlds/test_plots.py",
    "worlds/cast.py": "tests/worlds/test_stories.py",
    "worlds/lexicon.py": "tests/worlds/test_plots.py",
}
TESTED_ELSEWHERE |= {f"worlds/{path.name}": "tests/worlds/test_plots.py" for path in PACKAGE.glob("worlds/plots_*.py")}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short_and_says_what_it_is(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert ast.get_docstring(tree(path)), "a module begins with its docstring"


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name)
def test_a_room_holds_a_docstring_and_no_logic(path):
    if path.parent != PACKAGE:
        assert len(tree(path).body) == 1


def test_no_file_or_folder_has_a_name_that_says_nothing():
    named = [part for path in [*MODULES, *ROOT.glob("tests/**/*.py")] for part in path.relative_to(ROOT).parts]
    assert not FORBIDDEN_NAMES & {part.removesuffix(".py") for part in named}


def test_the_tree_in_the_architecture_is_the_tree_on_disk(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import generate_tree
    import marked_section

    written = marked_section.read(generate_tree.PAGE, generate_tree.SECTION)
    assert written == generate_tree.render(), "run: python docs/generate_tree.py"


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_page_that_the_index_names(room):
    assert (ROOT / "docs" / f"{room}.md").is_file()
    assert f"]({room}.md)" in (ROOT / "docs" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_tests_mirror_the_source(path):
    if path.name == "__init__.py" and path.parent != PACKAGE:
        return
    module = path.relative_to(PACKAGE)
    mirror = ROOT / "tests" / module.parent / f"test_{module.name}"
    assert mirror.is_file() != (str(module) in TESTED_ELSEWHERE), f"either {name(mirror)} or a reason in this file"


def test_every_reason_to_be_tested_elsewhere_is_about_a_module_and_names_a_file_that_exists():
    for module, reason in TESTED_ELSEWHERE.items():
        assert (PACKAGE / module).is_file(), module
        for named in re.findall(r"tests/\S+?\.py", reason):
            assert (ROOT / named).is_file(), named


@pytest.mark.parametrize("path", [*PROGRAMS, *PAGES, *OTHERS], ids=name)
def test_text_is_ascii_and_promises_nothing_and_knows_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert text.isascii(), [line for line in text.splitlines() if not line.isascii()][:3]
    assert not re.findall(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b", text)
    assert not re.findall(r"(?<![\w./])/(?:work|tmp|home|root|mnt)\b", text)


def test_the_public_face_gives_every_name_it_lists_and_no_other():
    import gesso

    for public in gesso.__all__:
        assert getattr(gesso, public) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gesso.nothing  # noqa: B018, the access is the test


def test_importing_gesso_does_not_import_torch():
    import subprocess
    import sys

    code = "import sys, gesso; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
