"""Sockets, TLS and the end of a server."""

import math
import socket

import uvicorn
from fastapi import FastAPI

from gesso.errors import SettingError
from gesso.server.settings import ServerSettings

MAX_HEADER_BYTES = 32_768
"""A request with more headers is refused."""


def bind(settings: ServerSettings) -> socket.socket:
    """Take the address, so that a port in use is known before a model is loaded. Nobody is let in yet.

    Raises:
        SettingError: The address cannot be taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror or error}); "
            "choose another --host or --port"
        ) from error
    return listener


def url(settings: ServerSettings, listener: socket.socket) -> str:
    """The address that clients are told."""
    scheme = "http" if settings.tls_certificate is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def make_server(app: FastAPI, settings: ServerSettings) -> uvicorn.Server:
    """Make the server; `run(sockets=[listener])` lets clients in until a signal ends it.

    Then nobody new is let in, texts in progress are finished, and what takes longer than the drain timeout is left off.

    Raises:
        SettingError: The TLS files cannot be used.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.drain_timeout_s),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:  # ssl's own errors are of this kind
        raise SettingError(
            f"the TLS files {settings.tls_certificate} and {settings.tls_key} cannot be used ({error}); "
            "give a certificate and its private key as PEM files"
        ) from error
    return uvicorn.Server(config)
