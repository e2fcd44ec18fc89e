"""What a server says while it runs: one line for each request, for people or for programs. Never what was written."""

import json
import logging
import sys
import time
from io import TextIOBase

_LOGGERS = ("gesso.server", "uvicorn.error")


class TextLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        facts = getattr(record, "facts", {})
        said = " ".join(f"{name}={value}" for name, value in facts.items()) or record.getMessage()
        line = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {said}"
        return line + "\n" + self.formatException(record.exc_info) if record.exc_info else line


class JsonLines(logging.Formatter):
    """Lines for programs: a JSON object each."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        facts = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["error"] = self.formatException(record.exc_info)
        return json.dumps(facts)


def configure(log_format: str, stream: TextIOBase | None = None) -> None:
    """Send the server's log to a stream, standard error unless given, in "text" or "json" lines."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO if name == "gesso.server" else logging.WARNING)
