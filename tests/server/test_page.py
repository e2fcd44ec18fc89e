from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gesso.server.page import FOLDER, SAFE_HEADERS, add_page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "page" / "assets"
    inner.mkdir(parents=True)
    (inner.parent / "index.html").write_text("<title>Gesso</title>")
    (inner / "a.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    return inner.parent


def test_every_file_is_sent_with_safe_headers(folder):
    app = FastAPI()
    assert add_page(app, folder) == {"/", "/index.html", "/assets/a.js"}
    client = TestClient(app)
    for path, kind in (("/", "html"), ("/index.html", "html"), ("/assets/a.js", "javascript")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert kind in answer.headers["content-type"]
        assert SAFE_HEADERS.items() <= dict(answer.headers).items()


def test_nothing_outside_of_the_folder_is_sent(folder):
    app = FastAPI()
    add_page(app, folder)
    for path in ("/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "/assets"):
        assert TestClient(app).get(path).status_code == 404


def test_a_folder_that_is_not_there_has_no_addresses(tmp_path):
    assert add_page(FastAPI(), tmp_path / "none") == frozenset()


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the page is not built")
def test_the_page_needs_nothing_that_its_headers_forbid():
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "http://" not in page
    assert "https://" not in page
