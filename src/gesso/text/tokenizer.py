"""Text to token ids and back, by a tokenizer.json."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers

from gesso.errors import ConfigError, OutputError, PromptError
from gesso.text.token_bytes import token_bytes

# What the chat format of Gemma 4 is written with. User text must never become one of these, whatever the file says.
# In the bundled model's tokenizer the place in this tuple is the id.
FORMAT_TOKENS: tuple[str, ...] = (
    *("<pad>", "<eos>", "<bos>", "<unk>"),
    *("<|turn>", "<turn|>", "<|think|>", "<|channel>", "<channel|>"),
    *("<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'),
    *("<|image|>", "<|image>", "<image|>"),
)


class Tokenizer:
    """A `tokenizers.Tokenizer` that tells control tokens from text that only looks like them.

    Attributes:
        bos_id: Begins every sequence.
        eos_id: Ends a document, and fills the canvas after its end.
        pad_id: Stands where there is no token.
        special_ids: The control tokens: no plain text encodes to one of them.
    """

    bos_id: int
    eos_id: int
    pad_id: int
    special_ids: frozenset[int]

    def __init__(self, definition: dict[str, Any], config: dict[str, Any] | None = None, *, origin: str = "tokenizer"):
        """Build a tokenizer from the content of its files.

        Args:
            definition: Content of tokenizer.json.
            config: Content of tokenizer_config.json, which names the bos, eos and pad tokens.
            origin: What errors call the place that both came from.

        Raises:
            ConfigError: The definition is not a tokenizer, or a token that the config names is not in it.
        """
        self._config = config or {}
        self._origin = origin
        try:
            # A control token without its flag would be found in user text.
            added = [
                {**token, "special": token["special"] or token["content"] in FORMAT_TOKENS}
                for token in definition["added_tokens"]
            ]
            self._rust = tokenizers.Tokenizer.from_str(json.dumps({**definition, "added_tokens": added}))
        except Exception as error:  # the Rust side raises a bare Exception
            raise ConfigError(f"{origin}: not a tokenizer ({error!r}); copy tokenizer.json anew") from error
        self._rust.encode_special_tokens = True  # text is text; `encode` finds the control tokens itself
        self._rust.no_padding()
        self._rust.no_truncation()
        self._specials = {token["content"]: token["id"] for token in added if token["special"]}
        self._special_pattern = re.compile(
            "|".join(re.escape(text) for text in sorted(self._specials, key=len, reverse=True)) or r"(?!)"
        )
        self.special_ids = frozenset(self._specials.values())
        self.bos_id, self.eos_id, self.pad_id = map(self._named, ("bos", "eos", "pad"))

    @classmethod
    def load(cls, folder: Path) -> "Tokenizer":
        """Read tokenizer.json and, where it is there, tokenizer_config.json.

        Raises:
            ConfigError: A file is missing or broken; the message names it and the remedy.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ConfigError(f"{path} is missing; copy it from the checkpoint that this model was made from")
        config_path = folder / "tokenizer_config.json"
        config = read_json_object(config_path) if config_path.is_file() else None
        return cls(read_json_object(path), config, origin=str(path))

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and tokenizer_config.json into `folder`, which is made where it is missing.

        Raises:
            OutputError: The folder or a file cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._rust.save(str(folder / "tokenizer.json"))
            text = json.dumps(self._config, indent=2, ensure_ascii=False) + "\n"
            (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
        except Exception as error:  # the Rust side raises a bare Exception
            raise OutputError(f"{folder}: the tokenizer cannot be written ({error}); choose another folder") from error

    @property
    def vocab_size(self) -> int:
        """Number of tokens, control tokens included."""
        return self._rust.get_vocab_size()

    @property
    def config(self) -> dict[str, Any]:
        """Content of tokenizer_config.json; empty where there is none."""
        return dict(self._config)

    def encode(self, text: str, *, add_bos: bool = False, allow_special: bool = False) -> list[int]:
        """Turn a text into token ids.

        Args:
            text: Any text.
            add_bos: Put the bos token first.
            allow_special: Read "<|turn>" and its like as control tokens. Never set it for text that a user typed.

        Raises:
            PromptError: The text holds half a surrogate pair, which is no character.
        """
        ids = [self.bos_id] if add_bos else []
        try:
            if not allow_special:
                return ids + self._encode_plain(text)
            for special, part in self.split_specials(text):
                ids += [self._specials[part]] if special else self._encode_plain(part)
        except UnicodeEncodeError as error:
            raise PromptError(
                f"character {error.start} of the text, {text[error.start]!r}, is half a surrogate pair; remove it"
            ) from error
        return ids

    def decode(self, ids: Sequence[int], *, skip_special: bool = True) -> str:
        """Turn token ids into text. Bytes that are no UTF-8 become U+FFFD; ids outside the vocabulary give nothing."""
        return self._rust.decode(list(ids), skip_special_tokens=skip_special)

    def split_specials(self, text: str) -> list[tuple[bool, str]]:
        """Split a text into pieces: (True, a control token's string) or (False, the text between two of them)."""
        pieces: list[tuple[bool, str]] = []
        end = 0
        for match in self._special_pattern.finditer(text):
            pieces += [(False, text[end : match.start()]), (True, match.group())]
            end = match.end()
        return [piece for piece in [*pieces, (False, text[end:])] if piece[1]]

    def token_bytes(self) -> list[bytes]:
        """Spell every token in bytes, by its id; control tokens have none. A text is those of its tokens in a row.

        Raises:
            ConfigError: The decoder looks at several tokens at once.
        """
        return token_bytes(json.loads(self._rust.to_str()), self._rust.get_vocab(), origin=self._origin)

    def token_text(self, token_id: int) -> str:
        """Spell a token as its file does, with its marks for spaces and bytes; "" outside the vocabulary."""
        return self._rust.id_to_token(token_id) or ""

    def token_id(self, text: str) -> int:
        """Give the id of one token by its text, such as "<turn|>".

        Raises:
            ConfigError: The vocabulary has no such token.
        """
        token_id = self._rust.token_to_id(text)
        if token_id is None:
            raise ConfigError(f"{self._origin}: no token {text!r}; use the tokenizer that the model was trained with")
        return token_id

    def _encode_plain(self, text: str) -> list[int]:
        text.encode("utf-8")  # the Rust side would panic on half a surrogate pair
        return self._rust.encode(text, add_special_tokens=False).ids

    def _named(self, name: str) -> int:
        entry = self._config.get(f"{name}_token") or f"<{name}>"
        token = entry.get("content") if isinstance(entry, dict) else entry
        if not isinstance(token, str) or self._rust.token_to_id(token) is None:
            raise ConfigError(
                f"{self._origin}: no token {token!r}; name the {name} token as {name}_token in tokenizer_config.json"
            )
        return self.token_id(token)


def read_json_object(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        ConfigError: The file cannot be read or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({error}); copy it anew") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds a JSON {type(content).__name__}, not an object; copy it anew")
    return content
