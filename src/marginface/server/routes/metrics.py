"""Figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from marginface.server.access import Scope
from marginface.server.gate import Gate
from marginface.server.monitoring import gathered
from marginface.server.routes.parameters import Here

router = APIRouter(tags=["service"])

_ANSWER = {"description": "The figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
_WHOLE = [Depends(Gate(Scope.METRICS, whole=True))]  # it counts every collection


@router.get("/metrics", response_class=Response, responses={200: _ANSWER}, dependencies=_WHOLE)
async def show_metrics(service: Here) -> Response:
    """Give the figures of all workers in the text format of Prometheus; none of them tells of a person."""
    text = await service.work.run(gathered, service.figures, service.jobs, service.gallery)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
