import json
from collections.abc import Callable

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, normalizers

from gesso.errors import InputError, SettingError
from gesso.text.stream import TextStream
from gesso.text.tokenizer import Tokenizer

BROKEN = "\ufffd"
FRAGMENTS = [
    "a",
    "b",
    "ab",
    " the cat",
    ".",
    "\n",
    "e\u0301",
    "\u6f22\u5b57",
    "\U0001f600",
    "\U0001f469\u200d\U0001f680",
    BROKEN,
]
TEXT = st.lists(st.sampled_from(FRAGMENTS)).map("".join)
STOPS = st.lists(st.text("ab c\n", min_size=1, max_size=4), max_size=3).map(tuple)


def byte_fallback_tokenizer(*, strip: bool) -> Tokenizer:
    """A tokenizer in the manner of SentencePiece: what it has no piece for is spelled in bytes."""
    pieces = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "\u2581",
        *"abct.he",
        "ab",
    ]
    vocabulary = {piece: token_id for token_id, piece in enumerate(pieces)}
    merges = [("a", "b")]
    rust = tokenizers.Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    rust.normalizer = normalizers.Replace(" ", "\u2581")
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    rust.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if strip else steps)
    rust.add_special_tokens(pieces[:4])
    return Tokenizer(json.loads(rust.to_str()))


@pytest.fixture(scope="module", params=["byte level", "byte fallback", "byte fallback, first space dropped"])
def any_tokenizer(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> Tokenizer:
    builders: dict[str, Callable[[], Tokenizer]] = {
        "byte level": lambda: tokenizer,
        "byte fallback": lambda: byte_fallback_tokenizer(strip=False),
        "byte fallback, first space dropped": lambda: byte_fallback_tokenizer(strip=True),
    }
    return builders[request.param]()


def portions(data: st.DataObject, ids: list[int]) -> list[list[int]]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ids)))))
    return [ids[start:end] for start, end in zip([0, *cuts], [*cuts, len(ids)], strict=True)]


def cut_at_first_complete_stop(text: str, stop: tuple[str, ...]) -> str:
    for end in range(len(text) + 1):
        found = [stop_string for stop_string in stop if text[:end].endswith(stop_string)]
        if found:
            return text[: end - max(map(len, found))]
    return text


def assert_pieces_make_the_text(
    tokenizer: Tokenizer, data: st.DataObject, ids: list[int], stop: tuple[str, ...]
) -> None:
    expected = cut_at_first_complete_stop(tokenizer.decode(ids), stop)
    stream = TextStream(tokenizer, stop=stop)
    pieces = []
    for portion in portions(data, ids):
        assert stream.draft(portion).startswith(stream.text)
        pieces.append(stream.commit(portion))
        assert stream.text == "".join(pieces)
        assert expected.startswith(stream.text)
    pieces.append(stream.finish())
    assert "".join(pieces) == stream.text == expected


def test_pieces_of_any_text_make_the_text(any_tokenizer: Tokenizer) -> None:
    @given(st.data(), TEXT, STOPS)
    def law(data: st.DataObject, text: str, stop: tuple[str, ...]) -> None:
        assert_pieces_make_the_text(any_tokenizer, data, any_tokenizer.encode(text), stop)

    law()


def test_pieces_of_any_ids_make_the_text(any_tokenizer: Tokenizer) -> None:
    # Ids of a canvas out of focus: bytes that are no characters, control tokens, ids that are no tokens.
    low_ids = st.integers(0, 330) | st.integers(0, any_tokenizer.vocab_size + 5)

    @given(st.data(), st.lists(low_ids, max_size=24), STOPS)
    def law(data: st.DataObject, ids: list[int], stop: tuple[str, ...]) -> None:
        assert_pieces_make_the_text(any_tokenizer, data, ids, stop)

    law()


def test_no_piece_holds_a_broken_character(any_tokenizer: Tokenizer) -> None:
    @given(TEXT.filter(lambda text: BROKEN not in text))
    def law(text: str) -> None:
        stream = TextStream(any_tokenizer)
        pieces = [stream.commit([token_id]) for token_id in any_tokenizer.encode(text)]
        assert not any(BROKEN in piece for piece in [*pieces, stream.finish()])

    law()


def test_text_is_not_held_back_without_need(any_tokenizer: Tokenizer) -> None:
    stream = TextStream(any_tokenizer, stop=("e.", "the the"))
    for word in ["ab", " cat", " the"]:
        ids = any_tokenizer.encode(word)
        assert stream.draft(ids).endswith(word)
        stream.commit(ids)
    assert stream.text == "ab cat "


def test_a_draft_changes_nothing_and_shows_one_mark_for_a_broken_run(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer)
    stream.commit(tokenizer.encode("Hi"))
    halves = tokenizer.encode("\U0001f680")[:-1] * 3
    assert stream.draft(halves) == f"Hi{BROKEN}"
    assert stream.draft(tokenizer.encode(" Tom")) == "Hi Tom"
    assert stream.draft() == stream.text == "Hi"


def test_a_draft_ends_before_a_stop_string(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer, stop=("\n\n",))
    stream.commit(tokenizer.encode("One.\n"))
    assert stream.text == "One."
    assert stream.draft(tokenizer.encode("\nTwo.")) == "One."
    assert stream.draft(tokenizer.encode("Two.")) == "One.\nTwo."


def test_nothing_follows_a_stop_string(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer, stop=("END",))
    assert stream.commit(tokenizer.encode("One. END Two.")) == "One. "
    assert stream.stopped
    assert stream.commit(tokenizer.encode("Three.")) == stream.finish() == ""
    assert stream.draft(tokenizer.encode("Four.")) == "One. "


def test_control_tokens_are_left_out_unless_asked_for(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|turn>Hi<turn|>", allow_special=True)
    assert TextStream(tokenizer).commit(ids) == "Hi"
    assert TextStream(tokenizer, skip_special=False).commit(ids) == "<|turn>Hi<turn|>"


def test_a_finished_stream_takes_no_more(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer)
    stream.finish()
    assert stream.finish() == ""
    with pytest.raises(InputError, match="begin another TextStream"):
        stream.commit([5])


@pytest.mark.parametrize("stop", [("",), ("a", "")])
def test_stop_strings_that_cannot_be_are_refused(tokenizer: Tokenizer, stop: tuple[str, ...]) -> None:
    with pytest.raises(SettingError, match="tuple of strings that are not empty"):
        TextStream(tokenizer, stop=stop)
