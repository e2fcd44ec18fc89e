"""The application: endpoints, and what is around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from gesso import __version__
from gesso.lm.language_model import LanguageModel
from gesso.server import (
    chat,
    completions,
    editing,
    infilling,
    messages,
    operations,
    page,
    reading,
    refusal,
    responses,
    scoring,
    tokens,
)
from gesso.server.access import REQUEST_ID, Access
from gesso.server.json_response import AsciiJSONResponse
from gesso.server.service import Service
from gesso.server.settings import LOOPBACK, ServerSettings
from gesso.server.tracing import Tracing, tracing_to


def create_app(
    lm: LanguageModel, settings: ServerSettings, *, page_folder: Path = page.FOLDER, tracing: Tracing | None = None
) -> FastAPI:
    """Make the application that serves a model.

    Args:
        lm: The model.
        settings: Limits and keys; where to listen is the caller's part.
        page_folder: Files of the page at `/`; there is none if the folder is not there.
        tracing: Makes spans; None makes those that the settings ask for.

    Raises:
        SettingError: Spans are asked for, and OpenTelemetry is not installed.
    """
    service = Service(lm, settings, tracing_to(settings.otlp_endpoint) if tracing is None else tracing)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Gesso",
        version=__version__,
        lifespan=lifespan,
        default_response_class=AsciiJSONResponse,
        docs_url=None,  # that page loads its scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    rooms = (chat, completions, responses, messages, infilling, editing, reading, scoring, tokens, operations)
    for room in rooms:
        app.include_router(room.router)
    refusal.install(app)
    page_addresses = page.add_page(app, page_folder)
    app.add_middleware(
        Access,
        api_keys=settings.api_keys,
        open_paths=page_addresses,
        hosts=(settings.host, *LOOPBACK) if settings.is_local and not settings.api_keys else (),
        max_body_bytes=settings.max_body_bytes,
        body_timeout_s=settings.body_timeout_s,
        metrics=service.metrics,
        tracing=service.tracing,
    )
    if settings.cors_origins:  # outside of the rest, so that refusals can be read too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=[REQUEST_ID, "retry-after"],
        )
    return app
