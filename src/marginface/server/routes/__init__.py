"""The routes, one file for each group of paths.

health    is it alive, is it ready; what it is
photos    detect, verify, compare, embed: photos that are looked at and forgotten
"""

from fastapi import APIRouter

from marginface.server.routes import health, photos

ROUTERS: tuple[APIRouter, ...] = (health.router, photos.router)
