import shutil
import socket
import ssl
import subprocess

import httpx
import pytest

from gesso.errors import SettingError
from gesso.server import listen
from gesso.server.app import create_app
from gesso.server.settings import ServerSettings

OPENSSL = shutil.which("openssl")


def test_a_port_in_use_is_refused_with_a_remedy():
    with listen.bind(ServerSettings(port=0)) as listener:
        listener.listen()
        with pytest.raises(SettingError, match="choose another --host or --port"):
            listen.bind(ServerSettings(port=listener.getsockname()[1]))


def test_the_address_that_is_told_is_the_one_that_is_bound():
    settings = ServerSettings(port=0)
    with listen.bind(settings) as listener:
        host, port = listener.getsockname()
        assert listen.url(settings, listener) == f"http://{host}:{port}" != "http://127.0.0.1:0"
        assert host == "127.0.0.1"


@pytest.mark.skipif(OPENSSL is None, reason="openssl, which makes the certificate, is not installed")
def test_with_a_certificate_the_server_speaks_https(live, lm, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = (
        f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {key} -out {certificate} -days 2"
    )
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([OPENSSL, *words.split(), *names], check=True, capture_output=True)
    address = live(lm, host="localhost", tls_certificate=certificate, tls_key=key)
    assert address.startswith("https://localhost:")
    assert httpx.get(f"{address}/health", verify=ssl.create_default_context(cafile=str(certificate))).status_code == 200


def test_files_that_are_no_certificate_are_refused(lm, tmp_path):
    (tmp_path / "a.pem").write_text("nothing")
    settings = ServerSettings(tls_certificate=tmp_path / "a.pem", tls_key=tmp_path / "a.pem")
    app = create_app(lm, settings)
    with pytest.raises(SettingError, match="TLS files"):
        listen.make_server(app, settings)
    app.state.service.close()


def raw(address: str, sent: bytes, *, then_close: bool = False) -> bytes:
    """What a server answers to some bytes."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(sent)
        if then_close:
            return b""
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def test_giant_headers_and_what_is_no_http_are_refused_and_others_unharmed(live, lm):
    address = live(lm)
    giant = b"GET /health HTTP/1.1\r\nhost: x\r\nx-giant: " + b"a" * 200_000 + b"\r\n\r\n"
    for sent in (giant, b"\x16\x03\x01 nonsense\r\n\r\n"):
        try:
            answered = raw(address, sent)
        except ConnectionError:  # closed while we were still sending: refused all the same
            continue
        assert answered.startswith(b"HTTP/1.1 400")
    assert httpx.get(f"{address}/health").status_code == 200


def test_a_body_that_stops_halfway_is_answered_and_the_connection_closed(live, lm):
    address = live(lm, body_timeout_s=0.3)
    answered = raw(address, POST + b'content-length: 100\r\n\r\n{"messages":')
    assert answered.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answered
    assert httpx.get(f"{address}/health").status_code == 200


def test_a_client_that_leaves_halfway_through_its_body_does_no_harm(live, lm):
    address = live(lm)
    raw(address, POST + b'content-length: 100\r\n\r\n{"messages":', then_close=True)
    assert httpx.get(f"{address}/ready").json()["running"] == 0
