import json

import pytest

from gesso.bench.summary import summarize
from gesso.cli.bench_report import check_places, leave_report
from gesso.errors import OutputError
from gesso.evals.estimate import mean

ROWS = [
    {"name": "first", "time": summarize([1.0, 2.0, 4.0]), "share": mean([1, 0]), "hidden": 3},
    {"name": "second", "remark": "not installed", "whole": 0.12345},
]
COLUMNS = {"name": "contender", "time": "time, s", "share": "right", "whole": "whole", "remark": "remark"}


def test_figures_stand_in_a_table_and_all_of_them_in_the_record(capsys, tmp_path):
    file = tmp_path / "record.json"
    leave_report(ROWS, COLUMNS, settings={"model": "m"}, output=file, quiet=False, packages=("rich",))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].split("  ")[1] == "contender"
    assert "2.00 +- 1.00" in lines[1]
    assert "0.500 +- 0.500" in lines[1]
    assert lines[2].split() == ["second", "0.123", "not", "installed"]
    record = json.loads(file.read_text())
    assert record.keys() == {"settings", "results", "date", "machine", "versions", "commit"}
    assert record["settings"] == {"model": "m"}
    assert record["results"][0]["time"] == {"median": 2.0, "least": 1.0, "most": 4.0, "spread": 1.0, "count": 3}
    assert record["results"][0]["hidden"] == 3
    assert "rich" in record["versions"]


def test_quiet_leaves_the_record_alone(capsys):
    leave_report(ROWS, COLUMNS, settings={}, output=None, quiet=True)
    left = capsys.readouterr()
    assert left.err == ""
    assert len(json.loads(left.out)["results"]) == 2


def test_places_that_cannot_be_written_are_refused_before_anything_is_measured(tmp_path):
    check_places(None, None)
    check_places(tmp_path / "a.json", tmp_path / "a.svg")
    for places in ((tmp_path, None), (None, tmp_path / "no" / "a.svg")):
        with pytest.raises(OutputError):
            check_places(*places)
