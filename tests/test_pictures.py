"""Pictures of the pages: what the programs in docs/ draw."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import draw_beside  # noqa: E402, docs/ is a folder of programs, not a package
import picture  # noqa: E402

MOST_BYTES = 150_000


def texts(svg):
    return ["".join(line.itertext()) for line in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_lines_are_broken_between_words_and_no_word_is_lost():
    text = " ".join(f"word{number}" for number in range(60))
    lines = ["".join(part for _, part in line) for line in picture.wrap(picture.words("draft", text))]
    assert len(lines) > 2
    assert max(map(len, lines)) <= picture.COLUMNS
    assert " ".join(lines) == text


def test_a_sheet_says_what_it_is_given_whatever_characters_that_has():
    svg = picture.sheet([("a <caption>", [("prompt", 'said "Hi" & '), ("draft", "left")]), ("", [])], "x < y")
    assert texts(svg) == ["a <caption>", 'said "Hi" & left']
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "x < y"
    assert root[1].get("class") == "ground"


def test_a_bar_is_as_long_as_its_share_and_left_to_right_is_told_apart():
    ways = {"canvas": 0.75, "left to right, asked": 0.25}
    found = {"edit": {way: {"right": {"value": share, "standard_error": 0.1}} for way, share in ways.items()}}
    svg = draw_beside.draw(found)
    assert [line.count(draw_beside.BAR) for line in texts(svg)[1:]] == [30, 10]
    assert texts(svg)[1].endswith(" 75% (10%)")
    assert re.findall(rf'class="(\w+)">{draw_beside.BAR}', svg) == ["accepted", "draft"]


@pytest.mark.parametrize("file", sorted(ROOT.glob("docs/pictures/*.svg")), ids=lambda file: file.name)
def test_a_picture_is_small_and_well_formed(file):
    assert file.stat().st_size < MOST_BYTES
    assert ElementTree.fromstring(file.read_text(encoding="utf-8")).get("viewBox")
