"""The same requests at one concurrency after another: how a server fares the more people come at once."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gesso.bench.summary import nearest_rank
from gesso.bench.target import Clock, Reply
from gesso.errors import SettingError

Ask = Callable[[Mapping[str, Any], Clock], Reply]
"""Sends a request of this body, and looks at this clock: `Target.ask`."""

PROMPTS = (
    "Write a story about a lost toy.",
    "Write a story about a fox who wants to see the moon.",
    "Write a story about two friends who build a boat.",
    "Write a story about a child who is afraid of the dark.",
    "Write a story about a kite that flies away.",
    "Write a story about a dog who finds a key.",
    "Write a story about a rainy day at the sea.",
    "Write a story about a bird who learns to share.",
)
"""Asked one after another, and again from the beginning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What a server is asked.

    Attributes:
        model: Name of the model.
        prompts: What users say.
        concurrency: How many requests are under way at once, level by level.
        num_requests: Requests of each level.
        num_warmup: Requests before the first level, which do not count.
        max_tokens: Most tokens of an answer.
        seed: Of the first request of each level, and counted up from there; None sends none.
        extra: Other fields of each request, such as `diffusion`.
    """

    model: str
    prompts: tuple[str, ...] = PROMPTS
    concurrency: tuple[int, ...] = (1, 2, 4, 8)
    num_requests: int = 16
    num_warmup: int = 1
    max_tokens: int = 256
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.prompts:
            raise SettingError("there are no prompts; give at least one")
        if not self.concurrency or min(self.concurrency) < 1:
            raise SettingError(f"concurrency is {list(self.concurrency)}; give numbers from 1 up")
        for name, least in (("num_requests", 1), ("num_warmup", 0), ("max_tokens", 1)):
            if getattr(self, name) < least:
                raise SettingError(f"{name} is {getattr(self, name)}; give {least} or more")

    def body(self, number: int) -> dict[str, Any]:
        """The body of a level's request of this number, from 0."""
        prompt = self.prompts[number % len(self.prompts)]
        seed = {} if self.seed is None else {"seed": self.seed + number}
        messages = [{"role": "user", "content": prompt}]
        return {"model": self.model, "messages": messages, "max_tokens": self.max_tokens, **seed, **self.extra}


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """How a server fared with so many requests at once.

    Attributes:
        concurrency: How many.
        seconds: From the first request to the end of the last answer.
        replies: What each came to, in the order of the requests.
    """

    concurrency: int
    seconds: float
    replies: tuple[Reply, ...]

    @property
    def answered(self) -> list[Reply]:
        """Replies that are whole."""
        return [reply for reply in self.replies if reply.error is None]

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens of all whole answers by the seconds of the level; None if the server does not count them."""
        tokens = [reply.output_tokens for reply in self.answered]
        return None if None in tokens or not tokens else sum(count or 0 for count in tokens) / self.seconds

    @property
    def steps_per_canvas(self) -> float | None:
        """Mean denoising steps; None if the server does not tell them."""
        steps = [step for reply in self.answered for step in reply.steps or ()]
        return sum(steps) / len(steps) if steps else None

    def percentile(self, name: str, share: float) -> float | None:
        """The least value of an attribute of the whole replies that a share of them do not exceed (nearest rank).

        None if no reply has the attribute.
        """
        values = [value for reply in self.answered if (value := getattr(reply, name)) is not None]
        return nearest_rank(values, share) if values else None

    def facts(self) -> dict[str, Any]:
        """All of it in JSON's terms."""
        spread = {
            name: {f"p{round(share * 100)}": self.percentile(name, share) for share in (0.05, 0.5, 0.95)}
            for name in ("first_draft_s", "first_text_s", "total_s", "tokens_per_s")
        }
        return {
            "concurrency": self.concurrency,
            "seconds": self.seconds,
            "num_requests": len(self.replies),
            "num_failed": len(self.replies) - len(self.answered),
            "requests_per_s": len(self.answered) / self.seconds,
            "tokens_per_s": self.tokens_per_s,
            "steps_per_canvas": self.steps_per_canvas,
            "each": spread,
            "replies": [asdict(reply) for reply in self.replies],
        }


def sweep(ask: Ask, load: Load, *, clock: Clock = time.perf_counter) -> Iterator[Level]:
    """Put a load on a server.

    Args:
        ask: Sends one request; called from several threads.
        load: What is sent.
        clock: Gives seconds.

    Yields:
        Each level as it ends.
    """
    for number in range(load.num_warmup):
        ask(load.body(number), clock)
    for concurrency in load.concurrency:
        yield _level(ask, [load.body(number) for number in range(load.num_requests)], concurrency, clock)


def _level(ask: Ask, bodies: Sequence[dict[str, Any]], concurrency: int, clock: Clock) -> Level:
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(bodies)):
        waiting.put(number)
    replies: dict[int, Reply] = {}

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            replies[number] = ask(bodies[number], clock)

    # Daemons, so that Ctrl-C need not wait for answers that nobody wants any more.
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(concurrency, len(bodies)))]
    began_at = clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = clock() - began_at
    return Level(
        concurrency=concurrency, seconds=seconds, replies=tuple(replies[number] for number in range(len(bodies)))
    )
