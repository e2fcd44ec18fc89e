import json

import pytest

from gesso.errors import DataError
from gesso.train.check_pass import check_data
from gesso.train.datasets import open_dataset
from tests.train.chat_text import document_tokenizer, turns

GOOD = turns("Who?", "Mia.", "Where?", "Home.")


def check(tmp_path, *lines, progress=None):
    path = tmp_path / "data.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return check_data(open_dataset(path)(), document_tokenizer(), tmp_path / "data", progress=progress)


def test_good_data_are_counted_and_stored(tmp_path):
    seen = []
    checked = check(tmp_path, GOOD, {"text": "One.", "id": 3}, {"text": "Two.", "id": 4}, progress=seen.append)
    assert (checked.num_documents, len(checked.store)) == (3, 4)
    assert checked.unused_fields == {"id": 2}
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "it is not JSON"),
        ({"messages": []}, "the conversation is empty"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "message 0 has the role 'robot'; use one of"),
        (turns("a", "red " * 300), r"and the limit is 256; shorten the text, or raise the limit"),
        ({"text": "half \ud800 of a pair"}, "half a surrogate pair; remove it"),
    ],
)
def test_a_broken_document_is_named_by_file_and_line_and_nothing_is_written(tmp_path, line, message):
    with pytest.raises(DataError, match=message) as caught:
        check(tmp_path, GOOD, line, GOOD)
    assert str(caught.value).startswith(f"{tmp_path / 'data.jsonl'}, line 2: ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_all_broken_documents_are_counted(tmp_path):
    with pytest.raises(DataError, match=r"line 1: .* \(2 more are broken; the next: .*line 3: it is not JSON"):
        check(tmp_path, "{", GOOD, "{", "[]")


def test_no_documents_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no documents"):
        check(tmp_path, "")
