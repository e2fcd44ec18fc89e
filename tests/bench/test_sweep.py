import threading

import pytest

from gesso.bench.sweep import Level, Load, sweep
from gesso.bench.target import Reply, Target
from gesso.errors import SettingError


class Meeting:
    """Stands for a server: an answer comes when as many are asked at once as were announced."""

    def __init__(self, *sizes):
        self.bodies = []
        self._barriers = iter(threading.Barrier(size, timeout=10) for size in sizes)
        self._open = None
        self._left = 0
        self._lock = threading.Lock()

    def ask(self, body, clock):
        with self._lock:
            self.bodies.append(body)
            if self._left == 0:
                self._open = next(self._barriers)
                self._left = self._open.parties
            self._left -= 1
            barrier = self._open
        barrier.wait()
        return Reply(total_s=1.0, output_tokens=10, steps=(4, 6))


def test_each_level_has_its_number_of_requests_under_way_at_once():
    target = Meeting(1, 1, 1, 1, 1, 2, 2, 4)  # a warmup, then four requests by one, by two, by four
    load = Load(model="m", concurrency=(1, 2, 4), num_requests=4)
    levels = list(sweep(target.ask, load))
    assert [level.concurrency for level in levels] == [1, 2, 4]
    assert [len(level.replies) for level in levels] == [4, 4, 4]
    assert len(target.bodies) == 1 + 3 * 4


def test_prompts_go_round_and_seeds_count_up():
    load = Load(model="m", prompts=("a", "b"), seed=5, max_tokens=7, extra={"diffusion": {"steps": 3}})
    bodies = [load.body(number) for number in range(3)]
    assert [body["messages"][0]["content"] for body in bodies] == ["a", "b", "a"]
    assert [body["seed"] for body in bodies] == [5, 6, 7]
    assert bodies[0] | {"messages": 0, "seed": 0} == {
        "model": "m",
        "messages": 0,
        "max_tokens": 7,
        "seed": 0,
        "diffusion": {"steps": 3},
    }
    assert "seed" not in Load(model="m").body(0)


def test_figures_are_those_of_the_whole_replies():
    replies = [Reply(total_s=float(n), output_tokens=10, steps=(n,)) for n in range(1, 21)]
    level = Level(concurrency=2, seconds=5.0, replies=(*replies, Reply(total_s=99.0, error="no")))
    assert level.tokens_per_s == 40.0
    assert level.steps_per_canvas == 10.5
    assert [level.percentile("total_s", share) for share in (0.05, 0.5, 0.95, 1.0)] == [1.0, 10.0, 19.0, 20.0]
    facts = level.facts()
    assert (facts["num_requests"], facts["num_failed"], facts["requests_per_s"]) == (21, 1, 4.0)
    assert facts["each"]["total_s"] == {"p5": 1.0, "p50": 10.0, "p95": 19.0}
    assert facts["each"]["first_text_s"]["p50"] is None


def test_without_counts_there_are_no_speeds():
    level = Level(concurrency=1, seconds=1.0, replies=(Reply(total_s=1.0), Reply(total_s=1.0, output_tokens=3)))
    assert level.tokens_per_s is None
    assert level.steps_per_canvas is None
    nothing = Level(concurrency=1, seconds=1.0, replies=(Reply(total_s=1.0, error="no"),))
    assert nothing.tokens_per_s is None
    assert nothing.percentile("total_s", 0.5) is None


@pytest.mark.parametrize(
    "wrong", [{"prompts": ()}, {"concurrency": ()}, {"concurrency": (1, 0)}, {"num_requests": 0}, {"max_tokens": 0}]
)
def test_loads_that_cannot_be_are_refused(wrong):
    with pytest.raises(SettingError, match="give"):
        Load(model="m", **wrong)


def test_a_server_of_gesso_tells_all_there_is_to_measure(live, lm):
    target = Target(url=live(lm))
    drafts = {"diffusion": {"stream_drafts": True, "draft_interval": 0}}
    load = Load(model=target.models()[0], concurrency=(2,), num_requests=3, max_tokens=16, seed=1, extra=drafts)
    (level,) = sweep(target.ask, load)
    assert [reply.error for reply in level.replies] == [None] * 3
    for reply in level.replies:
        assert 0 < reply.first_draft_s <= reply.total_s
        assert len(reply.steps) == 1
    assert level.tokens_per_s > 0
