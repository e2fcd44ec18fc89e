"""Passages of prose from files, for training beside the world.

A file is JSON lines, compressed by gzip, one text a row: `{"text": ...}` or `{"sections": [...]}`. What a small model
cannot carry is left out: passages with rare words, headings, and marks that are not plain prose.
"""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gesso.errors import DataError
from gesso.worlds.beats import split_sentences
from gesso.worlds.cases import Case, begin
from gesso.worlds.splits import Split, belongs, check_split

MIN_WORDS, MAX_WORDS = 20, 160

_PLAIN = re.compile(r"[A-Za-z0-9 .,;:!?'\"()-]+")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prose:
    """Passages to train on, and passages of other texts that are held out."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    @classmethod
    def read(cls, files: Sequence[Path], *, known_words: Collection[str], max_unknown: float = 0.0) -> "Prose":
        """Read all passages that are plain enough.

        Args:
            files: files of texts.
            known_words: words in small letters that the model may know, such as `common_words` gives.
            max_unknown: the share of other words that a passage may have.

        Raises:
            DataError: a file is broken, or no passage of a split is left.
        """
        known = frozenset(known_words)
        kept: dict[Split, list[str]] = {"train": [], "held_out": []}
        for text in (text for file in files for text in read_texts(file)):
            split: Split = "train" if belongs("train", text) else "held_out"
            kept[split] += [passage for passage in passages(text) if _unknown_share(passage, known) <= max_unknown]
        for split, found in kept.items():
            if not found:
                raise DataError(
                    f"no {split} passage of {', '.join(map(str, files)) or 'no file'} has at most {max_unknown:.0%} "
                    f"words out of the {len(known)} known; give more files or words"
                )
        return cls(train=tuple(kept["train"]), held_out=tuple(kept["held_out"]))

    def write_case(self, rng: random.Random, split: Split = "train") -> Case:
        """Begin a passage that is to be continued. Nobody can say whether another continuation is right.

        Raises:
            SettingError: there is no such split.
        """
        check_split(split)
        return begin(rng, rng.choice(self.train if split == "train" else self.held_out), "prose")


def read_texts(file: Path) -> Iterator[str]:
    """Yield the texts of a file, row by row.

    Raises:
        DataError: the file cannot be read, or a row is no text; the message names the line.
    """
    try:
        with gzip.open(file, "rt", encoding="utf-8") as rows:
            for number, row in enumerate(rows, start=1):
                yield _text_of(row, f"{file}, line {number}")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as gzip of UTF-8 text ({error}); give a .jsonl.gz file") from error


def passages(text: str) -> Iterator[str]:
    """Cut a text into passages of whole sentences, 20 to 160 words each, on one line.

    Line breaks within a paragraph are those of a page and count as spaces. A passage never reaches across a heading, a
    sentence that is longer than a passage, or one with marks that are not plain prose.
    """
    passage: list[str] = []
    for sentence in _sentences(text):
        if not sentence or _num_words([*passage, sentence]) > MAX_WORDS:
            if _num_words(passage) >= MIN_WORDS:
                yield " ".join(passage)
            passage = []
        if sentence:
            passage.append(sentence)


def common_words(texts: Iterable[str], count: int) -> frozenset[str]:
    """Give the `count` most common words of some texts, in small letters."""
    counter = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    return frozenset(word for word, _ in counter.most_common(count))


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, and nothing ("") where a passage must end."""
    for paragraph in re.split(r"\n\s*\n", text):
        line = " ".join(paragraph.split())
        is_heading = not line.endswith((".", "!", "?", '"', "'"))
        for sentence in ("",) if is_heading else split_sentences(line):
            yield sentence if _PLAIN.fullmatch(sentence) and _num_words([sentence]) <= MAX_WORDS else ""
    yield ""


def _num_words(sentences: Sequence[str]) -> int:
    return sum(len(sentence.split()) for sentence in sentences)


def _unknown_share(passage: str, known: frozenset[str]) -> float:
    words = _WORD.findall(passage.lower())
    return sum(word not in known for word in words) / max(1, len(words))


def _text_of(row: str, place: str) -> str:
    try:
        content = json.loads(row)
    except ValueError as error:
        raise DataError(f"{place} is not JSON ({error}); mend or remove it") from error
    match content:
        case {"text": str(text)}:
            return text
        case {"sections": [*sections]} if all(isinstance(section, str) for section in sections):
            return "\n\n".join(sections)
    raise DataError(f'{place} has neither a "text" nor "sections"; mend or remove it')
