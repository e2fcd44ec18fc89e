"""Token texts on disk: written once, in order, then read in any order without being held in memory."""

import array
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gesso.errors import DataError, OutputError
from gesso.train.token_texts import TokenText

_TOKENS, _PLACES = "tokens.i32", "places.i64"
_FIELDS = 4
"""A text's place: its first token, its border, its end, and whether the border is movable."""


class TokenStore:
    """Texts by number.

    Args:
        folder: What `write_token_store` wrote.

    Raises:
        DataError: The files are missing or do not belong together.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._tokens = np.memmap(folder / _TOKENS, dtype=np.int32, mode="r")
            self._places = np.fromfile(folder / _PLACES, dtype=np.int64).reshape(-1, _FIELDS)
        except (OSError, ValueError) as error:
            raise DataError(f"the prepared data in {folder} are broken ({error}); begin the run anew") from error
        if self._places[-1, 2] != len(self._tokens):
            raise DataError(f"the prepared data in {folder} are cut short; begin the run anew")

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> TokenText:
        start, border, stop, is_movable = self._places[index].tolist()
        return TokenText(
            context=self._tokens[start:border].tolist(),
            response=self._tokens[border:stop].tolist(),
            is_movable=bool(is_movable),
        )

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text, context and response together."""
        lengths: list[int] = (self._places[:, 2] - self._places[:, 0]).tolist()
        return lengths

    @property
    def num_response_tokens(self) -> int:
        """Tokens that are learnt by the denoiser in all texts."""
        return int((self._places[:, 2] - self._places[:, 1]).sum())


def write_token_store(folder: Path, texts: Iterable[TokenText]) -> TokenStore:
    """Write texts as they come; the folder appears whole or not at all.

    Args:
        folder: Where to; must not exist.
        texts: At least one.

    Raises:
        DataError: There are no texts.
        OutputError: The disk refuses.
    """
    draft = folder.with_name(f"{folder.name}.unfinished")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        places = array.array("q")
        end = 0
        with (draft / _TOKENS).open("wb") as tokens:
            for text in texts:
                start, border = end, end + len(text.context)
                end += len(text)
                np.array([*text.context, *text.response], dtype=np.int32).tofile(tokens)
                places.extend((start, border, end, int(text.is_movable)))
        if not places:
            raise DataError("the dataset holds no documents; give one that does")
        with (draft / _PLACES).open("wb") as file:
            places.tofile(file)
        os.replace(draft, folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error}); make room, or choose another folder") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return TokenStore(folder)
