"""Long work: imports, clusterings, migrations and purges, with progress."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request
from starlette.responses import Response

from marginface.errors import InputError
from marginface.gallery.names import is_beside
from marginface.server.access import Caller, Forbidden, Scope
from marginface.server.gate import Gate
from marginface.server.jobs import KINDS, ClusterWish, Job, MigrateWish, Places, PurgeWish, Wish
from marginface.server.jobs.rows import no_job
from marginface.server.jobs.scrubbing import without_others
from marginface.server.routes.cursors import Paging
from marginface.server.routes.parameters import Cursor, Here, Limit, OneTime, Part
from marginface.server.schemas import jobs as schemas
from marginface.server.service import Service

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Working = Annotated[Caller, Depends(Gate(Scope.JOBS))]
TheJob = Annotated[str, Path(description="opaque id of a job", examples=["j-5d0c9be1f2a34877"])]
Asked = Annotated[Wish, Body(discriminator="kind", examples=[schemas.ENROL])]
_BINARY = {"schema": {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}}
_ARCHIVE = {"required": True, "content": {"application/octet-stream": _BINARY}}


@router.post("", response_model=schemas.Job, status_code=201)
async def ask_for_job(service: Here, caller: Working, once: OneTime, body: Asked) -> Response:
    """Ask for long work. The key needs the scope of the work besides: enrol, cluster, manage (migrate), erase (purge).

    A job of kind enrol or cluster waits for its archive then: PUT …/archive within a day.
    """
    caller.require(KINDS[body.kind].scope)
    KINDS[body.kind].require_package()
    if isinstance(body, PurgeWish):
        caller.require_whole()
    if isinstance(body, MigrateWish) and body.erase_old:
        caller.require(Scope.ERASE)
        if service.second_keys.needs("erase"):
            raise InputError("erase_old: an erasure needs the word of a second key here; erase the old one afterwards")

    places = _places(caller, service.settings.limits.open_jobs)

    def made() -> dict[str, Any]:
        collection = _collection_of(service, caller, body)
        return _told(service, caller, service.jobs.create(body, collection, caller.id, places))

    return await once.answer(schemas.Job, 201, lambda: service.work.run(made))


@router.get("", response_model=schemas.JobPage)
async def list_jobs(service: Here, caller: Working, part: Part) -> dict[str, Any]:
    """List the jobs that the key may see, the newest first: its own, and those about its collections."""

    def newest(before: int | None, count: int) -> list[Job]:
        return service.jobs.newest(lambda job: _sees(service, caller, job), count, before)

    return await service.work.run(
        part.page, "jobs", newest, attrgetter("number"), lambda job: _told(service, caller, job)
    )


@router.get("/{job}", response_model=schemas.Job)
async def show_job(service: Here, caller: Working, job: TheJob) -> dict[str, Any]:
    """Say how far a job is, and what came of it."""
    return await service.work.run(lambda: _told(service, caller, _found(service, caller, job)))


@router.put("/{job}/archive", response_model=schemas.Job, openapi_extra={"requestBody": _ARCHIVE})
async def send_archive(service: Here, caller: Working, job: TheJob, request: Request) -> dict[str, Any]:
    """Send the archive of a job, as the body of the request: .zip, .tar or .tar.gz with a folder for each person.

    It is sealed as it comes, and deleted when the job is over. A key sends one archive at a time.
    """
    found = await service.work.run(_found, service, caller, job)
    caller.require(KINDS[found.kind].scope)
    if found.asked_by != caller.id:  # the audit will say that the key that asked has enrolled them
        raise Forbidden("another key asked for this job, and it alone sends the archive. Ask for a job of your own")
    seal = await service.work.run(service.jobs.seal, job)
    sender = _sender(caller, request)
    service.spool.require_room(sender, _places(caller, service.settings.limits.archives))
    name = await service.spool.receive(job, sender, request.stream(), seal.passphrase)

    def queued() -> dict[str, Any]:
        try:
            return _told(service, caller, service.jobs.uploaded(job, name))
        finally:
            service.spool.sweep(service.jobs.uploads())

    return await service.work.run(queued)


@router.get("/{job}/result", response_model=schemas.JobResult)
async def show_result(
    service: Here, caller: Working, job: TheJob, cursor: Cursor = None, limit: Limit = 200
) -> dict[str, Any]:
    """Give the items of a result, as far as they are there. The key needs the scope of the work.

    Other people of the collection are named to a key with scope people alone.
    """

    def page() -> dict[str, Any]:
        found = _found(service, caller, job)
        caller.require(KINDS[found.kind].scope)
        part = Paging(service.state, cursor, limit)
        page = part.page(
            f"result {job}",
            lambda last, count: service.jobs.result(job, last or 0, count),
            itemgetter(0),
            lambda one: one[1] if Scope.PEOPLE in caller.scopes else _unnamed(found, caller, one[1]),
        )
        return {"job": _told(service, caller, found), **page}

    return await service.work.run(page)


@router.delete("/{job}", response_model=schemas.Job)
async def cancel_job(service: Here, caller: Working, once: OneTime, job: TheJob) -> Response:
    """Cancel a job; what it did is kept. One that is over is deleted, with its result."""

    def done() -> dict[str, Any]:
        found = _found(service, caller, job)
        if found.asked_by != caller.id:
            caller.require(KINDS[found.kind].scope)
        if found.state.is_over:
            service.jobs.delete(job)
        else:
            found = service.jobs.cancel(job)
        service.spool.sweep(service.jobs.uploads())
        return {**_told(service, caller, found), "message": None}  # it may name people, and this answer is kept

    return await once.answer(schemas.Job, 200, lambda: service.work.run(done))


def _places(caller: Caller, most: int) -> Places:
    """Return how many places there are, and how many a key may have: half, while there are keys."""
    return Places(most, most if caller.key is None else max(1, most // 2))


def _sender(caller: Caller, request: Request) -> str:
    """Return who sends an archive, one at a time: a key; while no key was made, an address of this machine."""
    address = request.client.host if caller.key is None and request.client else ""
    return f"{caller.id} {address}"


def _collection_of(service: Service, caller: Caller, wish: Wish) -> str:
    """Return the opaque id of the collection that is asked for; empty for work on none, or on all."""
    if isinstance(wish, ClusterWish | PurgeWish):
        return ""
    caller.require_collection(service.collection_name(wish.collection))
    collection = service.collection(wish.collection)
    if is_beside(collection.name):
        raise InputError("collection: this is one that a migration fills or has left; name the one beside it")
    return collection.uid


def _found(service: Service, caller: Caller, uid: str) -> Job:
    """Return a job that the caller may see; another one is not there for them."""
    job = service.jobs.job(uid)
    if not _sees(service, caller, job):
        raise no_job(uid)
    return job


def _sees(service: Service, caller: Caller, job: Job) -> bool:
    if not caller.collections or job.asked_by == caller.id:
        return True
    return bool(job.collection) and caller.sees(service.collection_name(job.collection))


def _unnamed(job: Job, caller: Caller, item: dict[str, Any]) -> dict[str, Any]:
    """Return an item of a result for a key without scope people: whom it sent itself it may be told by name."""
    if job.kind == "migrate":
        return {**item, "person": None}
    if job.kind != "enrol":
        return item
    own = without_others(item)
    return own if job.asked_by == caller.id else {**own, "person": None, "photo": None, "reasons": []}


def _told(service: Service, caller: Caller, job: Job) -> dict[str, Any]:
    """Return a job as plain values; why it failed may name people, and is for who may do such work."""
    told = job.to_dict()
    if KINDS[job.kind].scope not in caller.scopes:
        told["message"] = None
    return {**told, "collection": service.collection_name(job.collection) if job.collection else None}
