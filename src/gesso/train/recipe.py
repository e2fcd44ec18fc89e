"""A recipe: a Python file with a function `run` that returns a `Run`."""

import runpy
from pathlib import Path

from gesso.errors import GessoError, SettingError
from gesso.train.run import Run

FUNCTION = "run"


def load_recipe(path: Path) -> Run:
    """Run a recipe's file and call its function.

    A recipe is a program: run only those that you trust.

    Raises:
        SettingError: There is no such file, it fails, or its function is missing or returns something else.
    """
    if not path.is_file():
        raise SettingError(f"there is no recipe {path}; correct the path")
    try:
        function = runpy.run_path(str(path), run_name=path.stem).get(FUNCTION)
        if not callable(function):
            raise SettingError(f"{path} has no function {FUNCTION!r}; define one that returns a gesso.train.run.Run")
        run = function()
    except GessoError:
        raise
    except Exception as error:
        raise SettingError(f"{path} fails: {type(error).__name__}: {error}; correct the recipe") from error
    if not isinstance(run, Run):
        raise SettingError(f"{FUNCTION!r} of {path} returns a {type(run).__name__}; return a gesso.train.run.Run")
    return run
