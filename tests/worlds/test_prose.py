import gzip
import json
import random
import re

import pytest

from gesso.errors import DataError, SettingError
from gesso.worlds.prose import MAX_WORDS, MIN_WORDS, Prose, common_words, passages, read_texts

SENTENCE = "The small cat sat on the warm mat and looked at the rain."


def save(path, rows):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    return path


@pytest.fixture
def file(tmp_path):
    rng = random.Random(0)
    names = ["cat", "dog", "bird", "fish", "mouse", "cow"]
    texts = [" ".join(SENTENCE.replace("cat", rng.choice(names)) for _ in range(5)) for _ in range(100)]
    return save(tmp_path / "texts.jsonl.gz", [{"text": text} for text in texts])


def test_texts_and_sections_are_read(tmp_path):
    rows = [{"text": "One.", "title": "A"}, {"sections": ["Two.", "Three."]}]
    assert list(read_texts(save(tmp_path / "a.jsonl.gz", rows))) == ["One.", "Two.\n\nThree."]


def test_passages_are_whole_sentences_of_a_fitting_length_and_lose_none():
    sentences = [SENTENCE.replace("cat", name) for name in ("cat", "dog", "cow") * 20]
    found = list(passages("\n".join(sentences)))
    assert " ".join(found) == " ".join(sentences)
    assert all(MIN_WORDS <= len(passage.split()) <= MAX_WORDS for passage in found)
    assert all(len(passage.split()) > MAX_WORDS - len(SENTENCE.split()) for passage in found[:-1])


@pytest.mark.parametrize(
    "between", ["CHAPTER I", "# The Cat", "She said * * * and left.", f"The cat {'ran ' * MAX_WORDS}."]
)
def test_a_passage_does_not_reach_across_what_is_no_plain_sentence(between):
    half = " ".join([SENTENCE] * 3)
    assert list(passages(f"{half}\n\n{between}\n\n{half}")) == [half, half]


def test_a_text_that_is_too_short_gives_nothing():
    assert list(passages(SENTENCE)) == []
    assert list(passages("")) == []


def test_the_commonest_words_come_first():
    assert common_words(["The cat and the dog.", "the dog's the end, dog"], 2) == {"the", "dog"}


def test_a_case_is_a_passage_of_its_split_cut_at_a_word(file):
    texts = set(read_texts(file))
    prose = Prose.read([file], known_words=common_words(texts, 100))
    assert set(prose.train).isdisjoint(prose.held_out)
    rng = random.Random(1)
    for split, own in (("train", prose.train), ("held_out", prose.held_out)):
        for _ in range(50):
            case = prose.write_case(rng, split)
            assert case.prompt + case.response in own
            assert case.prompt
            assert re.match(r" \S", case.response)
            assert (case.kind, case.chat) == ("prose", False)


def test_passages_with_unknown_words_are_left_out_by_their_share(file):
    known = common_words(read_texts(file), 100) - {"dog"}
    strict = Prose.read([file], known_words=known)
    lenient = Prose.read([file], known_words=known, max_unknown=0.05)
    assert not any("dog" in passage for passage in strict.train)
    assert any("dog" in passage for passage in lenient.train)
    assert set(strict.train) < set(lenient.train)


def test_an_unknown_split_is_refused(file):
    prose = Prose(train=(SENTENCE,), held_out=(SENTENCE,))
    with pytest.raises(SettingError, match="no split is called 'test'"):
        Prose.write_case.__wrapped__(prose, random.Random(0), "test")


def test_nothing_left_is_an_error_that_says_what_to_change(file):
    with pytest.raises(DataError, match=r"no train passage of .* out of the 1 known; give more files or words"):
        Prose.read([file], known_words={"cat"})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{broken\n", "line 2 is not JSON"),
        ('{"story": "x"}\n', 'line 2 has neither a "text" nor "sections"'),
        ('{"text": 5}\n', "line 2 has neither"),
        ("[1]\n", "line 2 has neither"),
    ],
)
def test_a_broken_row_is_named(tmp_path, row, message):
    path = save(tmp_path / "a.jsonl.gz", [{"text": "One."}, row])
    with pytest.raises(DataError, match=message):
        list(read_texts(path))


def test_a_file_that_is_missing_or_not_compressed_is_named(tmp_path):
    (tmp_path / "plain.jsonl.gz").write_text("{}")
    for name in ("missing.jsonl.gz", "plain.jsonl.gz"):
        with pytest.raises(DataError, match=rf"{name} cannot be read as gzip"):
            list(read_texts(tmp_path / name))
