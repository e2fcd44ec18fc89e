"""A measurement run to its end."""

from collections.abc import Generator
from typing import Any


def measured(measurement: Generator) -> tuple[list[Any], Any]:
    """What it told on its way, and what it returned."""
    events = []
    while True:
        try:
            events.append(next(measurement))
        except StopIteration as end:
            return events, end.value
