"""From a writing to its readers: text as soon as it is committed, and the steps for whoever looks on."""

from collections.abc import Callable

from rich.console import Console

from gesso.cli.frame import printable
from gesso.cli.output import TextStream
from gesso.cli.watch import LineWatch, NoWatch, Pace, TerminalWatch, Watch
from gesso.engine.events import Event, StepDone
from gesso.errors import SettingError
from gesso.lm.generation import Generation
from gesso.lm.writing import Writing
from gesso.text.tokenizer import Tokenizer

_BROKEN = "\N{REPLACEMENT CHARACTER}"


def follow(
    writing: Writing, stream: TextStream | None, watch: Watch, *, record: Callable[[Event], None] | None = None
) -> bool:
    """Run a writing to its end, or until Ctrl-C, and write its text as it is committed, then a line break.

    Args:
        writing: Mutated: it is iterated.
        stream: Where the text goes; None if the watch shows it already, or it is wanted whole.
        watch: Looks on; closed in the end.
        record: Told of every event before anyone else.

    Returns:
        Whether the text is finished; False after Ctrl-C.

    Raises:
        GenerationError: The network's output is not numbers. What was committed before is written.
    """
    text = _CommittedText(writing, stream, watch)
    finished = False
    try:
        for event in writing:
            if record is not None:
                record(event)
            if isinstance(event, StepDone):
                count = len(writing.token_ids) + sum(event.accepted)
                watch.step(event, count / writing.seconds if writing.seconds else 0.0)
            else:
                text.write_new()
        finished = True
    except KeyboardInterrupt:
        pass
    finally:
        text.end(finished=finished)
    return finished


def make_watch(
    watching: bool, *, pace: float, text_stream: TextStream, tokenizer: Tokenizer, prompt: str
) -> tuple[Watch, bool]:
    """Choose how the steps are shown on standard error.

    Args:
        watching: Whether they are shown at all.
        pace: Seconds that a step takes at least.
        text_stream: Where the text goes.
        tokenizer: Spells tokens.
        prompt: Shown before the text.

    Returns:
        The watch, and whether it writes the text to `text_stream` itself.

    Raises:
        SettingError: The pace is negative.
    """
    if not 0 <= pace < float("inf"):
        raise SettingError(f"the pace is {pace:g} seconds a step; give a number from 0 up")
    if not watching:
        return NoWatch(), False
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        return LineWatch(console.file, Pace(pace)), False
    return (
        TerminalWatch(console, text_stream, tokenizer.decode, prompt=prompt, pace=Pace(pace)),
        text_stream.isatty(),
    )


def summary_line(result: Generation, *, finished: bool) -> str:
    """Say in one line what a text took and how it ended."""
    end = {"stop": "ended by itself", "length": "ended by its length"}[result.finish_reason]
    steps = ", ".join(map(str, result.steps)) or "0"
    return (
        f"{len(result.token_ids)} tokens, {steps} steps, {result.tokens_per_forward:.1f} tokens per forward, "
        f"{result.tokens_per_second:.0f} tokens/s, seed {result.seed}, {end if finished else 'stopped by Ctrl-C'}"
    )


class _CommittedText:
    """Hands on what is new of a writing's text."""

    def __init__(self, writing: Writing, stream: TextStream | None, watch: Watch) -> None:
        self._writing = writing
        self._stream = stream
        self._watch = watch
        self._written = ""

    def write_new(self) -> None:
        answer = self._writing.answer.rstrip(_BROKEN)  # the next canvas may bring the rest of a character
        if answer.startswith(self._written):  # or else what looked like an answer has turned out to be thought
            self._hand_on(answer[len(self._written) :])
            self._written = answer

    def end(self, *, finished: bool) -> None:
        answer = self._writing.answer
        is_continued = answer.startswith(self._written)
        try:
            self._hand_on(answer[len(self._written) :] if is_continued else f"\n{answer}")
        finally:
            self._watch.close()
        if (finished or answer) and not answer.endswith("\n"):
            self._write("\n")

    def _hand_on(self, text: str) -> None:
        self._watch.commit(text)
        self._write(text)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(printable(text) if self._stream.isatty() else text)
            self._stream.flush()
