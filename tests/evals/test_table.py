from gesso.evals.estimate import Estimate, mean
from gesso.evals.measure import Point, Report
from gesso.evals.table import table


def test_a_report_is_a_line_for_each_figure():
    figures = {"ok": mean([1, 0]), "perplexity": Estimate(value=1234.56, standard_error=7.89, count=20)}
    assert table(Report(name="samples", points=(Point(figures=figures),))) == (
        "samples\n  ok          0.5000 +- 0.5000  n = 2\n  perplexity  1234.6 +- 7.9     n = 20"
    )


def test_a_curve_is_a_line_for_each_place_and_a_figure_may_be_missing():
    points = (
        Point(figures={"mended": mean([1.0]), "broken": mean([0.0])}, at=0.05),
        Point(figures={"mended": mean([0.5])}, at=1.0),
    )
    assert table(Report(name="repair", points=points, axis="corrupted")) == (
        "repair\n"
        "  corrupted  mended            broken\n"
        "  0.05       1.0000 +- 0.0000  0.0000 +- 0.0000\n"
        "  1          0.5000 +- 0.0000"
    )
