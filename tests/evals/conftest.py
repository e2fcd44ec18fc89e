from tests.lm.conftest import folder, lm  # noqa: F401, fixtures of the room below
