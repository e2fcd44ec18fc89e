"""Writes the tree of the package into ARCHITECTURE.md, one line a file: `python docs/generate_tree.py`.

The line of a file is the first sentence of its docstring, so the tree cannot say what the file does not.
"""

import ast
import re
import tomllib
from pathlib import Path

import marked_section
from marked_section import ROOT

PACKAGE = ROOT / "src" / "gesso"
PAGE = ROOT / "ARCHITECTURE.md"
SECTION = "tree"


def render() -> str:
    """The tree as Markdown: the files of the package itself, then the rooms from the top layer down."""
    top = [_line(path, PACKAGE) for path in sorted(PACKAGE.glob("*.py"))]
    return "\n".join(["```text", "gesso/", *top, *(line for room in rooms() for line in _room(room)), "```"])


def rooms() -> list[str]:
    """Rooms on disk in the order of the import contract, which must name every one of them."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = re.findall(r"\w+", " ".join(contract["contracts"][0]["layers"]))
    on_disk = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    unnamed = sorted(on_disk - set(layers))
    if unnamed:
        raise ValueError(f"the import contract in pyproject.toml does not name the room {unnamed[0]!r}")
    return [room for room in layers if room in on_disk]


def summary(path: Path) -> str:
    """First sentence of a module's docstring."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", text)[0].rstrip(".")


def _room(name: str) -> list[str]:
    folder = PACKAGE / name
    files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    return ["", f"{name}/  {summary(folder / '__init__.py')}", *(_line(path, folder) for path in files)]


def _line(path: Path, folder: Path) -> str:
    return f"  {path.relative_to(folder)!s:<24}{summary(path)}"


if __name__ == "__main__":
    marked_section.write(PAGE, SECTION, render())
