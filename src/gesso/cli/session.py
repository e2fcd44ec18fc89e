"""The conversation of `gesso chat`: its history, its settings and its commands."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gesso.cli.chat_settings import HISTORY, OWN, SETTINGS
from gesso.cli.follow import follow, make_watch, summary_line
from gesso.cli.output import open_output, remark
from gesso.errors import GenerationError, GessoError, InputError, OutputError
from gesso.lm.language_model import LanguageModel
from gesso.lm.writing import Writing
from gesso.text.message import Message

HELP = """\
/help          these lines
/reset         forget the conversation
/history X     on: answers know what was said before; off: each question by itself; without X which holds
/set           all settings
/set NAME X    a setting of every answer, such as temperature 0.7; without X the model's own, or none
/steps N       at most N denoising steps a canvas; without N the model's own number
/seed S        the seed of every answer; without S each draws its own
/save FILE     write the conversation as JSON into a new file
/quit          leave, as does Ctrl-D
A line that ends with a backslash goes on in the next. A turn that shall begin with / needs a space before it."""


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
        history: bool | None = None,
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
            history: An answer knows what was said before; None as the model is used to.
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
        self._remembers = not lm.about.single_turn if history is None else history
        self._watching, self._pace = watching, pace
        self._quiet = quiet
        self._interactive = interactive
        self.settings = dict(settings or {})
        self._check(self.settings)
        self.history = list(self._opening)
        self._commands: dict[str, Callable[[str], None]] = {
            "/help": self._help,
            "/reset": self._reset,
            "/history": self._set_history,
            "/set": self._set,
            "/steps": self._set_steps,
            "/seed": self._set_seed,
            "/save": self._save,
        }

    def greet(self) -> None:
        """Say who is there, what it can do, and how to begin."""
        if not self._interactive or self._quiet:
            return
        about = self._lm.about
        does = f" {about.description}" if about.description else ""
        remark(f"model {self._lm.name}{does}; /help tells the commands, Ctrl-D leaves")
        if not self._remembers:
            remark("each question is answered by itself; /history on lets it know what was said before")
        if about.examples:
            remark(f"try: {about.examples[0]}")

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
        writing = self._start(said if self._remembers else [*self._opening, said[-1]], self.settings)
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

    def _set_history(self, argument: str) -> None:
        if argument:
            self._remembers = HISTORY.value("/history", argument)
        self._tell("answers know what was said before" if self._remembers else "each question is answered by itself")

    def _set(self, argument: str) -> None:
        word, _, given = argument.partition(" ")
        if not word:
            for name, setting in SETTINGS.items():
                print(f"{name:<20}{setting.shown(self.settings.get(name))}", file=sys.stderr)
            return
        name = word.replace("-", "_")
        if name not in SETTINGS:
            raise InputError(f"there is no setting {word}; there are {', '.join(SETTINGS)}")
        value = self._change(name, f"/set {word}", given.strip())
        self._tell(f"{name} is {SETTINGS[name].shown(value)}")

    def _set_steps(self, argument: str) -> None:
        steps = self._change("steps", "/steps", argument)
        self._tell(f"steps are {OWN}" if steps is None else f"at most {steps} steps a canvas")

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

    def _change(self, name: str, command: str, argument: str) -> Any:
        """Change a setting, if answers can have it; nothing stands for the model's own, or for none."""
        value = SETTINGS[name].value(command, argument) if argument else None
        changed = self.settings | {name: value}
        self._check(changed)
        self.settings = changed
        return value

    def _check(self, settings: dict[str, Any]) -> None:
        """Refuse settings that cannot be."""
        self._start([*self._opening, Message("user", "?")], settings)

    def _start(self, said: list[Message], settings: dict[str, Any]) -> Writing:
        return self._lm.start(said, **{name: value for name, value in settings.items() if value is not None})

    def _tell(self, text: str) -> None:
        if not self._quiet:
            remark(text)
