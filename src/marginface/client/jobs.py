"""Long work of the service: start it, follow it, wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from marginface.client.pages import items, pages
from marginface.client.reading import read
from marginface.client.service_answers import Job
from marginface.client.transport import Call, Transport, path_of
from marginface.errors import ServiceUnreachable, StorageError

Progress = Callable[[Job], None]

_FIRST_LOOK, _LONGEST_LOOK = 0.2, 5.0  # seconds between two looks at a job: short ones end soon, long ones can wait


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a service that the key may see; made by ``Client.jobs``."""

    transport: Transport = field(repr=False)

    def enrol(
        self,
        archive: str | Path,
        collection: str,
        *,
        review: str | None = None,
        faces: str | None = None,
        keep_crops: bool | None = None,
        strip: int | None = None,
        about: Mapping[str, str] | None = None,
    ) -> Job:
        """Start to enrol the people of an archive: a .tar or .zip with a folder for each person.

        Args:
            archive: The file.
            collection: Into which they come, by name or opaque id.
            review: How strictly photos are looked at: off, standard, strict.
            faces: Which face of a photo: one (several give none), largest, center.
            keep_crops: Keep the aligned faces, sealed, for a later model.
            strip: Folders in the archive before those of the people; needed where all photos lie in one folder.
            about: ``consent``, ``purpose`` and ``retain_until`` (as "2030-01-31"), recorded of everybody.

        Raises:
            StorageError: The archive cannot be read.
        """
        how = {"review": review, "faces": faces, "keep_crops": keep_crops, "strip": strip}
        return self._start_with({"kind": "enrol", "collection": collection, **how, **(about or {})}, archive)

    def cluster(
        self,
        archive: str | Path,
        *,
        fpir: float | None = None,
        similarity: float | None = None,
        faces: str | None = None,
        quality: str | None = None,
    ) -> Job:
        """Start to group the faces of an archive of photos by who they may be; see Recognizer.cluster."""
        how = {"fpir": fpir, "similarity": similarity, "faces": faces, "quality": quality}
        return self._start_with({"kind": "cluster", **how}, archive)

    def migrate(
        self, collection: str, *, model: str | None = None, mirror: bool | None = None, erase_old: bool | None = None
    ) -> Job:
        """Start to embed the kept crops of a collection with another model."""
        how = {"model": model, "mirror": mirror, "erase_old": erase_old}
        return self._start({"kind": "migrate", "collection": collection, **how})

    def purge(self) -> Job:
        """Start to erase everyone whose last day has passed, in all collections."""
        return self._start({"kind": "purge"})

    def _start(self, wish: Mapping[str, Any]) -> Job:
        said = {name: value for name, value in wish.items() if value is not None}
        return read(Job, self.transport.json(Call("POST", "v1/jobs", json=said)))

    def upload_to(self, job: str, archive: str | Path) -> Job:
        """Send a job (its id) the archive that it waits for; raise StorageError if the file cannot be read."""
        with _opened(Path(archive)) as stream:
            return self._send(job, stream)

    def _start_with(self, wish: Mapping[str, Any], archive: str | Path) -> Job:
        """Start a job and send its archive, which is opened first: a job that waits for ever helps nobody."""
        with _opened(Path(archive)) as stream:
            return self._send(self._start(wish).id, stream)

    def _send(self, job: str, archive: BinaryIO) -> Job:
        return read(Job, self.transport.json(Call("PUT", path_of("v1", "jobs", job, "archive"), content=archive)))

    def __iter__(self) -> Iterator[Job]:
        """Yield the jobs, the newest first."""
        return items(self.transport, "v1/jobs", Job)

    def get(self, job: str) -> Job:
        """Return a job as it is now, by its id."""
        return read(Job, self.transport.json(Call("GET", path_of("v1", "jobs", job))))

    def cancel(self, job: str) -> Job:
        """Cancel a job by its id, and return it; what it did stays. One that has ended is deleted, with its result."""
        return read(Job, self.transport.json(Call("DELETE", path_of("v1", "jobs", job))))

    def result(self, job: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a result: photos of an import, groups, gaps, receipts."""
        return pages(self.transport, path_of("v1", "jobs", job, "result"))

    def wait(self, job: Job | str, *, timeout: float | None = None, progress: Progress | None = None) -> Job:
        """Return a job when it has ended; ``bool()`` of it says whether it is done.

        Args:
            job: The job, or its id.
            timeout: Seconds; None waits as long as it takes.
            progress: Called with the job whenever it was looked at.

        Raises:
            ServiceUnreachable: It has not ended within ``timeout``; it goes on.
        """
        name, pause = job if isinstance(job, str) else job.id, _FIRST_LOOK
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            now = self.get(name)
            if progress is not None:
                progress(now)
            if now.has_ended:
                return now
            if until is not None and time.monotonic() + pause > until:
                raise ServiceUnreachable(f"job {name} is {now.state} after {timeout:g} s; it goes on")
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_LOOK)


def _opened(archive: Path) -> BinaryIO:
    try:
        return archive.open("rb")
    except OSError as error:
        raise StorageError(f"{archive}: cannot open this archive: {error.strerror}") from None
