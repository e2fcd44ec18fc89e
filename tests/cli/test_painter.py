import io

import pytest
from rich.console import Console

from gesso.cli.frame import Mark, Span
from gesso.cli.painter import Painter


def painter(**changes: object) -> Painter:
    return Painter(Console(file=io.StringIO(), force_terminal=True, **({"color_system": "256"} | changes)))


def test_every_mark_has_a_style_of_its_own():
    styled = {painter().paint(Span("x", mark)) for mark in Mark}
    assert len(styled) == len(Mark)


def test_an_unsure_draft_looks_another_way_than_a_sure_one():
    assert painter().paint(Span("x", Mark.DRAFT, 0.1)) != painter().paint(Span("x", Mark.DRAFT, 1.2))


@pytest.mark.parametrize("changes", [{"no_color": True}, {"color_system": None}])
def test_without_color_text_is_left_alone(changes):
    assert not painter(**changes).has_color
    assert painter(**changes).paint(Span("x [bold]y[/]", Mark.ACCEPTED)) == "x [bold]y[/]"


def test_text_that_looks_like_markup_is_only_text():
    assert "[bold red]x[/]" in painter().paint(Span("[bold red]x[/]", Mark.NOISE))
