"""Many texts, written side by side."""

from collections import deque
from collections.abc import Iterable, Iterator

from gesso.lm.writing import Writing


def write_together(writings: Iterable[Writing], *, ahead: int) -> Iterator[Writing]:
    """Write texts on the engine that they share.

    Args:
        writings: Taken one by one, a little ahead of what is finished, so there may be any number of them.
        ahead: Texts that are queued behind the one that is waited for; twice the engine's rows keep all of them busy.

    Yields:
        Each when it is finished, in the order that they came in.
    """
    queued: deque[Writing] = deque()
    for writing in writings:
        writing.begin()
        queued.append(writing)
        if len(queued) > ahead:
            yield _finished(queued.popleft())
    while queued:
        yield _finished(queued.popleft())


def _finished(writing: Writing) -> Writing:
    writing.finish()
    return writing
