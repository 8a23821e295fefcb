"""The routes, one file for each group of paths.

health        is it alive, is it ready; what it is
calibration   the thresholds that decide
photos        detect, verify, compare, embed: photos that are looked at and forgotten
"""

from fastapi import APIRouter

from marginface.server.routes import calibration, health, photos

ROUTERS: tuple[APIRouter, ...] = (health.router, photos.router, calibration.router)
