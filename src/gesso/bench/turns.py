"""Contenders measured in turns: a machine whose speed drifts is then as quick or as slow for all."""

from collections.abc import Callable, Generator, Mapping
from typing import TypeVar

from gesso.errors import SettingError
from gesso.evals.measure import ItemsDone

Result = TypeVar("Result")

Measurement = Generator[ItemsDone, None, Result]
"""Tells how far it is, and returns what was found."""


def in_turns(
    runs: Mapping[str, Callable[[], Result]], *, repeats: int, warmup: int = 1
) -> Measurement[dict[str, list[Result]]]:
    """Run each once, then each again, and so on.

    Args:
        runs: What is run, by name.
        repeats: Runs of each that count.
        warmup: Runs of each before, which do not.

    Yields:
        How many runs are done, after each of them.

    Returns:
        What the runs that count gave, by name, in their order.

    Raises:
        SettingError: There is nothing to repeat. Raised when the first is asked for.
    """
    if repeats < 1 or warmup < 0:
        raise SettingError(f"repeats is {repeats} and warmup {warmup}; give 1 or more, and 0 or more")
    results: dict[str, list[Result]] = {name: [] for name in runs}
    total = (repeats + warmup) * len(runs)
    for turn in range(repeats + warmup):
        for number, (name, run) in enumerate(runs.items(), start=1):
            result = run()
            if turn >= warmup:
                results[name].append(result)
            yield ItemsDone(done=turn * len(runs) + number, total=total)
    return results
