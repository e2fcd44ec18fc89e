r"""Regular expressions as people write them, in the part that Python and ECMAScript have in common.

Known: literals, `.`, classes, \d \w \s and their capitals, groups, `|`, all greedy and lazy quantifiers, the escapes
\n \t \r \f \v \0 \xHH \uHHHH, and the anchors ^ and $ at the ends of the expression or of an alternative of it.
Unknown, and refused: lookaround, backreferences, word boundaries, flags, Unicode properties, possessive quantifiers.

Where the two languages differ, the narrower meaning holds, so that what is written matches in both: \d, \w and \s are
ASCII, \D, \W and \S leave out everything that either calls a digit, letter or space, and `.` matches no line end.
"""

from collections.abc import Callable
from typing import NoReturn

from gesso.constrain import characters as sets
from gesso.constrain.characters import Ranges
from gesso.constrain.expression import Expression, Expressions
from gesso.errors import SettingError

MAX_REPEAT = 10_000
"""The largest count that a quantifier may have."""

MAX_PATTERN = 100_000
"""Characters that a regular expression may have."""

_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_GROUP_WORDS = {"?=": "a lookahead", "?!": "a lookahead", "?<=": "a lookbehind", "?<!": "a lookbehind"}


def parse_regex(
    pattern: str,
    pool: Expressions,
    *,
    character: Callable[[Ranges], Expression] | None = None,
    search: bool = False,
) -> Expression:
    """Read a regular expression.

    Args:
        pattern: the expression.
        pool: where the result is stored.
        character: how one character of a set is written. None: as itself, in UTF-8.
        search: whether a match anywhere in the text is enough, as in JSON Schema. Otherwise the whole text must match.

    Raises:
        SettingError: the pattern is malformed or uses what is not known; names the place.
    """
    if len(pattern) > MAX_PATTERN:
        raise SettingError(
            f"the regular expression {shown(pattern)} has {len(pattern)} characters; at most {MAX_PATTERN} are possible"
        )
    parser = _Parser(pattern, pool, pool.characters if character is None else character)
    return parser.parse(search)


def shown(pattern: str) -> str:
    """A pattern as errors quote it: a long one by its beginning."""
    return repr(pattern) if len(pattern) <= 80 else f"{pattern[:80]!r}..."


class _Parser:
    """Recursive descent. `at` is the place of the next unread character."""

    def __init__(self, pattern: str, pool: Expressions, character: Callable[[Ranges], Expression]) -> None:
        self.pattern, self.pool, self.character = pattern, pool, character
        self.at = 0

    def parse(self, search: bool) -> Expression:
        around = self.pool.repeat(self.character(sets.ANY)) if search else self.pool.empty
        alternatives = []
        while True:
            before = self.pool.empty if self.take("^") else around
            body = self.sequence()
            after = self.pool.empty if self.take("$") else around
            alternatives.append(self.pool.sequence(before, body, after))
            if not self.take("|"):
                break
        if self.at < len(self.pattern):
            self.fail(f"{self.pattern[self.at]!r} is out of place")
        return self.pool.choice(*alternatives)

    def alternatives(self) -> Expression:
        parts = [self.sequence()]
        while self.take("|"):
            parts.append(self.sequence())
        return self.pool.choice(*parts)

    def sequence(self) -> Expression:
        parts = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)$":
            parts.append(self.quantified())
        return self.pool.sequence(*parts)

    def quantified(self) -> Expression:
        part = self.atom()
        start = self.at
        least, most = self.quantifier()
        if self.at == start:
            return part
        if self.take("+"):
            self.fail("a possessive quantifier is not supported; write it without the second '+'")
        self.take("?")  # a lazy quantifier allows the same texts
        if self.peek() in ("*", "+", "?") or self.counts() is not None:
            self.fail("a quantifier follows a quantifier; put the first one in a group")
        return self.pool.repeat(part, least, most)

    def quantifier(self) -> tuple[int, int | None]:
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(sign):
                return counts
        counts = self.counts()
        if counts is None:
            return 1, 1
        self.at = self.pattern.index("}", self.at) + 1
        least, most = counts
        if most is not None and most < least:
            self.fail(f"the quantifier {{{least},{most}}} ends before it begins; swap the numbers")
        if max(least, most or 0) > MAX_REPEAT:
            self.fail(f"the quantifier counts to {max(least, most or 0)}; at most {MAX_REPEAT} are possible")
        return least, most

    def counts(self) -> tuple[int, int | None] | None:
        """The numbers of a {m}, {m,} or {m,n} that comes next; None where the brace is only a character."""
        if self.peek() != "{" or "}" not in self.pattern[self.at :]:
            return None
        low, comma, high = self.pattern[self.at + 1 : self.pattern.index("}", self.at)].partition(",")
        if comma and not low and high.isdigit():
            self.fail(f"engines disagree on {{,{high}}}; write {{0,{high}}}")
        if not (low.isascii() and low.isdigit()) or (high and not (high.isascii() and high.isdigit())):
            return None
        return int(low), int(high) if high else None if comma else int(low)

    def atom(self) -> Expression:
        sign = self.next()
        if sign == "(":
            return self.group()
        if sign == "[":
            return self.character(self.bracket())
        if sign == ".":
            return self.character(sets.complement(sets.LINE_END))
        if sign == "\\":
            return self.character(self.escape(wide=False))
        if sign in "*+?":
            self.fail(f"nothing stands before {sign!r} to repeat; write \\{sign} for the character")
        if sign == "^":
            self.fail("'^' is supported only where the expression or an alternative of it begins")
        return self.character(sets.single(sign))

    def group(self) -> Expression:
        start = self.at - 1
        for words, name in _GROUP_WORDS.items():
            if self.pattern.startswith(words, self.at):
                self.fail(f"{name} is not supported; say what the text is, not what is around it")
        if self.take("?") and not self.take(":"):
            self.take("P")
            end = self.pattern.find(">", self.at)
            if not (self.take("<") and self.pattern[self.at : end].isidentifier()):
                self.fail("this kind of group is not supported; use (...) or (?:...)")
            self.at = end + 1
        body = self.alternatives()
        if self.peek() == "$":
            self.fail("'$' is supported only where the expression or an alternative of it ends")
        if not self.take(")"):
            self.at = start
            self.fail("'(' is never closed; write ')' or \\(")
        return body

    def bracket(self) -> Ranges:
        start = self.at - 1
        negated = self.take("^")
        parts: list[Ranges] = []
        while self.peek() != "]":
            if self.at >= len(self.pattern):
                self.at = start
                self.fail("'[' is never closed; write ']' or \\[")
            low = self.member(negated)
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.next()
                high = self.member(negated)
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
                    self.fail("a range of a class needs a single character at both ends; write \\- for the sign")
                if high[0][0] < low[0][0]:
                    self.fail("a range of a class ends before it begins; swap its ends")
                low = ((low[0][0], high[0][0]),)
            parts.append(low)
        if not parts:
            self.fail("a class is empty; write \\] for the character")
        self.next()
        inside = sets.merged(*parts)
        return sets.complement(inside) if negated else inside

    def member(self, negated: bool) -> Ranges:
        sign = self.next()
        if sign != "\\":
            return sets.single(sign)
        return sets.single("\b") if self.take("b") else self.escape(wide=negated)

    def escape(self, *, wide: bool) -> Ranges:
        sign = self.next()
        if sign in "dwsDWS":
            return sets.shorthand(sign, wide=wide)
        if sign in _CONTROL and not (sign == "0" and self.peek().isdigit()):
            return sets.single(_CONTROL[sign])
        if sign in "xu":
            size = 2 if sign == "x" else 4
            digits = self.pattern[self.at : self.at + size]
            if len(digits) < size or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
                self.fail(f"\\{sign} needs {size} hexadecimal digits")
            self.at += size
            return sets.merged(((int(digits, 16), int(digits, 16)),))
        if sign.isalnum():
            self.fail(f"\\{sign} is not supported; leave it out or spell the characters out")
        return sets.single(sign)

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def next(self) -> str:
        if self.at >= len(self.pattern):
            self.fail("it ends too early")
        self.at += 1
        return self.pattern[self.at - 1]

    def take(self, sign: str) -> bool:
        if self.peek() != sign:
            return False
        self.at += 1
        return True

    def fail(self, reason: str) -> NoReturn:
        raise SettingError(f"the regular expression {shown(self.pattern)}, at character {self.at}: {reason}")
