"""The page in a real browser: typed into, watched, scrubbed, edited, stopped, reloaded."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gesso.cli.trace import replay_page

WEB = Path(__file__).resolve().parents[2] / "web"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
HARM = "</script><script>window.harm = 1</script><img src=x onerror='window.harm = 1'>"


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("node") is None or CHROMIUM is None or not (WEB / "node_modules" / "playwright-core").is_dir(),
    reason="needs node, `npm ci` in web/, and chromium (or its path in CHROMIUM)",
)
def test_every_law_of_the_page_holds_in_a_browser(tmp_path):
    trace = json.loads((WEB / "example.json").read_text(encoding="utf-8"))
    trace["request"]["messages"][0]["content"] = HARM
    trace["steps"][0]["text"][3] = HARM
    replay = tmp_path / "replay.html"
    replay.write_text(replay_page(trace), encoding="utf-8")
    ran = subprocess.run(
        ["node", "browser_test.mjs", str(replay)],
        cwd=WEB,
        env={**os.environ, "CHROMIUM": str(CHROMIUM)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
