"""The thresholds that decide."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from marginface.server.access import Scope
from marginface.server.gate import needs
from marginface.server.routes.parameters import Here
from marginface.server.schemas.photos import CalibrationAnswer

router = APIRouter(prefix="/v1", tags=["service"])


@router.get("/calibration", response_model=CalibrationAnswer, dependencies=[needs(Scope.STATS)])
async def calibration(service: Here) -> dict[str, Any]:
    """Return the thresholds by false-match rate, with their bounds and the data they were set on."""
    table = service.recognizer.thresholds
    thresholds = [table.threshold(rate).to_dict() for rate in table.rates]
    return {
        "contract": service.recognizer.contract.id,
        "model": service.settings.model,
        "data": thresholds[0]["data"] if thresholds else "",
        "thresholds": thresholds,
    }
