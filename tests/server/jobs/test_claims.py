"""Who works at a job: one at a time; who was silent loses it; what may hold a name is in no file in clear."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marginface.errors import GalleryKeyError, UnknownName
from marginface.gallery import GalleryKey
from marginface.gallery.address import Address
from marginface.server.jobs import ClusterWish, EnrolWish, JobState, JobStore, MigrateWish, PurgeWish, Spool, WrongState
from marginface.server.jobs import claims as claiming
from marginface.server.jobs.claims import CRASHES, TAKEOVERS, TRIES, Claim, JobLost, claim_next
from marginface.server.jobs.tables import JOBS
from marginface.server.jobs.upkeep import Upkeep
from marginface.server.state import State, open_state
from oracles.patience import PATIENCE

KEY = GalleryKey(bytes(range(32)), "a test")
PURGE = PurgeWish(kind="purge")
ENROL = EnrolWish(kind="enrol", collection="staff", consent="signed by Ann Example")
Opened = Callable[[], State]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Open the same state, as another process would."""
    states: list[State] = []

    def another() -> State:
        states.append(open_state(Address(tmp_path / "people.db.service")))
        return states[-1]

    yield another
    for state in states:
        state.close()


@pytest.fixture
def state(opened: Opened) -> State:
    return opened()


@pytest.fixture
def store(state: State) -> JobStore:
    return JobStore(state, KEY)


def claimed(state: State, at_once: int = 1) -> Claim:
    claim = claim_next(state, KEY, at_once)
    assert claim is not None
    return claim


def change(state: State, uid: str, /, **values: object) -> None:
    with state.writing() as connection:
        connection.execute(JOBS.update().where(JOBS.c.uid == uid).values(values))


def test_many_workers_claim_each_job_once(opened: Opened, store: JobStore) -> None:
    jobs = [store.create(PURGE, "", "a key").uid for _ in range(24)]
    taken: list[str] = []

    def work(state: State) -> None:
        while (claim := claim_next(state, KEY, 99)) is not None:
            taken.append(claim.uid)
            claim.progress(1, 1, [{"by": claim.holder}])
            claim.finish({})

    threads = [threading.Thread(target=work, args=(opened(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(taken) == sorted(jobs)
    assert all(len(store.result(job, 0, 10)) == 1 for job in jobs)


def test_no_more_run_at_once_than_may(state: State, store: JobStore) -> None:
    for _ in range(3):
        store.create(PURGE, "", "a key")
    first = claimed(state, 2)
    claimed(state, 2)
    assert claim_next(state, KEY, 2) is None
    first.finish({})
    claimed(state, 2)


def test_who_is_silent_loses_the_job_and_what_they_write_then_counts_no_more(state: State, store: JobStore) -> None:
    uid = store.create(PURGE, "", "a key").uid
    first = claimed(state)
    first.progress(3, 9, [{"item": 1}])
    assert claim_next(state, KEY, 9) is None, "it lives"
    change(state, uid, beat=time.time() - claiming.SILENCE - 1)
    second = claimed(state)
    assert second.uid == uid
    for late in (
        lambda: first.progress(4, 9),
        first.beat,
        lambda: first.finish({}),
        lambda: first.fail("late"),
        first.stopped,
    ):
        with pytest.raises(JobLost):
            late()
    assert second.job().done == 3
    second.finish({"faces": 9})
    assert store.job(uid).summary == {"faces": 9}
    with pytest.raises(JobLost):
        second.beat()


def test_a_job_that_was_left_behind_before_the_clock_was_set_back_is_taken_over(state: State, store: JobStore) -> None:
    uid = store.create(PURGE, "", "a key").uid
    claimed(state)
    change(state, uid, beat=time.time() + 3600)
    assert claimed(state).uid == uid
    change(state, uid, beat=time.time() + 60)
    assert claim_next(state, KEY, 9) is None, "of two machines whose clocks differ, each would take the other's jobs"


def test_a_process_that_ends_is_followed_by_another_and_at_one_place_only_so_often(
    state: State, store: JobStore
) -> None:
    uid = store.create(MigrateWish(kind="migrate", collection="staff"), "c-1", "a key").uid
    for round_ in range(1, TRIES):
        claimed(state).crashed("was ended by SIGKILL")
        assert (store.job(uid).state, store.job(uid).tries.here) == (JobState.QUEUED, round_)
    claimed(state).progress(64, 100)
    assert (store.job(uid).tries.here, store.job(uid).tries.in_all) == (0, TRIES - 1), "it got on"
    change(state, uid, state="queued")
    for _ in range(TRIES):
        claimed(state).crashed("was ended by SIGSEGV")
    told = store.job(uid)
    assert told.state is JobState.FAILED
    assert told.message == "its process was ended by SIGSEGV 5 times, the last 3 times after 64 of it."
    assert told.times.expires > told.times.finished


def test_in_all_it_ends_only_so_often(state: State, store: JobStore) -> None:
    uid = store.create(MigrateWish(kind="migrate", collection="staff"), "c-1", "a key").uid
    for count in range(CRASHES):
        claim = claimed(state)
        claim.progress(count + 1, 100)
        claim.crashed("ended with status 1")
    assert store.job(uid).state is JobState.FAILED


def test_work_that_begins_anew_gets_no_new_tries_for_getting_on(state: State, store: JobStore) -> None:
    uid = store.create(ClusterWish(kind="cluster"), "", "a key").uid
    store.uploaded(uid, f"{uid}.00000000")
    for _ in range(TRIES):
        claim = claimed(state)
        claim.begin_anew()
        claim.progress(50, 100)
        claim.crashed("ended with status 1")
    assert store.job(uid).state is JobState.FAILED


def test_a_job_that_kills_the_service_is_given_up(state: State, store: JobStore) -> None:
    uid = store.create(PURGE, "", "a key").uid
    for _ in range(TAKEOVERS + 1):
        claimed(state)
        change(state, uid, beat=0.0)
    assert claim_next(state, KEY, 1) is None
    assert "the service died 10 times" in store.job(uid).message


def test_an_archive_on_another_machine_is_left_to_that_machine(state: State, store: JobStore) -> None:
    uid = store.create(ENROL, "c-1", "a key").uid
    assert claim_next(state, KEY, 1) is None, "it waits for its archive"
    store.uploaded(uid, f"{uid}.00000000")
    change(state, uid, host="elsewhere")
    assert claim_next(state, KEY, 1) is None
    change(state, uid, host="")
    assert claimed(state).upload() == f"{uid}.00000000"


def test_a_job_is_cancelled_in_every_state(state: State, store: JobStore) -> None:
    waiting, queued, running = (store.create(ENROL, "c-1", "a key").uid for _ in range(3))
    store.uploaded(running, f"{running}.00000000")
    claim = claimed(state)
    store.uploaded(queued, f"{queued}.00000000")
    assert store.cancel(waiting).state is store.cancel(queued).state is JobState.CANCELLED
    assert store.cancel(running).is_stopping
    assert claim.beat().is_cancelled
    claim.progress(2, 9, [{"photo": 1}, {"photo": 2}])
    claim.stopped()
    assert (store.job(running).state, store.result(running, 0, 9)) == (
        JobState.CANCELLED,
        [(1, {"photo": 1}), (2, {"photo": 2})],
    )
    assert store.uploads() == set(), "no archive is needed any more"
    with pytest.raises(WrongState, match="waits for no archive any more"):
        store.uploaded(waiting, f"{waiting}.00000000")
    store.delete(running)
    with pytest.raises(UnknownName):
        store.job(running)


def test_a_job_that_is_not_over_is_not_deleted_and_a_second_archive_is_refused(store: JobStore) -> None:
    uid = store.create(ENROL, "c-1", "a key").uid
    with pytest.raises(WrongState, match="cancel it first"):
        store.delete(uid)
    store.uploaded(uid, f"{uid}.00000000")
    with pytest.raises(WrongState):
        store.seal(uid)
    with pytest.raises(WrongState):
        store.uploaded(uid, f"{uid}.11111111")


def test_a_result_is_read_a_page_at_a_time(state: State, store: JobStore) -> None:
    uid = store.create(PURGE, "", "a key").uid
    claim = claimed(state)
    for first in range(0, 50, 7):
        claim.progress(first + 7, 56, [{"n": number} for number in range(first, first + 7)])
    claim.finish({})
    found: list[int] = []
    while page := store.result(uid, len(found), 10):
        assert [number for number, _ in page] == list(range(len(found) + 1, len(found) + len(page) + 1))
        found += [item["n"] for _, item in page]
    assert found == list(range(56))


def test_names_are_in_no_file_and_open_with_the_right_key_alone(
    state: State, store: JobStore, tmp_path: Path, opened: Opened
) -> None:
    uid = store.create(ENROL, "c-1", "a key").uid
    store.uploaded(uid, f"{uid}.00000000")
    claim = claimed(state)
    claim.progress(1, 2, [{"person": "Ann Example", "photo": "Ann Example/1.jpg"}])
    claim.fail("Ann Example/1.jpg: no")
    for path in tmp_path.iterdir():
        assert b"Ann Example" not in path.read_bytes(), path
    assert store.job(uid).message == "Ann Example/1.jpg: no"
    other = JobStore(opened(), GalleryKey(bytes(32), "another"))
    assert (other.job(uid).state, other.job(uid).settings) == (JobState.FAILED, {})
    assert "Ask for the work anew" in other.job(uid).message
    with pytest.raises(GalleryKeyError):
        other.result(uid, 0, 10)


def test_what_is_due_is_done_and_a_purge_once(
    state: State, store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool")
    expired, kept = store.create(PURGE, "", "a key").uid, store.create(PURGE, "", "a key").uid
    for _ in (expired, kept):
        claimed(state).finish({}, [{"faces": 1}])
    change(state, expired, expires="2020-01-01T00:00:00Z", created="2020-01-01T00:00:00Z")
    change(state, kept, created="2020-01-01T00:00:00Z")
    (tmp_path / "spool").mkdir()
    left = tmp_path / "spool" / f"{expired}.0123abcd"
    left.write_bytes(b"sealed")
    upkeeps = [Upkeep(state, store, spool, purge_every=24) for _ in range(2)]
    for upkeep in upkeeps:
        monkeypatch.setattr(upkeep, "_purging_from", 0.0)
        upkeep.tick()
    with pytest.raises(UnknownName):
        store.job(expired)
    assert store.job(kept).state is JobState.DONE
    assert not left.exists()
    jobs = store.newest(lambda _: True, 10)
    assert [(job.kind, job.asked_by) for job in jobs] == [("purge", "the service"), ("purge", "a key")]
    with state.writing() as connection:
        connection.execute(JOBS.update().values(created="2999-01-01T00:00:00Z"))
    assert upkeeps[0].schedule() is True, "purges of a clock that went wrong put off no other"
    off = Upkeep(state, store, spool, purge_every=0)
    monkeypatch.setattr(off, "_purging_from", 0.0)
    assert off.schedule() is False
