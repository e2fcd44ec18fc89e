"""A part of a Markdown file that a program writes, between two comments that name it.

<!-- generated: tree -->
...
<!-- end of tree -->
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read(page: Path, name: str) -> str:
    """Text of the section, without the comments.

    Raises:
        ValueError: The page has no such section, or has it twice.
    """
    _, text, _ = _split(page, name)
    return text.strip("\n")


def write(page: Path, name: str, text: str) -> None:
    """Put `text` into the section; the rest of the page stays as it is."""
    before, _, after = _split(page, name)
    page.write_text(f"{before}\n{text}\n{after}", encoding="utf-8")


def _split(page: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end of {name} -->\n"
    content = page.read_text(encoding="utf-8")
    if content.count(begin) != 1 or content.count(end) != 1:
        raise ValueError(f"{page.name} must hold the comments of the section {name!r} exactly once")
    before, rest = content.split(begin)
    text, after = rest.split(end)
    return before + begin, text, end + after
