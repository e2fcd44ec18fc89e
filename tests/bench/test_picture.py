import matplotlib
import pytest

from gesso.bench.picture import draw_bars
from gesso.bench.summary import summarize
from gesso.errors import OutputError

PANELS = {"seconds": {"slow": summarize([2.0, 3.0]), "quick": 1.0}, "tokens/s": {"slow": 10.0}}


def test_every_figure_has_a_panel_and_every_contender_a_name(tmp_path):
    file = tmp_path / "new folder" / "bars.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        draw_bars(PANELS, file)
    drawn = file.read_text(encoding="utf-8")
    assert drawn.count('id="axes_') == 2
    assert all(word in drawn for word in ("slow", "quick", "seconds", "tokens/s"))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"choose a place that ends in \.svg or \.png"):
        draw_bars(PANELS, tmp_path / "bars.story")
