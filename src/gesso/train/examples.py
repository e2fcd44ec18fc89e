"""Token ids of one document, laid out as a context and the canvases that follow it.

    context            canvas 0                 canvas 1
    [bos ... prompt]   [C tokens of response]   [rest of response, eos, eos, eos]

The last canvas is filled up with the end-of-sequence token, which is supervised and attended like any other: a model
that has said all it wants to say must know how to fill the rest of a canvas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gesso.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A context and the canvases after it.

    Attributes:
        context: Clean token ids before the first canvas; at least one, the beginning of the sequence.
        canvases: Clean token ids of each canvas, all of the same length.
    """

    context: tuple[int, ...]
    canvases: tuple[tuple[int, ...], ...]


def lay_out(
    context: Sequence[int], response: Sequence[int], *, canvas_length: int, eos_id: int, max_canvases: int
) -> Example:
    """Cut a response into canvases and fill the last one with `eos_id`.

    The response itself ends with its own stop tokens; whether that is end of turn or end of sequence is the caller's
    choice. At least one `eos_id` follows a response that ends before its last canvas does.

    Args:
        context: What comes before the first canvas.
        response: What the canvases hold.
        canvas_length: C.
        eos_id: Fills the last canvas.
        max_canvases: A longer response is cut after this many canvases, at a canvas border.

    Raises:
        DataError: The context is empty, or there is no response.
    """
    if not context:
        raise DataError("the context is empty; begin it with the bos token")
    if not response:
        raise DataError("the response is empty; there is nothing to learn from it")
    kept = list(response[: max_canvases * canvas_length])
    kept += [eos_id] * (-len(kept) % canvas_length)
    canvases = tuple(tuple(kept[i : i + canvas_length]) for i in range(0, len(kept), canvas_length))
    return Example(context=tuple(context), canvases=canvases)
