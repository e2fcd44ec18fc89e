"""A text that is being written."""

import time
from collections.abc import Iterator
from dataclasses import replace

from gesso.engine.engine import Engine, EventStream
from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.reference import run_request
from gesso.engine.request import Request, cut_at_stop
from gesso.lm.generation import Generation
from gesso.model.network import Network
from gesso.sampling.token_logprob import TokenLogprob
from gesso.text.chat import ChatTemplate
from gesso.text.message import Message
from gesso.text.stream import TextStream
from gesso.text.tokenizer import Tokenizer


class Writing:
    """An iterator of events, with their texts, that remembers what has been committed.

    It may be left off at any time; what was committed until then stays.

    Attributes:
        request: What is written.
        stop: Strings that end the text.
        token_ids: Tokens committed so far.
        logprobs: How probable they were, if the request asks for it.
        steps: Denoising steps of each committed canvas.
        readings: How often its drafts were read.
        seconds: Time spent writing so far.
    """

    def __init__(
        self,
        writer: Network | Engine,
        request: Request,
        tokenizer: Tokenizer,
        *,
        stop: tuple[str, ...] = (),
        template: ChatTemplate | None = None,
    ) -> None:
        """Nothing runs before the first event is asked for.

        Args:
            writer: A network, for this text alone, or an engine that others use too.
            request: What it shall write.
            tokenizer: Turns its tokens into text.
            stop: Strings that end the text and are no part of it.
            template: Reads the reply as a message; None if no conversation is answered.
        """
        self.request = request
        self.token_ids: list[int] = []
        self.logprobs: list[TokenLogprob] = []
        self.steps: list[int] = []
        self.readings: list[int] = []
        self.seconds = 0.0
        self._writer = writer
        self._source: Iterator[Event] | None = None
        self._template = template
        self.stop = stop
        self._stream = TextStream(tokenizer, stop=stop)
        self._finished: Finished | None = None

    @property
    def text(self) -> str:
        """What is committed so far; it never changes, it only grows."""
        return self._stream.text

    @property
    def message(self) -> Message | None:
        """The reply committed so far, with thought, answer and tool calls told apart; None without a conversation."""
        if self._template is None:
            return None
        message = self._template.parse_reply(self.token_ids, finished=self._finished is not None)
        return replace(message, content=self._before_stop(message.content), thought=self._before_stop(message.thought))

    @property
    def answer(self) -> str:
        """What a reader wants to see of it: the text, or in a conversation the reply without its thought."""
        message = self.message
        return self.text if message is None else message.content

    def __iter__(self) -> "Writing":
        return self

    def __next__(self) -> Event:
        started = time.perf_counter()
        try:
            return self._next()
        finally:
            self.seconds += time.perf_counter() - started

    def begin(self) -> Iterator[Event]:
        """Let an engine write it beside others before anybody asks for its events; give those, without their texts."""
        if self._source is None:
            writer, request = self._writer, self.request
            self._source = writer.submit(request) if isinstance(writer, Engine) else run_request(writer, request)
        return self._source

    def finish(self) -> Generation:
        """Run to the end and return the whole."""
        for _ in self:
            pass
        return self.result()

    def result(self) -> Generation:
        """Return the text; if the iteration was left off, what was committed before, with finish reason "length"."""
        return Generation(
            text=self.text,
            token_ids=tuple(self.token_ids),
            logprobs=tuple(self.logprobs),
            finish_reason="length" if self._finished is None else self._finished.reason,
            steps=list(self.steps),
            readings=list(self.readings),
            seed=self.request.seed,
            prompt_tokens=len(self.request.prompt_ids),
            seconds=self.seconds,
            message=self.message,
        )

    def _next(self) -> Event:
        if self._finished is not None:
            raise StopIteration
        if self._stream.stopped:  # by a stop string in the last canvas; the source would go on
            if isinstance(self._source, EventStream):
                self._source.cancel()
            return self._finish(Finished(reason="stop"))
        event = next(self.begin())
        if isinstance(event, StepDone):
            remaining = self.request.max_new_tokens - len(self.token_ids)
            visible, _ = cut_at_stop(list(event.draft), self.request.stop_ids, remaining)
            return replace(event, draft_text=self._stream.draft(visible))
        if isinstance(event, CanvasCommitted):
            text, ids = self._commit(event.token_ids)
            logprobs = event.logprobs[: len(ids)]
            self.logprobs += logprobs
            self.steps.append(event.steps)
            self.readings.append(event.readings)
            return replace(event, token_ids=ids, logprobs=logprobs, text=text)
        return self._finish(event)

    def _commit(self, token_ids: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Append tokens up to the one that completes a stop string; return their text and those that count."""
        text, count = "", 0
        # Token by token, to know which of them it was; the stream's text does not depend on the portions.
        while count < len(token_ids) and not self._stream.stopped:
            text += self._stream.commit(token_ids[count : count + 1])
            count += 1
        self.token_ids += token_ids[:count]
        return text, token_ids[:count]

    def _finish(self, event: Finished) -> Finished:
        text = self._stream.finish()  # what was held back may turn out to hold a stop string
        self._finished = Finished(reason="stop" if self._stream.stopped else event.reason, text=text)
        return self._finished

    def _before_stop(self, text: str) -> str:
        return text[: min((text.find(stop) for stop in self.stop if stop in text), default=len(text))]
