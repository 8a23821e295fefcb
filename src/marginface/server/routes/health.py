"""Is the service alive, is it ready, and what is it?"""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends

from marginface import __version__
from marginface.server.access import Caller
from marginface.server.gate import Gate
from marginface.server.routes.parameters import Here
from marginface.server.schemas.about import About, Alive, AllowedLimits
from marginface.server.service import Service

router = APIRouter(tags=["service"])


@router.get("/healthz", response_model=Alive)
async def alive() -> dict[str, Any]:
    """Say that the process answers. Needs no key."""
    return {"status": "alive"}


@router.get("/readyz", response_model=Alive)
async def ready(service: Here) -> dict[str, Any]:
    """Say that the gallery and the state of the service answer too. Needs no key."""
    await to_thread.run_sync(_asked, service)  # not a place among those that compute: strangers may ask this
    return {"status": "ready"}


def _asked(service: Service) -> None:
    service.gallery.audit(1)  # one row: counts grow with the gallery
    service.keys.exist()


@router.get("/v1", response_model=About)
async def about(service: Here, caller: Annotated[Caller, Depends(Gate(None))]) -> dict[str, Any]:
    """Say what this service is, what it allows, and what the caller's key is for."""
    contract = service.recognizer.contract
    return {
        "name": "marginface",
        "version": __version__,
        "contract": contract.id,
        "embedding_size": contract.embedding_size,
        "model": service.settings.model,
        "limits": service.settings.limits.model_dump(include=set(AllowedLimits.model_fields)),
        "caller": {
            "key": None if caller.key is None else caller.key.id,
            "scopes": sorted(scope.value for scope in caller.scopes),
            "collections": list(caller.collections),
        },
        "options": {
            "events": service.events.is_on,
            "two_person": list(service.settings.two_person),
            "runs": service.settings.runs is not None,
        },
    }
