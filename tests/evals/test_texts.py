import random

import pytest

from gesso.errors import DataError
from gesso.evals.texts import held_out_stories, read_texts, texts_of, training_stories
from gesso.worlds.stories import write_story


def test_held_out_stories_are_those_of_the_world():
    assert held_out_stories(random.Random(3), 1) == [write_story(random.Random(3), split="held_out").text]


def test_training_stories_are_the_same_each_time():
    assert training_stories() == training_stories()


def test_a_file_holds_paragraphs(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_bytes(b"One fox\r\nhad a kite.\r\n\r\n\r\nAnother had none.\n\n\n")
    assert read_texts(file) == ["One fox had a kite.", "Another had none."]
    assert sorted(texts_of(file)(random.Random(0), 2)) == sorted(read_texts(file))


@pytest.mark.parametrize(
    ("content", "message"), [(b"\n \n", "holds no text"), (b"a\xff", "byte 1 is not UTF-8"), (None, "cannot be read")]
)
def test_a_file_without_texts_is_refused(content, message, tmp_path):
    file = tmp_path / "texts.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_texts(file)


def test_more_texts_than_a_file_has_are_refused(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("one\n\ntwo")
    with pytest.raises(DataError, match="has 2 paragraphs and 3 are asked for"):
        texts_of(file)(random.Random(0), 3)
