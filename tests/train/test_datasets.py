import gzip
import json

import datasets
import pytest

from gesso.errors import DataError
from gesso.train.datasets import open_dataset


def read(data, **settings):
    return list(open_dataset(data, **settings)())


def write_lines(path, *values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def test_every_line_of_a_jsonl_file_is_a_record_with_its_place(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", {"text": "One."}, {"text": "Zwei, \u00e4."})
    assert [(r.value, r.origin, r.problem) for r in read(path)] == [
        ({"text": "One."}, f"{path}, line 1", None),
        ({"text": "Zwei, \u00e4."}, f"{path}, line 2", None),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [(b"{", "it is not JSON"), (b"[1]", "it is a JSON list; write an object"), (b'{"text": "\xff"}', "not UTF-8")],
)
def test_a_broken_line_is_named_and_the_others_are_read(tmp_path, line, problem):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "One."}\n\n' + line + b'\n{"text": "Two."}\n')
    first, broken, last = read(path)
    assert (first.problem, last.problem) == (None, None)
    assert problem in broken.problem
    assert broken.origin == f"{path}, line 3"


def test_a_text_file_is_one_text(tmp_path):
    (tmp_path / "a.txt").write_text("One.\n\nTwo.\n")
    assert [r.value for r in read(tmp_path / "a.txt")] == [{"text": "One.\n\nTwo.\n"}]


def test_compressed_files_are_read_and_a_file_that_is_cut_short_is_named(tmp_path):
    whole = gzip.compress(b'{"text": "One."}\n' * 1000)
    (tmp_path / "a.jsonl.gz").write_bytes(whole)
    assert len(read(tmp_path / "a.jsonl.gz")) == 1000
    (tmp_path / "a.jsonl.gz").write_bytes(whole[:-20])
    assert "cannot be read" in read(tmp_path / "a.jsonl.gz")[-1].problem


def test_a_folder_is_read_file_by_file_in_the_order_of_names(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_text("b")
    write_lines(tmp_path / "a.jsonl", {"text": "a"})
    (tmp_path / "deep" / "c.txt").write_text("c")
    (tmp_path / "README.md").write_text("about")
    assert [r.value["text"] for r in read(tmp_path)] == ["a", "b", "c"]


def test_a_file_of_an_unknown_kind_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "notes.docx").write_text("b")
    with pytest.raises(DataError, match=r"notes.docx is of no kind that is known; convert it to one of .jsonl"):
        open_dataset(tmp_path)


def test_an_empty_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no data"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match="there is no file or folder"):
        open_dataset(tmp_path / "missing.jsonl")


ROWS = [{"text": "One.", "id": 1}, {"text": "Two.", "id": None}]


def test_a_table_is_streamed_and_what_a_row_lacks_is_left_out(tmp_path):
    path = tmp_path / "rows.parquet"
    datasets.Dataset.from_list(ROWS).to_parquet(path)
    assert [(r.value, r.origin) for r in read(path)] == [
        ({"text": "One.", "id": 1}, f"{path}, row 1"),
        ({"text": "Two."}, f"{path}, row 2"),
    ]


def test_a_saved_dataset_is_read_by_its_split(tmp_path):
    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "one")
    assert [r.value["text"] for r in read(tmp_path / "one")] == ["One.", "Two."]
    halves = datasets.DatasetDict({"test": datasets.Dataset.from_list(ROWS[1:])})
    halves.save_to_disk(tmp_path / "split")
    assert [r.value["text"] for r in read(tmp_path / "split", split="test")] == ["Two."]
    with pytest.raises(DataError, match="has no split 'train'; it has test"):
        open_dataset(tmp_path / "split")


def test_a_name_on_the_hub_is_streamed(monkeypatch):
    asked = []

    def load_dataset(name, **settings):
        asked.append((name, settings))
        return iter(ROWS)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert [r.origin for r in read("owner/name", split="test")] == ["owner/name, row 1", "owner/name, row 2"]
    assert asked == [("owner/name", {"split": "test", "streaming": True})]


def test_a_hub_that_gives_nothing_is_told_in_one_line(monkeypatch):
    def load_dataset(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=r"the hub gives no dataset .* \(no route\); correct the name, or connect"):
        open_dataset("owner/name")
