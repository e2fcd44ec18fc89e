"""A terminal that shows what is written to it."""

import re
import unicodedata

from rich.cells import get_character_cell_size

_SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")
_LONGEST_SEQUENCE = 12


class Terminal:
    """Understands line breaks, wrapping, cursor up, clearing, and ignores styles; refuses everything else.

    Attributes:
        rows: The lines, those that scrolled off included, without the spaces at their ends.
        wrapped: Lines that were broken because they were too long.
    """

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.columns, self.lines = columns, lines
        self._cells: list[list[str]] = [[]]
        self._row = self._column = 0
        self._wraps = True
        self._unread = ""
        self.cursor_shown = True
        self.wrapped = 0
        self.widest = 0

    @property
    def rows(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    def write(self, text: str) -> int:
        text, self._unread = self._unread + text, ""
        position = 0
        while position < len(text):
            if match := _SEQUENCE.match(text, position):
                self._obey(*match.groups())
                position = match.end()
            elif text[position] == "\x1b" and len(text) - position < _LONGEST_SEQUENCE:
                self._unread = text[position:]  # the rest comes with the next piece
                return position
            else:
                self._put(text[position])
                position += 1
        return position

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True

    def _obey(self, private: str, argument: str, command: str) -> None:
        if private:
            assert (argument, command) in {("7", "l"), ("7", "h"), ("25", "l"), ("25", "h")}
            if argument == "7":
                self._wraps = command == "h"
            else:
                self.cursor_shown = command == "h"
        elif command == "A":
            self._row -= int(argument)
            assert self._row >= max(0, len(self._cells) - self.lines), "the cursor cannot leave the screen"
        elif command == "K":
            del self._cells[self._row][self._column :]
        elif command == "J":
            del self._cells[self._row][self._column :]
            del self._cells[self._row + 1 :]
        else:
            assert command == "m", f"unknown sequence {command}"

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._column = 0  # as terminals do for programs that do not ask for anything else
            self._row += 1
            if self._row == len(self._cells):
                self._cells.append([])
        else:
            assert unicodedata.category(character) != "Cc", f"control character {character!r}"
            width = get_character_cell_size(character)
            if self._column + width > self.columns:
                if not self._wraps:
                    return
                self.wrapped += 1
                self._put("\n")
            row = self._cells[self._row]
            row += [" "] * (self._column - len(row))
            row[self._column : self._column + width] = [character, *[""] * (width - 1)]
            self._column += width
            self.widest = max(self.widest, self._column)
