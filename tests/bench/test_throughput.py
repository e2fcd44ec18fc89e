import pytest

from gesso.bench.throughput import Traffic, measure_throughput, serve_all
from gesso.bench.workload import poisson_arrivals, story_requests, with_all_steps
from gesso.engine.engine import Engine, EngineSettings
from gesso.errors import SettingError
from tests.bench.measured import measured


class Hours:
    """A clock that a round advances by a second, and sleep by what is slept; it counts who is under way."""

    def __init__(self, engine):
        self.now = 0.0
        self.slept = []
        self.under_way = []
        self.engine, self.step = engine, engine.step
        engine.step = self.round

    def round(self):
        load = self.engine.load()
        self.under_way.append(load.running + load.waiting)
        self.now += 1.0
        return self.step()

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def requests(lm):
    return story_requests(with_all_steps(lm), 5, steps=2, max_new_tokens=20)


@pytest.fixture
def hours(lm):
    return Hours(Engine(lm.network, EngineSettings(max_rows=2)))


def serve(hours, requests, traffic):
    return serve_all(hours.engine, requests, traffic, clock=lambda: hours.now, sleep=hours.sleep)


def test_so_many_are_under_way_at_once_until_none_is_left(hours, requests):
    run = serve(hours, requests, Traffic(concurrency=2))
    assert hours.under_way[0] == max(hours.under_way) == 2
    assert not hours.slept
    assert [one.tokens for one in run.served] == [20] * 5
    assert [one.passes for one in run.served] == [6] * 5, "two canvases of two steps and a commit"
    assert run.seconds == hours.now
    assert run.tokens_per_s == 100 / hours.now


def test_who_arrives_waits_for_nobody_and_time_counts_from_the_arrival(hours, requests):
    rate = 0.1  # far apart, so each is alone
    run = serve(hours, requests, Traffic(concurrency=2, arrivals_per_s=rate, seed=3))
    assert hours.slept, "between arrivals there is nothing to do"
    arrivals = poisson_arrivals(rate, 5, seed=3)
    assert run.seconds == pytest.approx(arrivals[-1] + run.served[-1].total_s)


def test_time_in_the_queue_counts(hours, requests):
    run = serve(hours, requests, Traffic(concurrency=2, arrivals_per_s=1e6, seed=3))
    assert max(hours.under_way) == 5
    drafts = [one.first_draft_s for one in run.served]
    assert drafts[2] > drafts[0] + 1, "the third waits until one of the first two is finished"
    assert all(one.first_draft_s <= one.first_canvas_s <= one.total_s for one in run.served)


def test_a_row_for_each_traffic_over_all_its_runs(lm, requests):
    traffics = [Traffic(concurrency=1), Traffic(concurrency=4), Traffic(concurrency=4, arrivals_per_s=100.0)]
    events, rows = measured(measure_throughput(lm, requests, traffics, repeats=2, warmup=0))
    assert events[-1].done == events[-1].total == 6
    assert [row["traffic"] for row in rows] == ["1 at once", "4 at once", "100 a second"]
    for row in rows:
        assert row["tokens_per_s"].count == 2
        assert row["tokens_per_forward"] == pytest.approx(20 / 6)
        assert row["total_p50_s"] <= row["total_p90_s"]


@pytest.mark.parametrize(
    ("settings", "said"), [({"concurrency": 0}, "concurrency is 0"), ({"concurrency": 1, "arrivals_per_s": -1.0}, "-1")]
)
def test_traffic_that_cannot_be_is_refused(settings, said):
    with pytest.raises(SettingError, match=said):
        Traffic(**settings)
