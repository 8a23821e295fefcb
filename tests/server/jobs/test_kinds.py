"""What each kind of job does, in this process: clustering, migration, purge; and an import that was begun before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import anyio
import pytest

from marginface.errors import DataError, InputError
from marginface.gallery import About, Collection, Gallery, GalleryKey
from marginface.pipeline import Recognizer, recognizer
from marginface.server.jobs import ClusterWish, EnrolWish, JobStore, MigrateWish, PurgeWish, Spool, Wish
from marginface.server.jobs.claims import claim_next
from marginface.server.jobs.kinds import KINDS
from marginface.server.jobs.work import JobWork, Stopped
from marginface.server.settings import ServerSettings
from marginface.server.state import State, open_state
from marginface.server.state.places import spool_folder, state_address
from oracles.enrolments import red_recognizer, write_people
from oracles.red_faces import BlueEmbedder
from oracles.sent_archives import tar_of, zip_of
from oracles.served import png_of
from oracles.staff import decode_in_this_process

KEY = GalleryKey(bytes(range(32)), "a test")


class Bench:
    """A gallery and a state, and jobs that are done here and now."""

    def __init__(self, settings: ServerSettings, gallery: Gallery, state: State) -> None:
        self.settings, self.gallery, self.state = settings, gallery, state
        self.store, self.spool = JobStore(state, KEY), Spool(spool_folder(settings.gallery))

    def ask(self, wish: Wish, collection: str = "", archive: bytes = b"") -> str:
        job = self.store.create(wish, collection, "3f9a1c0b77de")
        if archive:
            self.store.uploaded(job.uid, self.send(job.uid, archive))
        return job.uid

    def send(self, uid: str, archive: bytes) -> str:
        async def chunks() -> Any:
            for start in range(0, len(archive), 1000):
                yield archive[start : start + 1000]

        return anyio.run(self.spool.receive, uid, "a test", chunks(), self.store.seal(uid).passphrase)

    def work(self) -> JobWork:
        claim = claim_next(self.state, KEY, 9)
        assert claim is not None
        job = claim.job()
        return JobWork(self.settings, self.gallery.acting(f"job {job.uid} for {job.asked_by}"), claim, job, self.spool)

    def do(self) -> None:
        self.work().do()

    def items(self, uid: str) -> list[dict[str, Any]]:
        return [item for _, item in self.store.result(uid, 0, 1000)]


@pytest.mark.parametrize("name", KINDS)
def test_a_line_of_the_table_names_a_function_of_the_work_and_the_wish(name: str) -> None:
    file, function = KINDS[name].does.split(".")
    does = getattr(import_module(f"marginface.server.jobs.{file}"), function)
    hints = get_type_hints(does)
    assert (hints.pop("return"), *hints.values()) == (NoneType, JobWork, KINDS[name].wish)
    assert get_args(KINDS[name].wish.model_fields["kind"].annotation) == (name,)


@pytest.fixture
def bench(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("marginface.server.jobs.work.load_recognizer", lambda _: red_recognizer())
    decode_in_this_process(monkeypatch)
    with (
        Gallery.open(settings.gallery, key=settings.key_file) as gallery,
        closing(open_state(state_address(settings.gallery))) as state,
    ):
        yield Bench(settings, gallery, state)


@pytest.fixture
def staff(bench: Bench) -> Collection:
    return bench.gallery.create_collection("staff", contract=red_recognizer().contract.id, embedding_size=2)


def test_an_archive_of_photos_becomes_groups_that_name_its_files(bench: Bench) -> None:
    photos = {f"trip/{blue}.png": png_of(blue) for blue in (10, 11, 12, 120, 121, 199)}
    uid = bench.ask(ClusterWish(kind="cluster", similarity=0.99), archive=zip_of({**photos, "trip/bad.jpg": b"no"}))
    bench.do()
    *found, bad = bench.items(uid)
    groups = [sorted(face["photo"] for face in group["faces"]) for group in found]
    assert groups == [
        ["trip/10.png", "trip/11.png", "trip/12.png"],
        ["trip/120.png", "trip/121.png"],
        ["trip/199.png"],
    ]
    summary = bench.store.job(uid).summary
    assert (summary["photos"], summary["faces"], summary["groups"], summary["with_company"]) == (7, 6, 3, 2)
    assert (bad["group"], bad["photo"], bad["codes"]) == (None, "trip/bad.jpg", ["unreadable"])
    assert summary["left_out"] == 1


def test_a_clustering_that_was_stopped_begins_anew(bench: Bench) -> None:
    uid = bench.ask(ClusterWish(kind="cluster"), archive=zip_of({f"{blue}.png": png_of(blue) for blue in range(9)}))
    work = bench.work()
    work.stop.set()
    with pytest.raises(Stopped):
        work.do()
    work.claim.stopped()
    bench.do()
    assert bench.store.job(uid).summary["photos"] == 9


def test_a_collection_is_brought_to_another_model_and_the_old_embeddings_are_erased(
    bench: Bench, staff: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = {f"person {number}/{photo}.png": png_of(9 * number + photo) for number in range(4) for photo in range(2)}
    enrol = EnrolWish(kind="enrol", collection="staff", keep_crops=True)
    bench.ask(enrol, staff.uid, tar_of(photos))
    bench.do()
    other = BlueEmbedder(BlueEmbedder().card.model_copy(update={"name": "other", "sha256": "1" * 64}))
    made = Recognizer(red_recognizer().cropper, other)
    monkeypatch.setattr(recognizer.Recognizer, "load", classmethod(lambda *_, **__: made))
    uid = bench.ask(MigrateWish(kind="migrate", collection="staff", model="sface", erase_old=True), staff.uid)
    bench.do()
    job = bench.store.job(uid)
    assert (job.summary["complete"], job.summary["faces"], job.summary["erased"]["faces"]) == (True, 8, 8)
    assert [info.name for info in bench.gallery.collections()] == ["staff"]
    assert bench.gallery.collection("staff").contract == other.contract.id
    entry = next(one for one in bench.gallery.audit() if one.action == "succeed-collection")
    assert entry.actor == f"job {uid} for 3f9a1c0b77de"


def test_a_migration_whose_process_ended_at_its_very_end_is_finished_and_not_begun_again(
    bench: Bench, staff: Collection
) -> None:
    staff.add_person("Ann")
    retired = bench.gallery.rename_collection("staff", f"staff.retired-{staff.contract}")
    uid = bench.ask(MigrateWish(kind="migrate", collection="staff", erase_old=True), retired.uid)
    bench.do()
    assert bench.store.job(uid).summary["erased"]["people"] == 1
    assert bench.gallery.collections() == []


def test_a_purge_erases_who_is_past_the_day_and_tells_counts_alone(bench: Bench, staff: Collection) -> None:
    staff.add_person("Ann Example", About(retain_until=date(2020, 1, 1)))
    staff.add_person("Ben Example")
    uid = bench.ask(PurgeWish(kind="purge"))
    bench.do()
    assert [person.name for person in staff.people()] == ["Ben Example"]
    summary, (receipt,) = bench.store.job(uid).summary, bench.items(uid)
    assert summary == {"complete": True, "people": 1, "faces": 0, "crops": 0}
    assert (receipt["people"], receipt["complete"], len(receipt["audit_head"])) == (1, True, 64)
    assert "Ann" not in str(receipt) + str(summary)


@pytest.mark.parametrize(
    ("archive", "error", "message"),
    [
        (zip_of({"../Ann/1.png": png_of(1)}), DataError, "leaves it"),
        (zip_of({"Ann/notes.txt": b"no"}), InputError, "no photos in the archive"),
        (zip_of({"all/Ann/1.png": png_of(1)}), InputError, "strip=0 for one person"),
        (b"hello", DataError, "none of them"),
        (tar_of({"Ann/1.png": png_of(1)})[:-30], DataError, "cut off"),
    ],
)
def test_an_archive_that_is_refused_enrols_nobody(
    bench: Bench, staff: Collection, archive: bytes, error: type[Exception], message: str
) -> None:
    bench.ask(EnrolWish(kind="enrol", collection="staff"), staff.uid, archive)
    with pytest.raises(error, match=message):
        bench.do()
    assert staff.people() == []


def test_the_archive_on_the_disk_is_sealed_and_its_owners_alone(bench: Bench, staff: Collection) -> None:
    photo = png_of(7)
    uid = bench.ask(EnrolWish(kind="enrol", collection="staff"), staff.uid, zip_of({"Ann/1.png": photo}))
    (path,) = Path(bench.settings.gallery + ".service.d").iterdir()
    assert photo[100:140] not in path.read_bytes()
    assert b"Ann" not in path.read_bytes()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    bench.do()
    assert bench.spool.sweep(bench.store.uploads()) == 1
    assert bench.store.job(uid).summary["enrolled"] == 1


def test_photos_that_cannot_be_read_and_others_keep_their_order(bench: Bench, staff: Collection) -> None:
    photos = {f"Ann/{number:02d}.png": png_of(3 * number) for number in range(40)}
    photos["Ann/05.png"], photos["Ann/35.png"] = b"no photo", bytes(300_000)
    uid = bench.ask(EnrolWish(kind="enrol", collection="staff"), staff.uid, zip_of(photos))
    bench.do()
    items = bench.items(uid)
    assert [item["photo"] for item in items] == list(photos)
    refused = {item["photo"]: item["reasons"] for item in items if item["outcome"] == "refused"}
    assert sorted(refused) == ["Ann/05.png", "Ann/35.png"]
    assert "a photo may have 200,000" in refused["Ann/35.png"][0]


def test_who_is_erased_is_taken_out_of_the_results(bench: Bench, staff: Collection) -> None:
    photos = {"Ann/1.png": png_of(10), "Ann/bad.png": b"no", "Ben/1.png": png_of(120), "Ann-like/1.png": png_of(10)}
    uid = bench.ask(EnrolWish(kind="enrol", collection="staff"), staff.uid, zip_of(photos))
    bench.do()
    alike = bench.items(uid)[3]
    assert alike["codes"]
    assert "Ann" in str(alike["reasons"])
    staff.erase("Ann")
    assert bench.store.scrub(staff.uid, {person.name for person in staff.people()}) == 3
    items = bench.items(uid)
    assert [(item["person"], item["photo"]) for item in items[:3]] == [(None, None), (None, None), ("Ben", "Ben/1.png")]
    told = str(items).replace("Ann-like", "")
    assert "Ann" not in told
    assert bench.store.scrub(staff.uid, {person.name for person in staff.people()}) == 0


def test_folders_of_photos_on_this_machine_are_never_read(
    bench: Bench, staff: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_people(tmp_path / "here", {"Ann": (5,)})
    monkeypatch.chdir(tmp_path / "here")
    uid = bench.ask(EnrolWish(kind="enrol", collection="staff"), staff.uid, zip_of({"Ann/005.png": b""}))
    bench.do()
    assert bench.items(uid)[0]["codes"] == ["unreadable"]
    assert staff.people() == []
