"""The bytes that each token of a tokenizer.json stands for: what the decoder does, token by token.

Two decoders are known. Byte-level tokens spell each byte as a printable character (GPT-2's table). Byte-fallback tokens
are text with a mark for the space, and "<0x0A>" for a byte that no other token has.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gesso.errors import ConfigError

Spelling = Callable[[str], bytes]

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_BYTES = {chr(byte): byte for byte in _PRINTABLE} | {
    chr(0x100 + at): byte for at, byte in enumerate(sorted(set(range(256)) - set(_PRINTABLE)))
}


def token_bytes(definition: Mapping[str, Any], vocabulary: Mapping[str, int], *, origin: str) -> list[bytes]:
    """Spell every token of a tokenizer.

    Args:
        definition: Content of tokenizer.json.
        vocabulary: The id of each token, as the file spells it.
        origin: What errors call the place that it came from.

    Returns:
        The bytes of each token by its id; none for control tokens and for ids that no token has. The bytes of a text's
        tokens, one after another, are the text in UTF-8.

    Raises:
        ConfigError: The decoder is another one, which may look at several tokens at once.
    """
    spell = _spelling(definition.get("decoder"), origin)
    spelled = [b""] * (max(vocabulary.values()) + 1)
    for text, token_id in vocabulary.items():
        spelled[token_id] = spell(text)
    for token in definition["added_tokens"]:
        spelled[token["id"]] = b"" if token["special"] else token["content"].encode()
    return spelled


def _spelling(decoder: Mapping[str, Any] | None, origin: str) -> Spelling:
    steps: Sequence[Mapping[str, Any]] = (decoder or {}).get("decoders", [decoder or {}])
    kinds = [step.get("type") for step in steps]
    if kinds == ["ByteLevel"]:
        return _byte_level
    replaced = [(step["pattern"]["String"], step["content"]) for step in steps if _is_replacement(step)]
    if "ByteFallback" in kinds and len(replaced) + kinds.count("ByteFallback") + kinds.count("Fuse") == len(kinds):
        return lambda text: _byte_fallback(text, replaced)
    raise ConfigError(
        f"{origin}: the decoder {kinds} does not spell each token by itself, so texts cannot be constrained; use a "
        "byte-level or a byte-fallback tokenizer"
    )


def _is_replacement(step: Mapping[str, Any]) -> bool:
    return step.get("type") == "Replace" and "String" in step["pattern"]


def _byte_level(text: str) -> bytes:
    known = all(character in _BYTES for character in text)
    return bytes(_BYTES[character] for character in text) if known else text.encode()


def _byte_fallback(text: str, replaced: Sequence[tuple[str, str]]) -> bytes:
    if byte := _BYTE_TOKEN.fullmatch(text):
        return bytes([int(byte.group(1), 16)])
    for old, new in replaced:
        text = text.replace(old, new)
    return text.encode()
