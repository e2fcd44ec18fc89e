"""Runs the Python blocks of the pages. As a program, writes what they print beneath them: `python docs/code_blocks.py`.

A fenced `text` block that follows a `python` block is its output. Comments on the lines before a block mark it:

    <!-- not run: reason -->   it is shown only
    <!-- slow -->              it takes more than a few seconds
    <!-- output varies -->     what it prints depends on the machine
"""

import contextlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from marked_section import ROOT

WEIGHTS = ROOT / "src" / "gesso" / "bundled" / "model.safetensors"

_BLOCK = re.compile(
    r"(?P<marks>(?:^<!-- [^\n]* -->\n)*)^```python\n(?P<code>.*?)^```\n(?:\n*^```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeBlock:
    """One Python block of a page.

    Attributes:
        page: The Markdown file.
        line: Line of its fence, from 1.
        code: The program.
        output: What the page says it prints, or None.
        span: Where the output stands in the page, as character positions; None without an output.
        marks: The comments before it.
    """

    page: Path
    line: int
    code: str
    output: str | None
    span: tuple[int, int] | None
    marks: str

    @property
    def is_run(self) -> bool:
        """Whether it is a program and not only shown."""
        return "<!-- not run:" not in self.marks

    @property
    def is_slow(self) -> bool:
        """Whether it takes more than a few seconds."""
        return "<!-- slow -->" in self.marks

    @property
    def needs_weights(self) -> bool:
        """Whether it loads the bundled model."""
        return re.search(r"gesso\.load\(|load_network\(\)", self.code) is not None

    @property
    def is_repeatable(self) -> bool:
        """Whether every machine must print the same; what a trained network writes may differ in rounding."""
        return not self.needs_weights and "<!-- output varies -->" not in self.marks


def pages() -> list[Path]:
    """The pages whose blocks are run."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def blocks(page: Path) -> list[CodeBlock]:
    """The Python blocks of a page, first to last."""
    content = page.read_text(encoding="utf-8")
    return [
        CodeBlock(
            page=page,
            line=content.count("\n", 0, match.start("code")),
            code=match["code"],
            output=match["output"],
            span=None if match["output"] is None else match.span("output"),
            marks=match["marks"],
        )
        for match in _BLOCK.finditer(content)
    ]


def run(block: CodeBlock) -> str:
    """Run a block by itself and return what it prints."""
    printed = io.StringIO()
    program = compile(block.code, f"{block.page.name}, block at line {block.line}", "exec")
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "__main__"})
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def refresh(page: Path) -> None:
    """Write what the blocks of a page print into it, last block first, so that positions stay true."""
    for block in reversed(blocks(page)):
        if block.is_run and block.span is not None and (WEIGHTS.is_file() or not block.needs_weights):
            content = page.read_text(encoding="utf-8")
            start, stop = block.span
            page.write_text(content[:start] + run(block) + content[stop:], encoding="utf-8")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else pages():
        refresh(path.resolve())
