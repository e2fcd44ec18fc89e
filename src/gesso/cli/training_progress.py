"""How far a run is: bars on a terminal, lines elsewhere."""

import math
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from gesso.cli.output import remark
from gesso.train.events import StepDone

LINES_A_RUN = 50
"""Where there is no terminal, a line is written for each fiftieth of a run."""

_SMOOTHING = 0.9


class CheckProgress:
    """Counts the records of the check pass on a terminal.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("Checking the data: {task.completed:,.0f} documents"))
        self._bar = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "CheckProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, count: int) -> None:
        """Take the number of records that have been read."""
        self._bar.update(self._task, completed=count)


class TrainingProgress:
    """Shows each step: what is done, time left, canvas tokens a second, and loss by noise level.

    Losses are running means over about ten steps.

    Args:
        total_steps: Steps of the whole run.
        quiet: Show nothing.
    """

    def __init__(self, total_steps: int, *, quiet: bool) -> None:
        self._total_steps = total_steps
        self._quiet = quiet
        self._every = max(1, total_steps // LINES_A_RUN)
        self._means: dict[str, float] = {}
        self._console = Console(stderr=True)
        columns = (MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        is_shown = self._console.is_terminal and not quiet
        self._bar = Progress(*columns, console=self._console, disable=not is_shown)
        self._task: int | None = None
        self._is_shown = is_shown
        self._started = time.perf_counter()
        self._done_before = 0

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar as it is; may be called twice."""
        self._bar.stop()

    def show(self, event: StepDone) -> None:
        """Take a step."""
        self._remember(event)
        if self._is_shown:
            if self._task is None:
                self._task = self._bar.add_task("", total=self._total_steps, completed=event.step - 1)
            self._bar.update(self._task, completed=event.step, description=self.words)
        elif not self._quiet and (event.step % self._every == 0 or event.step == self._total_steps):
            remark(f"step {event.step} of {self._total_steps}, {self._time_left(event.step)} left, {self.words}")

    def say(self, text: str) -> None:
        """Say one line above the bar."""
        if self._is_shown:
            self._bar.console.print(text, markup=False, highlight=False)
        elif not self._quiet:
            remark(text)

    @property
    def words(self) -> str:
        """Speed and losses."""
        means = self._means
        said = {name: f"{mean:.2f}" for name, mean in means.items()}
        levels = " ".join(said.get(f"level {i}", "-") for i in range(4))
        return (
            f"{means['tokens'] / means['seconds']:,.0f} tokens/s, encode {said.get('encode', '-')}, "
            f"denoise {said.get('denoise', '-')}, from little noise to much {levels}"
        )

    def _remember(self, event: StepDone) -> None:
        if not self._means:
            self._started = time.perf_counter()
            self._done_before = event.step
        now = {
            "tokens": float(event.canvas_tokens),
            "seconds": event.seconds,
            "encode": event.encode,
            "denoise": event.denoise,
            **{f"level {i}": loss for i, loss in enumerate(event.denoise_by_level)},
        }
        for name, value in now.items():
            if math.isfinite(value):
                self._means[name] = _SMOOTHING * self._means.get(name, value) + (1 - _SMOOTHING) * value

    def _time_left(self, step: int) -> str:
        done = step - self._done_before
        seconds = (time.perf_counter() - self._started) / max(1, done) * (self._total_steps - step)
        minutes, seconds = divmod(round(seconds), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
