import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from gesso.checkpoint.adapter import Adapter, LowRank, adaptable_parameters, fingerprint, save_adapter
from gesso.cli.main import main
from gesso.lm.language_model import LanguageModel
from tests.lm.conftest import folder, lm  # noqa: F401, fixtures of the room below


@pytest.fixture(autouse=True)
def ctrl_c() -> None:
    """A run in the background of a shell ignores Ctrl-C, and so would all that it starts; the tests press it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def object(self) -> dict:
        """The one JSON object on standard output."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


@pytest.fixture
def gesso_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """`gesso_command("generate", "Once")`: run the command in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    # A log that is sent to this test's standard error would go on writing there when the test is long over.
    monkeypatch.setattr("gesso.server.log.configure", lambda log_format: None)

    def command(*words: object) -> Ran:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return command


@pytest.fixture(scope="session")
def adapter(lm: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811, a fixture
    """The folder of a LoRA for the tiny model, strong enough to change what it writes."""
    generator = torch.Generator().manual_seed(0)
    factors = {}
    for name, weight in adaptable_parameters(lm.network).items():
        experts, rows, columns = (1, *weight.shape)[-3:]
        a, b = (torch.randn(experts, *shape, generator=generator) for shape in ((2, columns), (rows, 2)))
        factors[name] = LowRank(a=a, b=b)
    path = tmp_path_factory.mktemp("lora") / "adapter"
    merged = Adapter(rank=2, alpha=4.0, base="tiny", base_fingerprint=fingerprint(lm.network), factors=factors)
    save_adapter(merged, path)
    return path
