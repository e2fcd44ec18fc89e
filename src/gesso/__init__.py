"""Gesso writes text the way a painter works: a canvas of noise is refined, all at once, until it snaps into focus.

import gesso

lm = gesso.load()
print(lm.generate("Once upon a time", seed=0).text)
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gesso.checkpoint.load import load_network
    from gesso.engine.events import CanvasCommitted, Finished, StepDone
    from gesso.errors import GessoError
    from gesso.lm.generation import Generation
    from gesso.lm.language_model import LanguageModel
    from gesso.lm.load import load
    from gesso.sampling.settings import SamplerSettings
    from gesso.text.message import Message

__version__ = version("gesso")

# Imported when they are first asked for, so that `gesso --help` need not wait for torch.
_HOMES = {
    "load": "gesso.lm.load",
    "load_network": "gesso.checkpoint.load",
    "LanguageModel": "gesso.lm.language_model",
    "Generation": "gesso.lm.generation",
    "SamplerSettings": "gesso.sampling.settings",
    "Message": "gesso.text.message",
    "StepDone": "gesso.engine.events",
    "CanvasCommitted": "gesso.engine.events",
    "Finished": "gesso.engine.events",
    "GessoError": "gesso.errors",
}

__all__ = [
    "CanvasCommitted",
    "Finished",
    "Generation",
    "GessoError",
    "LanguageModel",
    "Message",
    "SamplerSettings",
    "StepDone",
    "__version__",
    "load",
    "load_network",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gesso' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
