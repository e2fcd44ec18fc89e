"""The page in a real browser: typed into, watched, scrubbed, edited, raced, stopped, reloaded."""

import json
import subprocess

import pytest

from gesso.cli.trace import replay_page
from tests.web.browser import BROWSER, WEB, needs_browser

HARM = "</script><script>window.harm = 1</script><img src=x onerror='window.harm = 1'>"


@pytest.mark.slow
@needs_browser
def test_every_law_of_the_page_holds_in_a_browser(tmp_path):
    trace = json.loads((WEB / "example.json").read_text(encoding="utf-8"))
    trace["request"]["messages"][0]["content"] = HARM
    trace["steps"][0]["text"][3] = HARM
    replay = tmp_path / "replay.html"
    replay.write_text(replay_page(trace), encoding="utf-8")
    ran = subprocess.run(
        ["node", "browser_test.mjs", str(replay)], cwd=WEB, env=BROWSER, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
