"""The conversation of `gesso chat`: its history, its settings and its commands."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gesso.cli.follow import follow, make_watch, summary_line
from gesso.cli.output import open_output, remark
from gesso.errors import GenerationError, GessoError, InputError, OutputError, SettingError
from gesso.lm.language_model import LanguageModel
from gesso.text.message import Message

HELP = """\
/help          these lines
/reset         forget the conversation
/set           all settings
/set NAME X    a setting of every answer, such as temperature 0.7; without X the model's own
/steps N       at most N denoising steps a canvas; without N the model's own number
/seed S        the seed of every answer; without S each draws its own
/save FILE     write the conversation as JSON into a new file
/quit          leave, as does Ctrl-D
A line that ends with a backslash goes on in the next. A turn that shall begin with / needs a space before it."""


SETTINGS: dict[str, type] = {
    "max_new_tokens": int,
    "steps": int,
    "seed": int,
    "temperature": float,
    "t_max": float,
    "t_min": float,
    "entropy_bound": float,
    "reach": int,
    "confidence": float,
    "stability": int,
    "sampler": str,
    "patience": int,
}
"""What can be set of an answer, and its type; `LanguageModel.start` tells what each means."""

_OWN = "the model's own"


class Session:
    """A conversation with a model.

    Attributes:
        history: The turns so far.
        settings: Keywords of `LanguageModel.start` for every answer.
    """

    def __init__(
        self,
        lm: LanguageModel,
        *,
        system: str | None = None,
        thinking: bool = False,
        settings: dict[str, Any] | None = None,
        watching: bool = False,
        pace: float = 0.0,
        quiet: bool = False,
        interactive: bool = False,
    ) -> None:
        """Begin a conversation.

        Args:
            lm: Who answers.
            system: Message that stands before all others.
            thinking: Let the model think first.
            settings: As in the attributes.
            watching: Show the canvas coming into focus.
            pace: Seconds that a step takes at least then.
            quiet: Say nothing but answers and errors.
            interactive: A person is there: errors are said and the conversation goes on.

        Raises:
            InputError: A setting is out of its range.
        """
        self._lm = lm
        self._opening = [] if system is None else [Message("system", system)]
        self._thinking = thinking
        self._watching, self._pace = watching, pace
        self._quiet = quiet
        self._interactive = interactive
        self.settings = dict(settings or {})
        self._check(self.settings)
        self.history = list(self._opening)
        self._commands: dict[str, Callable[[str], None]] = {
            "/help": self._help,
            "/reset": self._reset,
            "/set": self._set,
            "/steps": self._set_steps,
            "/seed": self._set_seed,
            "/save": self._save,
        }

    def greet(self) -> None:
        """Say who is there."""
        if self._interactive and not self._quiet:
            remark(f"model {self._lm.name}; /help tells the commands, Ctrl-D leaves")

    def take(self, turn: str) -> bool:
        """Answer a turn, or obey it if it is a command.

        Returns:
            Whether the conversation goes on.

        Raises:
            GessoError: Nobody is there to be told, or the network's output is not numbers.
        """
        name, _, argument = turn.partition(" ")
        if name == "/quit":
            return False
        try:
            if not name.startswith("/"):
                self._answer(turn)
            elif name in self._commands:
                self._commands[name](argument.strip())
            else:
                raise InputError(f"there is no command {name}; /help tells them all")
        except GenerationError:
            raise
        except GessoError as error:
            if not self._interactive:
                raise
            remark(str(error))
        return True

    def _answer(self, text: str) -> None:
        said = [*self.history, Message("user", text)]
        writing = self._lm.start(said, thinking=self._thinking, **self.settings)
        with open_output(None) as stream:
            watch, shows_text = make_watch(
                self._watching, pace=self._pace, text_stream=stream, tokenizer=self._lm.tokenizer, prompt=""
            )
            finished = follow(writing, None if shows_text else stream, watch)
        if not finished and not self._interactive:
            raise KeyboardInterrupt
        result = writing.result()
        if result.message is not None and result.message.content:
            self.history = [*said, replace(result.message, thought="")]
        elif self._interactive:
            remark("there is no answer, so the turn is forgotten; ask in another way, or with another /seed")
        if self._interactive and not self._quiet:
            remark(summary_line(result, finished=finished))

    def _help(self, _: str) -> None:
        print(HELP, file=sys.stderr)

    def _reset(self, _: str) -> None:
        self.history = list(self._opening)
        self._tell("the conversation is forgotten")

    def _set(self, argument: str) -> None:
        word, _, given = argument.partition(" ")
        if not word:
            for name in SETTINGS:
                value = self.settings.get(name)
                print(f"{name:<15}{_OWN if value is None else value}", file=sys.stderr)
            return
        name = word.replace("-", "_")
        if name not in SETTINGS:
            raise InputError(f"there is no setting {word}; there are {', '.join(SETTINGS)}")
        value = self._change(name, f"/set {word}", given.strip())
        self._tell(f"{name} is {_OWN if value is None else value}")

    def _set_steps(self, argument: str) -> None:
        steps = self._change("steps", "/steps", argument)
        self._tell(f"steps are {_OWN}" if steps is None else f"at most {steps} steps a canvas")

    def _set_seed(self, argument: str) -> None:
        seed = self._change("seed", "/seed", argument)
        self._tell("every answer draws its own seed" if seed is None else f"every answer has the seed {seed}")

    def _save(self, argument: str) -> None:
        if not argument:
            raise InputError("/save needs the name of a file; give one")
        path = Path(argument).expanduser()
        if path.exists():
            raise OutputError(f"{path} exists already; choose another name")
        with open_output(path) as file:
            turns = [{"role": message.role, "content": message.content} for message in self.history]
            json.dump(turns, file, ensure_ascii=False, indent=2)
            file.write("\n")
        self._tell(f"saved {len(turns)} messages in {path}")

    def _change(self, name: str, command: str, argument: str) -> int | float | str | None:
        """Change a setting, if answers can have it; nothing stands for the model's own."""
        value = _value(SETTINGS[name], command, argument) if argument else None
        changed = self.settings | {name: value}
        self._check(changed)
        self.settings = changed
        return value

    def _check(self, settings: dict[str, Any]) -> None:
        """Refuse settings that cannot be."""
        self._lm.start([*self._opening, Message("user", "?")], **settings)

    def _tell(self, text: str) -> None:
        if not self._quiet:
            remark(text)


def _value(kind: type, command: str, argument: str) -> int | float | str:
    try:
        return kind(argument)
    except ValueError as error:
        number = "a whole number" if kind is int else "a number"
        raise SettingError(f"{command} is followed by {argument!r}; give {number} or nothing") from error
