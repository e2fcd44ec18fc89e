import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from gesso.errors import ConfigError, OutputError, PromptError
from gesso.text.tokenizer import FORMAT_TOKENS, Tokenizer

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TEXTS = [
    "",
    "Tom didn't find the red kite.",
    '"Where is it?" asked Mia.\n\nThe 12 friends looked in 3 places...',
    "  two  spaces \t and\r\nlines \n",
    "na\u00efve cafe\u0301 \u6f22\u5b57 \U0001f469\u200d\U0001f680",
]


def test_decode_undoes_encode(tokenizer: Tokenizer) -> None:
    @given(ANY_TEXT)
    def law(text: str) -> None:
        assert tokenizer.decode(tokenizer.encode(text), skip_special=False) == text

    law()


def test_plain_text_never_becomes_a_control_token(tokenizer: Tokenizer) -> None:
    control = st.sampled_from(sorted(map(tokenizer.token_text, tokenizer.special_ids)))

    @given(st.lists(st.one_of(ANY_TEXT, control)).map("".join))
    def law(text: str) -> None:
        ids = tokenizer.encode(text)
        assert not tokenizer.special_ids.intersection(ids)
        assert tokenizer.decode(ids) == text

    law()


def test_control_tokens_are_read_on_request(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|turn>user\nHi<turn|>", allow_special=True)
    assert [i in tokenizer.special_ids for i in ids] == [True, *[False] * (len(ids) - 2), True]
    assert tokenizer.decode(ids) == "user\nHi"
    assert tokenizer.decode(ids, skip_special=False) == "<|turn>user\nHi<turn|>"


def test_a_control_token_without_its_flag_is_still_one(folder: Path) -> None:
    definition = json.loads((folder / "tokenizer.json").read_text())
    for token in definition["added_tokens"]:
        token["special"] = False
    tokenizer = Tokenizer(definition)
    assert tokenizer.special_ids == set(range(len(FORMAT_TOKENS)))
    assert not tokenizer.special_ids.intersection(tokenizer.encode("<turn|>"))


def test_bos_comes_first_where_asked_for(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("Hi", add_bos=True) == [tokenizer.bos_id, *tokenizer.encode("Hi")]
    assert tokenizer.encode("", add_bos=True) == [tokenizer.bos_id]


@pytest.mark.parametrize("text", TEXTS)
def test_transformers_reads_the_saved_folder_and_gives_the_same_ids(
    tokenizer: Tokenizer, tmp_path: Path, text: str
) -> None:
    tokenizer.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "diffusion_gemma"}')
    reference = AutoTokenizer.from_pretrained(tmp_path)
    assert reference(text).input_ids == tokenizer.encode(text, add_bos=True)
    assert reference.decode(reference(text).input_ids, skip_special_tokens=True) == text
    marked = f"<|turn>user\n{text}<turn|>\n"
    assert reference.encode(marked, add_special_tokens=False) == tokenizer.encode(marked, allow_special=True)
    names = (reference.bos_token_id, reference.eos_token_id, reference.pad_token_id)
    assert names == (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id)
    assert len(reference) == tokenizer.vocab_size


def test_what_is_saved_loads_as_the_same_tokenizer(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "deep" / "folder")
    again = Tokenizer.load(tmp_path / "deep" / "folder")
    assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
    assert (again.special_ids, again.config) == (tokenizer.special_ids, tokenizer.config)


def test_the_bundled_layout_is_fixed(tokenizer: Tokenizer) -> None:
    assert tokenizer.vocab_size == 4096
    assert [tokenizer.token_text(i) for i in range(len(FORMAT_TOKENS))] == list(FORMAT_TOKENS)
    assert tokenizer.special_ids == set(range(len(FORMAT_TOKENS) + 32))
    assert (tokenizer.pad_id, tokenizer.eos_id, tokenizer.bos_id) == (0, 1, 2)


def test_the_bundled_tokenizer_keeps_digits_and_newlines_apart(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("2048")) == 4
    assert len(tokenizer.encode("\n\n\n")) == 3
    assert tokenizer.encode("12 apples")[2:] == tokenizer.encode("7 apples")[1:]


def test_an_id_outside_the_vocabulary_has_no_text(tokenizer: Tokenizer) -> None:
    assert tokenizer.token_text(10**6) == ""
    assert tokenizer.decode([10**6]) == ""


def test_half_a_surrogate_pair_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(PromptError, match=r"character 3 .* remove it"):
        tokenizer.encode("abc\ud83d")
    with pytest.raises(PromptError, match="remove it"):
        tokenizer.encode("abc\ud83d<turn|>", allow_special=True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tokenizer\.json is missing; copy it"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"model": {"type": "BPE"}}', '{"added_tokens": 3}'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ConfigError, match=r"tokenizer\.json.*copy"):
        Tokenizer.load(tmp_path)


def test_a_missing_bos_token_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text('{"bos_token": {"content": "<start>"}}')
    with pytest.raises(ConfigError, match="no token '<start>'; name the bos token"):
        Tokenizer.load(tmp_path)


def test_a_token_is_found_by_its_text(tokenizer: Tokenizer) -> None:
    assert tokenizer.token_text(tokenizer.token_id("<turn|>")) == "<turn|>"
    with pytest.raises(ConfigError, match="no token '<nonsense>'; use the tokenizer"):
        tokenizer.token_id("<nonsense>")


def test_an_unwritable_folder_is_named(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        tokenizer.save(tmp_path / "file")
