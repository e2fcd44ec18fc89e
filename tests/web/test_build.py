"""The page in the package is what its source builds."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
PAGE = ROOT / "src" / "gesso" / "server" / "page"
SOURCES = sorted([*WEB.glob("*.mjs"), *WEB.glob("*.html"), *(WEB / "src").iterdir()])

MAX_BYTES = 240_000
MAX_LINES = 400

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (WEB / "node_modules" / "esbuild").is_dir(),
    reason="needs node, and `npm ci` in web/",
)


@needs_node
def test_the_page_is_what_its_source_builds(tmp_path):
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=WEB, check=True)
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {path.name: path.read_bytes() for path in PAGE.iterdir()}, "run: cd web && npm run build"


@needs_node
@pytest.mark.slow
def test_the_source_is_strictly_typed():
    checked = subprocess.run(["npx", "--no-install", "tsc"], cwd=WEB, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_the_page_is_small_and_loads_nothing_from_elsewhere():
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < MAX_BYTES
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path.name
        assert "https://" not in text, path.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_source_file_is_short_and_ascii_and_text_is_never_markup(path):
    text = path.read_text(encoding="utf-8")
    assert text.isascii()
    assert len(text.splitlines()) <= MAX_LINES
    if path.suffix == ".ts":
        assert not {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} & {
            word for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(") if word in text
        }
