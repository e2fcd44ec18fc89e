"""Answers in JSON."""

import json
from typing import Any

from starlette.responses import JSONResponse


class AsciiJSONResponse(JSONResponse):
    """JSON in ASCII: what JSON can hold and UTF-8 cannot, half a surrogate pair, passes as it came."""

    def render(self, content: Any) -> bytes:
        """Write the content."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
