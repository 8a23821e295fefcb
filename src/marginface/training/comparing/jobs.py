"""The runs of a comparison: a folder each, one after the other or side by side, what is finished is not done again.

DIR/VARIANT/seed-N/
    recipe.toml     what is trained
    run/            the run folder of ``marginface train``
    outcome.json    finished, diverged or failed, with a message, seconds and peak memory
    log.txt         what a run on its own process said
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from marginface.documents import parse_json
from marginface.errors import MarginfaceError, TrainingDiverged
from marginface.files import write_bytes
from marginface.training.allocator import keep_freed_memory
from marginface.training.folder.lock import held, holder
from marginface.training.folder.names import LOG, OUTCOME, RECIPE, REPORT, RUN
from marginface.training.interrupt import StopRequest, TrainingInterrupted, stop_on_signal
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import read_recipe, write_recipe
from marginface.training.run import train

Status = Literal["waiting", "interrupted", "finished", "diverged", "failed"]
Tell = Callable[[str], None]
_POLL = 0.2  # seconds between two looks at the processes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job; ``seconds`` are of all its sittings, ``peak_mb`` is that of its process, 0 if not known."""

    status: Status
    message: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """One variant with one seed in one folder."""

    label: str
    seed: int
    folder: Path

    @property
    def run(self) -> Path:
        """Return the run folder."""
        return self.folder / RUN

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"{self.label}, seed {self.seed}"

    def outcome(self) -> Outcome:
        """Return what came of it so far."""
        path = self.folder / OUTCOME
        return Outcome(**parse_json(path.read_text(encoding="utf-8"))) if path.is_file() else Outcome("waiting")

    def is_done(self) -> bool:
        """Say whether there is nothing left to do: a run that diverged would diverge again."""
        return self.outcome().status in ("finished", "diverged")


def prepare(job: Job, recipe: Recipe) -> Job:
    """Make the folder of a job with its recipe."""
    if not (job.folder / RECIPE).is_file():
        job.folder.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, job.folder / RECIPE)
    return job


def train_job(job: Job) -> Outcome:
    """Train a job in this process, or go on with it, and write down what came of it.

    If another process is at it, one that outlived a killed comparison, this waits for what comes of that.

    Raises:
        TrainingInterrupted: by Ctrl-C; the outcome says so too.
    """
    with held(job.folder, "training", patience=math.inf):
        return job.outcome() if job.is_done() else _train_job(job)


def _train_job(job: Job) -> Outcome:
    before, started = job.outcome(), time.perf_counter()

    def note(status: Status, message: str = "") -> Outcome:
        seconds = before.seconds + time.perf_counter() - started
        outcome = Outcome(status, message, round(seconds, 2), max(before.peak_mb, peak_memory_mb()))
        text = json.dumps(asdict(outcome), ensure_ascii=False, indent=2) + "\n"
        write_bytes(job.folder / OUTCOME, text.encode())
        return outcome

    try:
        if not (job.run / REPORT).is_file():
            train(read_recipe(job.folder / RECIPE), job.run, resume=(job.run / RECIPE).is_file())
        return note("finished")
    except TrainingInterrupted as stopped:
        note("interrupted", str(stopped))
        raise
    except TrainingDiverged as error:
        return note("diverged", str(error))
    except MarginfaceError as error:
        return note("failed", str(error))


def run_here(jobs: Sequence[Job], tell: Tell) -> None:
    """Train the jobs that are not done, one after the other in this process.

    Raises:
        TrainingInterrupted: by Ctrl-C.
    """
    for job in (job for job in jobs if not job.is_done()):
        tell(f"{job.name}: training{_waits_for(job)}")
        tell(_told(job, train_job(job)))


def run_apart(jobs: Sequence[Job], at_once: int, tell: Tell) -> None:
    """Train the jobs that are not done, each in a process of its own, so that its peak memory is its own.

    Raises:
        TrainingInterrupted: by Ctrl-C or SIGTERM, after every process has saved its run.
    """
    waiting = deque(job for job in jobs if not job.is_done())
    running: dict[Job, subprocess.Popen[bytes]] = {}
    with stop_on_signal() as stop:
        try:
            while running or (waiting and not stop.wanted):
                while waiting and len(running) < at_once and not stop.wanted:
                    job = waiting.popleft()
                    tell(f"{job.name}: training ({len(jobs) - len(waiting)} of {len(jobs)}){_waits_for(job)}")
                    running[job] = _start(job)
                _wait(running, stop, tell)
        finally:
            for process in running.values():
                process.kill()
    if stop.wanted:
        raise TrainingInterrupted("stopped; what was trained is saved")


def _waits_for(job: Job) -> str:
    """Say who is at a job already, if somebody is."""
    found = holder(job.folder)
    if found is None:
        return ""
    return f": waiting for {found}, which is at it already, left by a comparison that was killed"


def _start(job: Job) -> subprocess.Popen[bytes]:
    """Start a process for a job: in a session of its own, so that a Ctrl-C reaches it once, from us."""
    command = [sys.executable, "-m", __name__, str(job.folder)]
    with (job.folder / LOG).open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603


def _wait(running: dict[Job, subprocess.Popen[bytes]], stop: StopRequest, tell: Tell) -> None:
    """Wait until a process ends; if someone asked to stop, pass it on and wait for all."""
    while running and not any(process.poll() is not None for process in running.values()) and not stop.wanted:
        time.sleep(_POLL)
    if stop.wanted:
        tell(f"stopping: {len(running)} running, each finishes its step and saves")
        for process in running.values():
            process.send_signal(signal.SIGINT)
        for process in running.values():
            process.wait()
    for job in [job for job, process in running.items() if process.poll() is not None]:
        code = running.pop(job).returncode
        outcome = job.outcome()
        if code not in (0, 130) and not stop.wanted:
            log = (job.folder / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            last = log[-1] if log else "it said nothing"
            outcome = Outcome("failed", f"its process ended with status {code}: {last}")
            text = json.dumps(asdict(outcome), ensure_ascii=False, indent=2) + "\n"
            (job.folder / OUTCOME).write_text(text, encoding="utf-8")
        tell(_told(job, outcome))


def _told(job: Job, outcome: Outcome) -> str:
    reason = f": {outcome.message}" if outcome.message else ""
    return f"{job.name}: {outcome.status} after {outcome.seconds:.0f} s{reason}"


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in MB, 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0.0
    lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    return next((round(int(line.split()[1]) / 1024, 1) for line in lines if line.startswith("VmHWM:")), 0.0)


def main(folder: Path) -> int:
    """Train the job of a folder in a process made for it; return the exit status."""
    keep_freed_memory()
    try:
        train_job(Job(folder.parent.name, 0, folder))
    except TrainingInterrupted:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
