"""Which page of the cache belongs to whom, and which text it holds. Knows numbers, not tensors.

A page has room for a fixed number of positions. It is free; or used, by one request or by several that begin alike;
or idle: nobody uses it, but it still holds a known beginning of a text. Idle pages are the prefix cache. They are given
up, the least recently used first, when free ones run out.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence


def page_keys(token_ids: Sequence[int], page_length: int) -> list[bytes]:
    """Name each full page of a text by what it and all pages before it say.

    Keys and values of a position depend on every token before it, so equal keys mean equal pages. Names are 128 bits of
    BLAKE2b: two texts of the same name will not be met.
    """
    keys: list[bytes] = []
    key = b""
    for stop in range(page_length, len(token_ids) + 1, page_length):
        page = array("q", token_ids[stop - page_length : stop]).tobytes()
        key = hashlib.blake2b(key + page, digest_size=16).digest()
        keys.append(key)
    return keys


class Pages:
    """The pages of a pool, by number.

    Attributes:
        num_pages: How many there are.
    """

    def __init__(self, num_pages: int) -> None:
        self.num_pages = num_pages
        self._free = list(range(num_pages))
        self._num_users = [0] * num_pages
        self._idle: OrderedDict[int, None] = OrderedDict()  # the least recently used first
        self._key_of: dict[int, bytes] = {}
        self._page_of: dict[bytes, int] = {}

    @property
    def available(self) -> int:
        """Pages that can be taken, idle ones included."""
        return len(self._free) + len(self._idle)

    def take(self, count: int) -> list[int] | None:
        """Take pages of unknown content for one user, or none at all if there are too few.

        Idle pages are forgotten if free ones do not suffice.
        """
        if count > self.available:
            return None
        return [self._take_one() for _ in range(count)]

    def share(self, key: bytes) -> int | None:
        """Use the page of this name together with whoever uses it already; None if there is none."""
        page = self._page_of.get(key)
        if page is not None:
            self._num_users[page] += 1
            self._idle.pop(page, None)
        return page

    def publish(self, page: int, key: bytes) -> None:
        """Let others share a page in use, whose content is now final; of two equal pages the first is the known one."""
        if key not in self._page_of:
            self._page_of[key] = page
            self._key_of[page] = key

    def release(self, pages: Iterable[int]) -> None:
        """Give back one user's pages, in the order of their text; those that have a name stay as idle ones."""
        # The end of a text is of use only with its beginning, so it shall be given up first.
        for page in reversed(list(pages)):
            self._num_users[page] -= 1
            if self._num_users[page] == 0:
                if page in self._key_of:
                    self._idle[page] = None
                else:
                    self._free.append(page)

    def _take_one(self) -> int:
        if self._free:
            page = self._free.pop()
        else:
            page, _ = self._idle.popitem(last=False)
            del self._page_of[self._key_of.pop(page)]
        self._num_users[page] = 1
        return page
