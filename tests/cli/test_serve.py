import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import torch

import gesso
from gesso.server import listen
from gesso.server.settings import ServerSettings


class Served:
    """Stands for the server, and remembers what it was made of."""

    def __init__(self):
        self.settings = None

    def make_server(self, app, settings):
        self.app, self.settings = app, settings
        return self

    def run(self, sockets):
        self.address = sockets[0].getsockname()
        sockets[0].close()
        self.app.state.service.close()


@pytest.fixture
def served(monkeypatch):
    stand_in = Served()
    monkeypatch.setattr(listen, "make_server", stand_in.make_server)
    for name in [name for name in os.environ if name.startswith(("GESSO_", "OTEL_"))]:
        monkeypatch.delenv(name)
    return stand_in


def test_a_model_is_served_to_this_computer_alone_and_that_is_said(gesso_command, folder, served):
    ran = gesso_command("serve", folder, "--port", 0)
    assert ran.status == 0, ran.err
    assert served.address[0] == "127.0.0.1"
    assert f"http://127.0.0.1:{served.address[1]}" in ran.err
    assert "from this computer only, without an API key" in ran.err
    assert ran.out == ""


def test_serving_others_is_said_too(gesso_command, folder, served):
    ran = gesso_command("serve", folder, "--port", 0, "--host", "0.0.0.0", "--api-keys", "k")
    assert "from other computers too, with an API key" in ran.err


def test_every_option_reaches_the_server(gesso_command, folder, served, tmp_path):
    (tmp_path / "keys").write_text("b\n")
    given = {
        "served-name": "fox",
        "max-running": 3,
        "max-queued-requests": 4,
        "max-queued-tokens": 5,
        "max-body-bytes": 6,
        "max-prompt-tokens": 7,
        "request-timeout-s": 8.5,
        "body-timeout-s": 9.5,
        "drain-timeout-s": 10.5,
        "ping-interval-s": 11.5,
        "log-format": "json",
    }
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    keys = ["--api-keys", "a", "--api-key-file", tmp_path / "keys", "--cors-origins", "https://a"]
    ran = gesso_command("serve", folder, "--port", 0, *words, *keys)
    assert ran.status == 0, ran.err
    assert served.settings == ServerSettings(
        port=0,
        api_keys=("a", "b"),
        cors_origins=("https://a",),
        **{name.replace("-", "_"): value for name, value in given.items()},
    )


def test_a_word_goes_before_the_environment_and_that_before_the_file(
    gesso_command, folder, served, tmp_path, monkeypatch
):
    config = tmp_path / "server.yaml"
    config.write_text(
        f"model: {folder}\nport: 0\nmax-running: 2\nmax_queued_requests: 2\nmax_queued_tokens: 2\napi_keys: [a, b]\n"
    )
    monkeypatch.setenv("GESSO_CONFIG", str(config))
    monkeypatch.setenv("GESSO_MAX_RUNNING", "3")
    monkeypatch.setenv("GESSO_MAX_QUEUED_REQUESTS", "3")
    ran = gesso_command("serve", "--max-running", 4)
    assert ran.status == 0, ran.err
    settings = served.settings
    assert (settings.max_running, settings.max_queued_requests, settings.max_queued_tokens) == (4, 3, 2)
    assert settings.api_keys == ("a", "b")
    assert served.app.state.service.name == Path(folder).name


def test_several_values_in_the_environment_stand_apart_by_spaces(gesso_command, folder, served, monkeypatch):
    monkeypatch.setenv("GESSO_API_KEYS", "a b")
    assert gesso_command("serve", folder, "--port", 0).status == 0
    assert served.settings.api_keys == ("a", "b")


@pytest.mark.parametrize(
    ("content", "part"),
    [("prot: 1", "has 'prot'"), ("[1]", "not a table"), ("a: [", "cannot be read as YAML"), ("port: x", "--port")],
)
def test_a_configuration_that_is_wrong_is_refused(gesso_command, served, tmp_path, content, part):
    (tmp_path / "c.yaml").write_text(content)
    ran = gesso_command("serve", "--config", tmp_path / "c.yaml")
    assert ran.status == 2
    assert part in ran.err
    assert ran.err.count("\n") == 1


def test_wrong_settings_are_refused_before_a_model_is_loaded(gesso_command, served):
    for words in (
        ["--max-running", 0],
        ["--port", 99_999],
        ["--tls-key", "none.pem"],
        ["--tls-certificate", "none.pem"],
        ["--api-key-file", "none"],
    ):
        ran = gesso_command("serve", "no-such-model", *words)
        assert ran.status == 2
        assert "no-such-model" not in ran.err


@pytest.mark.parametrize("name", ["GESSO_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_a_collector_without_the_package_that_speaks_to_it_is_refused(gesso_command, folder, served, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert "pip install 'gesso[telemetry]'" in gesso_command("serve", folder, "--otlp-endpoint", "http://a").err
    monkeypatch.setenv(name, "http://b")
    ran = gesso_command("serve", folder)
    assert (ran.status, "otlp_endpoint is 'http://b'" in ran.err) == (2, True)


def test_the_model_that_is_served_has_the_adapter_merged_into_it(gesso_command, folder, served, adapter):
    assert gesso_command("serve", folder, "--port", 0, "--adapter", adapter).status == 0
    merged, wanted = (
        lm.network.state_dict() for lm in (served.app.state.service.lm, gesso.load(folder, adapter=adapter))
    )
    assert all(torch.equal(merged[name], wanted[name]) for name in wanted)


@pytest.mark.slow
def test_asked_to_end_it_leaves_in_good_order(folder):
    words = ["-c", "from gesso.cli.main import run; run()", "serve", str(folder), "--port", "0", "--log-format", "json"]
    with subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True) as process:
        address = process.stderr.readline().split(" at ")[1].split(" ")[0]
        assert httpx.get(f"{address}/health", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        logged = process.stderr.read()
        assert process.wait(60) == 0
    assert '"path": "/health", "status": 200' in logged
    assert "Traceback" not in logged
