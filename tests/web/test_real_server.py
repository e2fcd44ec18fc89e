"""The page in a real browser, with a server that writes with the bundled model."""

import subprocess

import pytest

import gesso
from tests.server.conftest import running
from tests.web.browser import BROWSER, WEB, needs_browser


@pytest.mark.slow
@needs_browser
def test_the_page_and_the_server_understand_each_other():
    with running(gesso.load()) as url:
        ran = subprocess.run(
            ["node", "real_test.mjs", url], cwd=WEB, env=BROWSER, check=False, capture_output=True, text=True
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
