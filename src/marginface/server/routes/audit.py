"""Who did what to the gallery: its audit, a page at a time, and whether the chain of it holds."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from marginface.gallery import AuditEntry
from marginface.server.access import Scope
from marginface.server.gate import Gate
from marginface.server.routes.parameters import Here, Part
from marginface.server.schemas import audit as schemas

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_WHOLE = [Depends(Gate(Scope.AUDIT, whole=True))]
Head = Annotated[
    str | None, Query(pattern="^[0-9a-f]{64}$", description="the hash of an entry that was kept, as in a receipt")
]


@router.get("", response_model=schemas.AuditPage, dependencies=_WHOLE)
async def list_audit(service: Here, part: Part) -> dict[str, Any]:
    """List who did what, the newest first. The key must be for all collections: the audit is of the whole gallery."""

    def newest(before: int | None, count: int) -> Sequence[AuditEntry]:
        return service.gallery.audit(count, before=before)[::-1]

    return await service.work.run(part.page, "audit", newest, attrgetter("seq"), AuditEntry.to_dict)


@router.get("/check", response_model=schemas.AuditCheck, dependencies=_WHOLE)
async def check_audit(service: Here, head: Head = None) -> dict[str, Any]:
    """Walk the whole chain and say whether it holds, and whether an entry that was kept elsewhere is in it."""
    return await service.long_work.run(lambda: service.gallery.verify_audit(head or "").to_dict())
