"""The page at `/`: files that are built into the package, served with headers that keep strangers' code out of it."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import FileResponse

FOLDER = Path(__file__).parent / "page"
"""Where the page's files are."""

SAFE_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
"""Nothing is loaded from elsewhere, nothing frames the page, and its files are asked for anew when they change."""


def add_page(app: FastAPI, folder: Path) -> frozenset[str]:
    """Give each file of a folder an address, and index.html also that of its folder.

    Only these files are ever read, whatever address is asked for.

    Returns:
        The addresses; none if there is no such folder.
    """
    addresses = {f"/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()}
    addresses |= {
        address.removesuffix("index.html"): path for address, path in addresses.items() if path.name == "index.html"
    }
    for address, path in addresses.items():
        app.add_route(address, _sender(path), methods=["GET"], include_in_schema=False)
    return frozenset(addresses)


def _sender(path: Path) -> Callable[[Request], Awaitable[FileResponse]]:
    async def send(request: Request) -> FileResponse:
        return FileResponse(path, headers=SAFE_HEADERS)

    return send
