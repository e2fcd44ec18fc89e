"""The colors of marks."""

from rich.console import COLOR_SYSTEMS, Console
from rich.style import Style

from gesso.cli.frame import Mark, Span

_STYLES = {
    Mark.NOISE: Style.parse("bright_black"),
    Mark.DRAFT: Style.parse("yellow"),
    Mark.ACCEPTED: Style.parse("green"),
    Mark.COMMITTED: Style.null(),
    Mark.PROMPT: Style.parse("dim"),
    Mark.LABEL: Style.parse("dim italic"),
}
_UNSURE_DRAFT, _UNSURE_ABOVE_NATS = Style.parse("dark_orange3"), 0.5


class Painter:
    """Styles spans for one terminal, or leaves them plain where there is no color (NO_COLOR, TERM=dumb, a file).

    Attributes:
        has_color: Whether marks can be told apart by style.
    """

    def __init__(self, console: Console) -> None:
        self._system = None if console.no_color else COLOR_SYSTEMS.get(console.color_system or "")
        self.has_color = self._system is not None

    def paint(self, span: Span) -> str:
        """Put a span's style around its text."""
        is_unsure = span.mark is Mark.DRAFT and span.entropy_nats > _UNSURE_ABOVE_NATS
        style = _UNSURE_DRAFT if is_unsure else _STYLES[span.mark]
        return style.render(span.text, color_system=self._system)
