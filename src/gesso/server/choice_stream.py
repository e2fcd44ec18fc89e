"""A stream of OpenAI's chunks: pieces of one or several texts, each of which is one choice."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol, runtime_checkable

from fastapi import Request

from gesso.server import sse
from gesso.server.answer import Envelope, note, usage
from gesso.server.parameters import SeveralChoices
from gesso.server.progress import Ended, Frame, Grown, Progress
from gesso.server.refusal import as_refusal
from gesso.server.reply_stream import ReplyPiece
from gesso.server.worker import Ticket

Choice = dict[str, Any]
"""One text's part of a chunk."""


@runtime_checkable
class ChoiceWriter(Protocol):
    """How an endpoint writes choices."""

    def opening(self, index: int) -> Sequence[Choice]:
        """What comes before a text."""
        ...

    def pieces(self, index: int, piece: ReplyPiece) -> Sequence[Choice]:
        """What a text has grown by."""
        ...

    def empty(self, index: int, ended: Ended | None = None) -> Choice:
        """No text, with the reason to finish if it ended."""
        ...


async def stream(
    envelope: Envelope, body: SeveralChoices, writer: ChoiceWriter, ticket: Ticket[Progress], request: Request
) -> AsyncGenerator[bytes, None]:
    """Tell texts as they grow: openings, pieces and frames, for each one reason to finish, and the end mark.

    Args:
        envelope: What all chunks repeat.
        body: Tells how many texts a prompt has, and whether the usage is wanted.
        writer: Writes the choices.
        ticket: The texts.
        request: Whoever asked.
    """
    no_usage = {"usage": None} if body.includes_usage else {}

    def chunk(choice: Choice, **extra: Any) -> bytes:
        return sse.event(envelope.wrap(choices=[choice], **no_usage, **extra))

    for index in range(ticket.num_jobs):
        for choice in writer.opening(index):
            yield chunk(choice)
    frames: dict[int, Frame] = {}
    ended: dict[int, Ended] = {}
    try:
        async for index, item in envelope.service.follow(ticket):
            frame = item if isinstance(item, Frame) else item.frame if isinstance(item, Grown) else None
            if frame is not None:
                yield chunk(writer.empty(index), diffusion=frame.facts(frames.get(index)))
                frames[index] = frame
            if isinstance(item, Grown | Ended):
                for choice in writer.pieces(index, item.piece):
                    yield chunk(choice)
            if isinstance(item, Ended):
                ended[index] = item
                yield chunk(writer.empty(index, item))
    except Exception as error:
        yield sse.event(as_refusal(error).body(request.url.path))
        return
    texts = [ended[index] for index in sorted(ended)]
    note(request, [item.result for item in texts], num=body.n)
    if body.includes_usage:
        yield sse.event(envelope.wrap(choices=[], usage=usage(envelope.service.lm, texts, num=body.n)))
    yield sse.DONE
