import asyncio
import threading
from dataclasses import dataclass

import pytest

from gesso.errors import GenerationError
from gesso.server.refusal import Refusal
from gesso.server.worker import QueueFullRefusal, Worker
from tests.server.conftest import run_async, wait_until


@dataclass(frozen=True)
class Item:
    value: object
    is_skippable: bool = False


def count(name, num, *, skippable=False):
    def start():
        for number in range(num):
            yield Item((name, number), skippable)

    return start


@pytest.fixture
def make_worker():
    made = []

    def make(**settings):
        made.append(Worker(name="test", **{"max_running": 2, "max_queued": 2, **settings}))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


def held(gate):
    """A job that waits for a gate at its first step."""

    def start():
        gate.wait(20)
        yield Item("done")

    return start


def test_jobs_that_run_together_take_turns_and_each_keeps_its_order(make_worker):
    worker, gate = make_worker(), threading.Event()

    def gated(name):
        def start():
            gate.wait(20)
            yield from count(name, 3)()

        return start

    async def read():
        ticket = worker.submit([(gated("a"), 1), (gated("b"), 1)])
        gate.set()
        return [item.value async for _, item in ticket]

    got = run_async(read())
    assert got == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_the_loop_goes_on_while_a_job_takes_long(make_worker):
    worker, gate = make_worker(), threading.Event()

    async def read():
        ticket = worker.submit([(held(gate), 1)])
        await asyncio.sleep(0.05)  # would never return if the job ran here
        gate.set()
        return [item.value async for _, item in ticket]

    assert run_async(read()) == ["done"]


def test_a_slow_reader_misses_skippable_items_and_no_others(make_worker):
    worker = make_worker()

    def start():
        yield from count("draft", 50, skippable=True)()
        yield Item("text")
        yield from count("draft", 50, skippable=True)()
        yield Item("end")

    async def read():
        ticket = worker.submit([(start, 1)])
        wait_until(lambda: worker.num_running + worker.num_waiting == 0)  # holds up the loop on purpose
        await asyncio.sleep(0)
        return [item.value async for _, item in ticket]

    assert run_async(read()) == ["text", "end"]


def test_a_cancelled_job_ends_after_its_step_and_puts_its_things_in_order(make_worker):
    worker, closed = make_worker(), []

    def endless():
        try:
            while True:
                yield None
        finally:
            closed.append(True)

    async def cancel():
        ticket = worker.submit([(endless, 1)])
        await asyncio.sleep(0.02)
        ticket.cancel()
        return [item async for item in ticket]

    assert run_async(cancel()) == []
    assert closed
    assert worker.num_running == 0


def test_a_job_that_fails_fails_alone(make_worker):
    worker = make_worker()

    def broken():
        yield Item("first")
        raise GenerationError("not a number")

    async def read():
        bad, good = worker.submit([(broken, 1)]), worker.submit([(count("good", 3), 1)])
        with pytest.raises(GenerationError, match="not a number"):
            [item async for item in bad]
        return [item.value async for _, item in good]

    assert len(run_async(read())) == 3


def test_a_full_queue_refuses_and_says_when_to_come_again(make_worker):
    worker, gate = make_worker(max_running=1, max_queued=1), threading.Event()

    async def fill():
        tickets = [worker.submit([(held(gate), 1)]), worker.submit([(held(gate), 1)])]
        with pytest.raises(QueueFullRefusal, match="1 requests may wait") as refused:
            worker.submit([(held(gate), 1)])
        gate.set()
        for ticket in tickets:
            assert [item.value async for _, item in ticket] == ["done"]
        return refused.value

    refusal = run_async(fill())
    assert refusal.status == 429
    assert 1 <= int(refusal.headers["retry-after"]) <= 60


def test_a_queue_is_also_full_of_tokens_but_what_need_not_wait_may_be_of_any_size(make_worker):
    worker, gate = make_worker(max_running=1, max_queued=9, max_queued_tokens=10), threading.Event()

    async def fill():
        first = worker.submit([(held(gate), 1_000)])
        second = worker.submit([(held(gate), 6)])
        with pytest.raises(QueueFullRefusal, match="10 tokens may wait"):
            worker.submit([(held(gate), 100)])
        gate.set()
        for ticket in (first, second):
            assert len([item async for item in ticket]) == 1

    run_async(fill())


def test_what_was_cancelled_in_the_queue_leaves_its_place(make_worker):
    worker, gate = make_worker(max_running=1, max_queued=1), threading.Event()

    async def fill():
        running, waiting = worker.submit([(held(gate), 1)]), worker.submit([(held(gate), 1)])
        waiting.cancel()
        another = worker.submit([(held(gate), 1)])
        gate.set()
        assert len([item async for item in running]) == 1
        assert len([item async for item in another]) == 1

    run_async(fill())


def test_jobs_handed_in_together_are_taken_all_or_none(make_worker):
    worker = make_worker(max_running=1, max_queued=1)

    async def submit():
        with pytest.raises(QueueFullRefusal):
            worker.submit([(count("a", 1), 1)] * 3)
        return worker.num_waiting

    assert run_async(submit()) == 0


def test_a_closed_worker_ends_its_jobs_and_refuses_others():
    worker = Worker(name="test", max_running=1, max_queued=1)

    def endless():
        while True:
            yield None

    async def close():
        ticket = worker.submit([(endless, 1)])
        await asyncio.to_thread(worker.close)
        with pytest.raises(GenerationError, match="server ended"):
            [item async for item in ticket]
        with pytest.raises(Refusal, match="shutting down"):
            worker.submit([(endless, 1)])

    run_async(close())
    assert not worker.is_alive


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_leaves_nobody_waiting():
    worker = Worker(name="test", max_running=2, max_queued=1)

    def deadly():
        yield Item("first")
        raise KeyboardInterrupt

    async def die():
        ticket, other = worker.submit([(deadly, 1)]), worker.submit([(count("other", 10**9), 1)])
        with pytest.raises(GenerationError, match="server ended"):
            [item async for item in ticket]
        with pytest.raises(GenerationError, match="server ended"):
            [item async for item in other]

    run_async(die())
    worker.close()
    assert not worker.is_alive
