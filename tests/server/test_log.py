import io
import json
import logging

import pytest

from gesso.server import log


@pytest.fixture(autouse=True)
def _restore():
    yield
    for name in ("gesso.server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


def test_lines_for_programs_are_json_objects():
    stream = io.StringIO()
    log.configure("json", stream)
    logging.getLogger("gesso.server.access").info("request", extra={"facts": {"status": 200}})
    facts = json.loads(stream.getvalue())
    assert (facts["event"], facts["level"], facts["status"]) == ("request", "info", 200)


def test_lines_for_people_are_short():
    stream = io.StringIO()
    log.configure("text", stream)
    logging.getLogger("gesso.server.access").info("request", extra={"facts": {"status": 200, "path": "/"}})
    logging.getLogger("uvicorn.error").info("too much detail")
    logging.getLogger("gesso.server").warning("look out")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("status=200 path=/")
    assert second.endswith("look out")


def test_an_error_is_told_with_its_traceback_and_once():
    for kind in ("text", "json"):
        stream = io.StringIO()
        log.configure("text", io.StringIO())
        log.configure(kind, stream)
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("gesso.server").exception("failed")
        assert stream.getvalue().count("ValueError: broken") == 1
