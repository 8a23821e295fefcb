"""Who did what to the gallery: its audit, a page at a time, and whether the chain of it holds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from marginface.server.access import Scope
from marginface.server.gate import Gate
from marginface.server.routes.cursors import make_cursor, read_cursor
from marginface.server.routes.parameters import Cursor, Here, Limit
from marginface.server.schemas import audit as schemas
from marginface.server.service import Service

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_WHOLE = [Depends(Gate(Scope.AUDIT, whole=True))]
Head = Annotated[
    str | None, Query(pattern="^[0-9a-f]{64}$", description="the hash of an entry that was kept, as in a receipt")
]


@router.get("", response_model=schemas.AuditPage, dependencies=_WHOLE)
async def list_audit(service: Here, cursor: Cursor = None, limit: Limit = 50) -> dict[str, Any]:
    """List who did what, the newest first. The key must be for all collections: the audit is of the whole gallery."""
    return await service.work.run(_page, service, cursor, limit)


def _page(service: Service, cursor: str | None, limit: int) -> dict[str, Any]:
    before = read_cursor(service.state, "audit", cursor)
    entries = service.gallery.audit(limit + 1, before=before)[::-1]
    page, more = entries[:limit], len(entries) > limit
    items = [entry.to_dict() for entry in page]
    return {"items": items, "next_cursor": make_cursor(service.state, "audit", page[-1].seq) if more else None}


@router.get("/check", response_model=schemas.AuditCheck, dependencies=_WHOLE)
async def check_audit(service: Here, head: Head = None) -> dict[str, Any]:
    """Walk the whole chain and say whether it holds, and whether an entry that was kept elsewhere is in it."""
    return await service.work.run(lambda: service.gallery.verify_audit(head or "").to_dict())
