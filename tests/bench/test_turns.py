import pytest

from gesso.bench.turns import in_turns
from gesso.errors import SettingError
from tests.bench.measured import measured


def test_contenders_take_turns_and_warmups_do_not_count():
    order = []

    def run(name):
        order.append(name)
        return len(order)

    events, results = measured(in_turns({"a": lambda: run("a"), "b": lambda: run("b")}, repeats=2, warmup=1))
    assert order == ["a", "b"] * 3
    assert results == {"a": [3, 5], "b": [4, 6]}
    assert [(event.done, event.total) for event in events] == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize(("repeats", "warmup"), [(0, 1), (1, -1)])
def test_nothing_to_repeat_is_refused_before_anything_runs(repeats, warmup):
    with pytest.raises(SettingError, match=f"repeats is {repeats} and warmup {warmup}"):
        next(in_turns({"a": pytest.fail}, repeats=repeats, warmup=warmup))
