import pytest

from gesso.errors import DataError, OutputError
from gesso.train.token_store import TokenStore, write_token_store
from gesso.train.token_texts import TokenText

TEXTS = [
    TokenText(context=[2, 7], response=[8, 9, 1]),
    TokenText(context=[2], response=[70_000, 1], is_movable=True),
]


def test_what_is_written_is_read(tmp_path):
    store = write_token_store(tmp_path / "new" / "data", iter(TEXTS))
    for read in (store, TokenStore(tmp_path / "new" / "data")):
        assert [read[i] for i in range(len(read))] == TEXTS
        assert read.lengths == [5, 3]
        assert read.num_response_tokens == 5


def test_a_text_that_fails_leaves_nothing_behind(tmp_path):
    def failing():
        yield TEXTS[0]
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        write_token_store(tmp_path / "data", failing())
    assert list(tmp_path.iterdir()) == []


def test_no_texts_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no documents"):
        write_token_store(tmp_path / "data", [])


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_token_store(tmp_path / "file" / "data", TEXTS)


@pytest.mark.parametrize("name", ["tokens.i32", "places.i64"])
def test_files_that_are_cut_short_are_refused(tmp_path, name):
    write_token_store(tmp_path / "data", TEXTS)
    file = tmp_path / "data" / name
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(DataError, match="begin the run anew"):
        TokenStore(tmp_path / "data")
