"""A folder tree of photos → the same tree of crops, resumed by a journal.

The journal, ``crops.jsonl`` in the destination, has one line for each photo, with its size and time of change, the
settings and what came of it. A second run reads it and does only what is missing or changed. Crops are PNG and not
JPEG: training then sees, bit for bit, the crop that serving makes, at about 21 KB each instead of 8 KB.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from marginface.cropping.cropper import USED, FaceCropper, Outcome, crop_photo, crop_settings
from marginface.defaults import DEFAULT_WORKERS
from marginface.documents import parse_json
from marginface.errors import DataError, InputError
from marginface.files import json_bytes, write_bytes
from marginface.images import require_images
from marginface.words import plurals

JOURNAL = "crops.jsonl"
REPORT = "crops-report.json"
_JOURNAL_HEAD = {"marginface": "crop journal", "version": 1}


@dataclass(frozen=True, slots=True)
class CropRecord:
    """One line of the journal: a photo as it was, the settings, and what came of it."""

    photo: str
    size: int
    mtime_ns: int
    settings: str
    outcome: Outcome
    crop: str | None
    faces: int
    note: str


@dataclass(frozen=True, slots=True)
class CropReport:
    """What a run over a tree of photos came to: one record for each photo, in the order of their paths.

    ``done_before`` photos were done by an earlier run. ``orphans`` are crops whose photo is gone; none is deleted.
    """

    source: str
    settings: Mapping[str, Any]
    records: tuple[CropRecord, ...]
    done_before: int = 0
    orphans: tuple[str, ...] = field(default=())

    def with_outcome(self, outcome: Outcome) -> list[CropRecord]:
        """Return the records of one outcome."""
        return [record for record in self.records if record.outcome == outcome]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many photos had each outcome."""
        return dict(Counter(record.outcome for record in self.records))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; every photo that is not simply cropped is listed."""
        listed = {"no_face": "no face", "not_one_face": "several faces", "unreadable": "unreadable"}
        chosen = [record for record in self.with_outcome("cropped") if record.faces > 1]
        return {
            "source": self.source,
            "settings": dict(self.settings),
            "photos": len(self.records),
            "crops": len(self.with_outcome("cropped")),
            "done_before": self.done_before,
            **{key: _listed(self.with_outcome(outcome)) for key, outcome in listed.items()},  # type: ignore[arg-type]
            "several_faces": _listed(chosen),
            "crops_without_photo": list(self.orphans),
        }

    def summary(self) -> str:
        """Say in a few lines what happened and where to look."""
        values = self.to_dict()
        before = f" ({self.done_before:,} photos were done by an earlier run)" if self.done_before else ""
        lines = [f"{plurals((values['photos'], 'photo'), (values['crops'], 'crop'))}{before}."]
        for key, text in {
            "several_faces": f"with several faces: {USED.get(self.settings['policy'], '')}",
            "not_one_face": "with several faces: no crop, exactly one face is wanted",
            "no_face": "without a face: no crop",
            "unreadable": "unreadable: no crop",
        }.items():
            lines += _examples(values[key], text)
        if self.orphans:
            lines.append(
                f"{len(self.orphans):,} crops whose photo is gone, such as {self.orphans[0]}: delete or keep them"
            )
        return "\n".join(lines)


def _listed(records: list[CropRecord]) -> list[dict[str, Any]]:
    return [{"photo": record.photo, "faces": record.faces, "note": record.note} for record in records]


def _examples(entries: list[dict[str, Any]], text: str) -> list[str]:
    if not entries:
        return []
    shown = [f"    {entry['photo']}: {entry['note']}" for entry in entries[:3]]
    more = [f"    … {len(entries) - 3:,} more, all in {REPORT}"] if len(entries) > 3 else []
    return [f"{len(entries):,} {text}", *shown, *more]


def crop_tree(
    source: str | Path,
    destination: str | Path,
    *,
    cropper: FaceCropper,
    workers: int = DEFAULT_WORKERS,
    progress: Callable[[int, int], None] | None = None,
) -> CropReport:
    """Crop every photo below a folder into the same tree of 112×112 PNG files.

    A crop is written whole or not at all, and the journal line after it: an interrupted run loses nothing, and the same
    call goes on where it stopped. A photo that gives no crop (any more) is in the report, and its old crop is removed.

    Args:
        source: Folder of photos; sub-folders may be identities.
        destination: A new or empty folder, or one that an earlier run of crop_tree made.
        cropper: How one photo is cropped.
        workers: Threads; the detector uses one thread each.
        progress: Called with (done, total) after each photo, in the calling thread.

    Raises:
        InputError: The folders are not as described.
        DataError: A crop cannot be written.
    """
    source, destination = Path(source), Path(destination)
    photos = require_images(source)
    before = _open_destination(source, destination)
    settings = crop_settings(cropper)
    stamp = json.dumps(settings, sort_keys=True)
    plan = [_planned(photo, name, source, stamp) for photo, name in _crop_names(photos, source).items()]
    todo = [job for job in plan if not _is_done(job, before.get(job.photo), destination)]
    missing = {job.photo for job in todo}
    done = {job.photo: before[job.photo] for job in plan if job.photo not in missing}
    skipped = len(done)
    with (destination / JOURNAL).open("ab") as journal:
        for record in _run(todo, source, destination, cropper, workers):
            _forget_old_crop(before.get(record.photo), record, destination, plan)
            journal.write(json_bytes(json.dumps(asdict(record), ensure_ascii=False) + "\n"))
            journal.flush()
            done[record.photo] = record
            if progress is not None:
                progress(len(done), len(plan))
    records = tuple(done[job.photo] for job in plan)
    orphans = tuple(sorted(str(old.crop) for name, old in before.items() if name not in done and old.crop is not None))
    report = CropReport(str(source), settings, records, skipped, orphans)
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
    _write(destination / REPORT, json_bytes(text))
    return report


def _planned(photo: Path, crop: str, source: Path, settings: str) -> CropRecord:
    status = photo.stat()
    name = photo.relative_to(source).as_posix()
    return CropRecord(name, status.st_size, status.st_mtime_ns, settings, "cropped", crop, 0, "")


def _crop_names(photos: list[Path], source: Path) -> dict[Path, str]:
    """Give each photo the name of its crop: stem + .png, or the full name + .png where two photos share the stem.

    No two photos get one name: of a.jpg, a.png and a.jpg.png the last would have the name of the first.
    """
    stems = Counter(photo.with_suffix("").as_posix().lower() for photo in photos)
    shared = {photo: stems[photo.with_suffix("").as_posix().lower()] > 1 for photo in photos}
    taken: dict[Path, Path] = {}  # by the crop
    for photo in sorted(photos, key=lambda photo: not shared[photo]):
        target = photo.with_name(photo.name + ".png") if shared[photo] else photo.with_suffix(".png")
        while target in taken:
            target = target.with_name(target.name + ".png")
        taken[target] = photo
    crops = {photo: target.relative_to(source).as_posix() for target, photo in taken.items()}
    return {photo: crops[photo] for photo in photos}


def _is_done(job: CropRecord, old: CropRecord | None, destination: Path) -> bool:
    if old is None or (old.size, old.mtime_ns, old.settings) != (job.size, job.mtime_ns, job.settings):
        return False
    return old.outcome != "cropped" or (old.crop == job.crop and (destination / str(job.crop)).is_file())


def _open_destination(source: Path, destination: Path) -> dict[str, CropRecord]:
    """Make the destination ready and return what its journal holds; refuse a folder that is not ours."""
    inside = destination.resolve()
    if inside == source.resolve() or source.resolve() in inside.parents:
        raise InputError(f"{destination}: lies within the photos, {source}; crops need a folder of their own")
    journal = destination / JOURNAL
    if journal.is_file():
        return _read_journal(journal)
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise InputError(f"{destination}: holds files that marginface did not write; give a new or empty folder")
    try:
        destination.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{destination}: cannot make this folder: {error.strerror}") from None
    _write(journal, json.dumps(_JOURNAL_HEAD).encode() + b"\n")
    return {}


def _read_journal(path: Path) -> dict[str, CropRecord]:
    """Return the last record of each photo; a line torn by a crash is left out, and ended so that the next is whole."""
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        with path.open("ab") as stream:
            stream.write(b"\n")
    records = {}
    for number, line in enumerate(content.decode(errors="replace").split("\n")):  # a name may hold U+2028
        try:
            values = parse_json(line)
            if number == 0:
                if values != _JOURNAL_HEAD:
                    raise DataError(f"{path}: not a crop journal of this version; give a new folder")
                continue
            record = CropRecord(**values)
        except (ValueError, TypeError):
            continue
        records[record.photo] = record
    return records


def _run(
    jobs: list[CropRecord], source: Path, destination: Path, cropper: FaceCropper, workers: int
) -> Iterator[CropRecord]:
    """Do jobs on threads and yield each as it ends, with few photos in memory at a time."""
    if workers < 1:
        raise InputError(f"workers is at least 1; got {workers}")
    waiting: set[Future[CropRecord]] = set()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="crop")
    try:
        for job in jobs:
            waiting.add(pool.submit(_crop_photo, job, source, destination, cropper))
            if len(waiting) >= 2 * workers:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        yield from (future.result() for future in wait(waiting).done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _crop_photo(job: CropRecord, source: Path, destination: Path, cropper: FaceCropper) -> CropRecord:
    made = crop_photo(source / job.photo, cropper)
    if made.png is None:
        reason = made.note.removeprefix(f"{source / job.photo}: ")
        return replace(job, outcome=made.outcome, crop=None, faces=made.faces, note=reason)
    _write(destination / str(job.crop), made.png)
    return replace(job, faces=made.faces, note=made.note)


def _write(path: Path, content: bytes) -> None:
    try:
        write_bytes(path, content)
    except OSError as error:
        raise DataError(f"{path}: cannot write this file: {error.strerror}") from None


def _forget_old_crop(old: CropRecord | None, new: CropRecord, destination: Path, plan: list[CropRecord]) -> None:
    """Remove the crop an earlier run made of this photo, unless it is still some photo's crop."""
    if old is None or old.crop is None or old.crop == new.crop:
        return
    if not any(job.crop == old.crop and job.photo != new.photo for job in plan):
        (destination / old.crop).unlink(missing_ok=True)
