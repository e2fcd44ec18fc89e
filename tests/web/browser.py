"""What tests that drive a browser need."""

import os
import shutil
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
BROWSER = {**os.environ, "CHROMIUM": str(CHROMIUM)}
"""The environment of a script that drives it."""

needs_browser = pytest.mark.skipif(
    shutil.which("node") is None or CHROMIUM is None or not (WEB / "node_modules" / "playwright-core").is_dir(),
    reason="needs node, `npm ci` in web/, and chromium (or its path in CHROMIUM)",
)
