"""Token ids that keep coming, as text that never has to be taken back."""

import re
from collections.abc import Sequence

from gesso.errors import InputError, SettingError
from gesso.text.tokenizer import Tokenizer

_BROKEN = "\ufffd"
_BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")


class TextStream:
    """The text of a growing list of token ids.

    The pieces that `commit` and `finish` return, put together, are the decoded text of all ids, cut before the first
    stop string, however the ids were portioned out. A piece never ends inside a character, and never holds the
    beginning of a stop string that later ids may complete.

    Attributes:
        text: All pieces returned so far.
        stopped: A stop string was met; what comes after it is not text.
    """

    text: str
    stopped: bool

    def __init__(self, tokenizer: Tokenizer, *, stop: tuple[str, ...] = (), skip_special: bool = True) -> None:
        """Begins an empty text.

        Args:
            tokenizer: Decodes the ids.
            stop: Strings that end the text and are no part of it. The one that is complete first counts.
            skip_special: Leave control tokens out.

        Raises:
            SettingError: A stop string is empty.
        """
        if "" in stop:  # true of every string, too
            raise SettingError(f"stop is {stop!r}; give a tuple of strings that are not empty")
        self.text = ""
        self.stopped = False
        self._tokenizer = tokenizer
        self._stop = stop
        self._skipped = tokenizer.special_ids if skip_special else frozenset()
        self._finished = False
        self._context: list[int] = []  # the last id whose text is settled: what follows is spelled in its light
        self._pending: list[int] = []  # ids whose text later ids may change
        self._held = ""  # settled text that may be the beginning of a stop string

    def commit(self, ids: Sequence[int]) -> str:
        """Append ids for good and return the text that they settle, which may be none, or of earlier ids too.

        Raises:
            InputError: The stream is finished.
        """
        if self._finished:
            raise InputError("the stream is finished; begin another TextStream for another text")
        self._pending += self._visible(ids)
        num_settled = self._count_settled()
        text = self._decode(self._pending[:num_settled])
        if num_settled:
            self._context = [self._pending[num_settled - 1]]
            del self._pending[:num_settled]
        return self._emit(text)

    def draft(self, ids: Sequence[int] = ()) -> str:
        """Return all text there would be if `ids` came next, for display. Changes nothing.

        It begins with `text`. A run of bytes that are no character shows as one U+FFFD.
        """
        if self.stopped:
            return self.text
        tail = self._held + self._decode(self._pending + self._visible(ids))
        cut = self._find_stop(tail)
        return self.text + re.sub(f"{_BROKEN}+", _BROKEN, tail[:cut])

    def finish(self) -> str:
        """End the text and return what was held back. Bytes that never became a character decode to U+FFFD."""
        text = self._emit(self._decode(self._pending)) + self._held
        self.text += self._held
        self._pending, self._held = [], ""
        self._finished = True
        return text

    def _emit(self, settled: str) -> str:
        if self.stopped:
            return ""
        text = self._held + settled
        cut = self._find_stop(text)
        self.stopped = cut is not None
        end = cut if cut is not None else len(text) - self._length_of_stop_prefix(text)
        self._held = "" if self.stopped else text[end:]
        self.text += text[:end]
        return text[:end]

    def _find_stop(self, text: str) -> int | None:
        """Start of the stop string that is complete first, so that portions cannot change which one it is."""
        found = [(text.find(stop) + len(stop), text.find(stop)) for stop in self._stop if stop in text]
        return min(found)[1] if found else None

    def _length_of_stop_prefix(self, text: str) -> int:
        longest = max(map(len, self._stop), default=0) - 1
        tails = (text[-length:] for length in range(min(longest, len(text)), 0, -1))
        return next((len(tail) for tail in tails if any(stop.startswith(tail) for stop in self._stop)), 0)

    def _visible(self, ids: Sequence[int]) -> list[int]:
        return [i for i in ids if i not in self._skipped and self._tokenizer.token_text(i)]

    def _count_settled(self) -> int:
        """How many pending ids have a text that no later id can change.

        Byte-level tokens may end inside a character, which decodes to U+FFFD. A run of byte-fallback tokens is
        decoded as a whole, and one bad byte spoils all of it, so that it is settled by the token after it.
        """
        for count in range(len(self._pending), 0, -1):
            if _BYTE_TOKEN.fullmatch(self._tokenizer.token_text(self._pending[count - 1])):
                continue
            if not self._decode(self._pending[:count]).endswith(_BROKEN):
                return count
        return 0

    def _decode(self, ids: list[int]) -> str:
        # Some decoders drop the first space of a text: only the text of a continuation keeps it.
        before = self._tokenizer.decode(self._context, skip_special=False)
        return self._tokenizer.decode(self._context + ids, skip_special=False)[len(before) :]
