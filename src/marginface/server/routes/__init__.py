"""The routes, one file for each group of paths.

health        is it alive, is it ready; what it is
calibration   the thresholds that decide
photos        detect, verify, compare, embed: photos that are looked at and forgotten
collections   made, renamed, counted, checked, erased
persons       added, listed, changed, merged, moved, erased
faces         enrolled from photos, listed, moved, deleted
identify      who of a collection is in a photo
archives      people taken out, sealed
audit         who did what
jobs          long work: asked for, sent an archive, followed, cancelled
metrics       figures for Prometheus
events        how the service was used; the word of second keys
compreface    the paths of CompreFace, for programs that ask it
runs          training runs: curves while they train
evaluations   suites, comparisons, numbers: figures with intervals, how far a running one is
reports       the page of a run or an evaluation, for a frame with a ticket
page          the web page's files

parameters    what several of them ask for in the same words
cursors       where a list goes on
unknown       what none of them asks for is refused
"""

from fastapi import APIRouter

from marginface.server.routes import (
    archives,
    audit,
    calibration,
    collections,
    compreface,
    evaluations,
    events,
    faces,
    health,
    identify,
    jobs,
    metrics,
    page,
    persons,
    photos,
    reports,
    runs,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    photos.router,
    calibration.router,
    collections.router,
    persons.router,
    faces.router,
    identify.router,
    archives.router,
    audit.router,
    jobs.router,
    events.router,
    metrics.router,
    compreface.router,
    runs.router,
    evaluations.router,
    reports.router,
    page.router,
)
