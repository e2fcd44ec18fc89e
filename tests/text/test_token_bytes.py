import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.errors import ConfigError
from gesso.text.tokenizer import Tokenizer

MARKED_SPACE = "\u2581"
FALLBACK_DECODER = {
    "type": "Sequence",
    "decoders": [
        {"type": "Replace", "pattern": {"String": MARKED_SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ],
}


def fallback_tokenizer(folder: Path, decoder: object = FALLBACK_DECODER) -> Tokenizer:
    """A tokenizer as the published model has it: marks for spaces, and bytes for what it lacks."""
    definition = json.loads((folder / "tokenizer.json").read_text())
    control = [token["content"] for token in definition["added_tokens"] if token["id"] < 19]
    words = ["a", "b", MARKED_SPACE, "ab", MARKED_SPACE + "a", "\u00e9"]
    texts = [*control, *(f"<0x{byte:02X}>" for byte in range(256)), *words, "\n\n"]
    special = [
        {"id": i, "content": text, "special": i < 19} for i, text in enumerate(texts) if i < 19 or text == "\n\n"
    ]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return Tokenizer(
        {
            "version": "1.0",
            "added_tokens": [flags | token for token in special],
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": MARKED_SPACE},
            "decoder": decoder,
            "model": {
                "type": "BPE",
                "vocab": {text: i for i, text in enumerate(texts[:-1])},
                "merges": [["a", "b"], [MARKED_SPACE, "a"]],
                "byte_fallback": True,
            },
        }
    )


@pytest.mark.parametrize("kind", ["byte-level", "byte-fallback"])
def test_the_bytes_of_a_texts_tokens_in_a_row_are_the_text(kind: str, folder: Path, tokenizer: Tokenizer) -> None:
    chosen = tokenizer if kind == "byte-level" else fallback_tokenizer(folder)
    spelled = chosen.token_bytes()

    @given(st.text(st.sampled_from("ab \n\u00e9\u6f22\U0001f469!"), max_size=12))
    def law(text: str) -> None:
        ids = chosen.encode(text)
        assert b"".join(spelled[i] for i in ids) == text.encode() == chosen.decode(ids).encode()

    law()


def test_each_token_is_spelled_as_it_decodes_and_control_tokens_have_no_bytes(tokenizer: Tokenizer) -> None:
    spelled = tokenizer.token_bytes()
    assert len(spelled) == tokenizer.vocab_size
    assert {i for i, one in enumerate(spelled) if not one} == tokenizer.special_ids
    assert all(one.decode(errors="replace") == tokenizer.decode([i]) for i, one in enumerate(spelled))


def test_added_tokens_that_are_text_have_their_bytes(folder: Path) -> None:
    chosen = fallback_tokenizer(folder)
    assert chosen.token_bytes()[chosen.token_id("\n\n")] == b"\n\n"


@pytest.mark.parametrize("decoder", [None, {"type": "WordPiece", "prefix": "##", "cleanup": True}])
def test_a_decoder_that_is_not_known_is_named(folder: Path, decoder: object) -> None:
    with pytest.raises(ConfigError, match=r"the decoder \[.*\] does not spell each token by itself"):
        fallback_tokenizer(folder, decoder).token_bytes()
