"""`/health`, `/ready`, `/version`, `/metrics`, `/v1/models`: what operators and clients ask of the server itself."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from gesso import __version__
from gesso.server.json_response import AsciiJSONResponse
from gesso.server.service import Service, service_of

router = APIRouter()


@router.get("/health")
async def health(request: Request) -> AsciiJSONResponse:
    """Say whether the server can go on at all; if not, restart it."""
    is_healthy = service_of(request).is_ready
    return AsciiJSONResponse({"status": "ok" if is_healthy else "failed"}, 200 if is_healthy else 503)


@router.get("/ready")
async def ready(request: Request) -> AsciiJSONResponse:
    """Say whether a text that is asked for now would be written, or refused for a full queue."""
    service = service_of(request)
    waiting, most = service.writer.num_waiting, service.settings.max_queued_requests
    is_ready = service.is_ready and (waiting < most or most == 0)
    facts = {"status": "ready" if is_ready else "busy", "running": service.writer.num_running, "waiting": waiting}
    return AsciiJSONResponse(facts, 200 if is_ready else 503)


@router.get("/version")
async def version() -> dict[str, str]:
    """Name the program's version."""
    return {"version": __version__}


@router.get("/metrics")
async def metrics(request: Request) -> PlainTextResponse:
    """Give all figures in the format of Prometheus."""
    return PlainTextResponse(service_of(request).metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/models")
async def models(request: Request) -> dict[str, Any]:
    """List the models: the one that is served."""
    return {"object": "list", "data": [_model(service_of(request))]}


@router.get("/v1/models/{name:path}")
async def model(name: str, request: Request) -> dict[str, Any]:
    """Describe a model."""
    service = service_of(request)
    service.check_model(name)
    return _model(service)


def _model(service: Service) -> dict[str, Any]:
    config = service.lm.network.config
    return {
        "id": service.name,
        "object": "model",
        "created": service.started_at,
        "owned_by": "gesso",
        "canvas_length": config.canvas_length,
        "max_model_len": config.max_position_embeddings,
        "max_steps": service.lm.sampler.max_steps,
        "about": asdict(service.lm.about),
    }
