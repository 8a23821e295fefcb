"""Every benchmark of speed, one after the other, in 25 minutes of a quiet machine: benchmarks/results/speed.json.

    make speed DATA=LFW                                              # or without DATA: drawn faces
    python benchmarks/speed.py --photos LFW --insightface CHECKOUT --opencv-python VENV/bin/python \\
        --deepface-python VENV/bin/python
    python benchmarks/speed.py --smoke --out /tmp/speed.json        # tiny sizes: does everything run?

Each part (speed_parts.py) is a process with a limit of time. One that fails is told, and the others run all the same.
Run it again to go on: what is measured of this commit, with these photos, is not measured again; ``--again`` names what
is to be, ``--only`` what alone is run (``tests``, the whole suite, is run when it is named). ``others`` is how many
cores other processes took meanwhile: a figure beside others is none. The answers themselves stay in --work.
``python benchmarks/speed_table.py README.md`` makes the table of README.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from PIL import Image
from speed_figures import Answer
from speed_parts import PARTS, Part

from marginface.data.synthetic import draw_photo
from marginface.environment import describe_environment, source_commit
from marginface.files import write_whole
from marginface.images import list_images

ROOT = Path(__file__).resolve().parents[1]
MOST_PHOTOS = 4000
DRAWN = {False: (300, 4, 1), True: (10, 2, 15)}  # smoke: people, photos of each, copies of other JPEG qualities
Places = Mapping[str, str]
State = dict[str, Any]


class Failure(Exception):
    """A part that did not work, and why."""


# photos


def chosen_photos(given: Path | None, into: Path, *, smoke: bool) -> str:
    """Fill a folder with a folder for each person: links to photos, or drawn faces. Return whose they are."""
    if into.exists():
        shutil.rmtree(into)
    if given is not None:
        people = [sorted(list_images(person)) for person in sorted(given.iterdir()) if person.is_dir()]
        people = sorted((photos for photos in people if photos), key=lambda photos: len(photos) < 2)
        for path in islice((photo for photos in people for photo in photos), 300 if smoke else MOST_PHOTOS):
            link = into / path.parent.name / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        return given.resolve().name
    count, each, copies = DRAWN[smoke]
    for person in range(count):
        (into / f"person-{person:03d}").mkdir(parents=True)
        for number in range(each):
            photo = Image.fromarray(draw_photo(person, number, size=(240, 320))[0])
            for copy in range(copies):
                photo.save(into / f"person-{person:03d}" / f"{number}-{copy}.jpg", quality=95 - copy)
    return "drawn"


def prepared(asked: argparse.Namespace) -> tuple[dict[str, str], str]:
    """Return the places that commands name, and whose photos they are."""
    photos, crops = asked.work / "photos", asked.work / "crops"
    whose = chosen_photos(asked.photos, photos, smoke=asked.smoke)
    command = [sys.executable, "-m", "marginface", "align", str(photos), str(crops), "--face", "center"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    first, second = islice(cycle(sorted(photos.glob("*/*"))), 2)
    places = {"photos": photos, "crops": crops, "photo_a": first, "photo_b": second}
    for name in ("insightface", "opencv_python", "deepface_python"):
        if getattr(asked, name) is not None:
            places[name] = Path(os.path.abspath(getattr(asked, name)))  # noqa: PTH100  a link to an interpreter stays one
    return {name: str(place) for name, place in places.items()}, whose


# a part


def busy_seconds() -> float | None:
    """Return the processor seconds that all processes of the machine took since it started, where that is told."""
    listing = Path("/proc/stat")
    if not listing.is_file():
        return None
    user, nice, system, _, _, irq, softirq, steal = map(int, listing.read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Return the processor seconds of this process and of those of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def run_once(words: list[str], environment: Mapping[str, str], log: Path, limit: float) -> float:
    """Run a command in a group of processes of its own and return its seconds.

    Raises:
        Failure: it took longer than the limit, and was ended with all it had started; or it failed.
    """
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            words, stdout=stream, stderr=stream, cwd=ROOT, env={**inherited(), **environment}, start_new_session=True
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"it was not done after {limit:.3g} s") from None
        finally:
            end(process)
    if code:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Failure(said[-1] if said else f"it ended with {code} and without a word")
    return time.monotonic() - began


def inherited() -> dict[str, str]:
    """Return the environment without what changes speed: each part says its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MALLOC_"))}


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and in any case what it left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(part: Part, places: Places, asked: argparse.Namespace, limit: float) -> list[Answer]:
    """Run the command of a part as often as it wants to be run."""
    found = []
    for number in range(1 if asked.smoke else part.times):
        out, fresh = asked.work / f"{part.name}-{number}.json", asked.work / "fresh"
        out.unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        words = part.words({**places, "out": str(out), "fresh": str(fresh)}, smoke=asked.smoke)
        taken = run_once(words, part.environment, asked.work / f"{part.name}.log", limit)
        numbers = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
        found.append(Answer(numbers, taken))
        limit -= taken
    return found


def measured(part: Part, places: Places, asked: argparse.Namespace, left: float) -> State:
    """Return what came of a part; never raises for what went wrong in it."""
    shown = {name: name for name in places} | {"out": "", "fresh": ""}
    state: State = {"command": part.shown(shown, smoke=asked.smoke), "commit": source_commit() or "unknown"}
    if left < 1:
        return {**state, "state": "left out", "why": "the time was over", "seconds": 0.0}
    began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    try:
        figures = [asdict(figure) for figure in part.read(answers(part, places, asked, min(part.limit, left)))]
        state |= {"state": "measured", "figures": figures}
    except Failure as failure:
        state |= {"state": "failed", "why": without_places(str(failure), places, asked.work)}
    except (KeyError, IndexError, ValueError) as error:
        state |= {"state": "failed", "why": f"its answer is not as expected: {type(error).__name__}: {error}"}
    state["seconds"] = round(time.monotonic() - began, 1)
    after = busy_seconds()
    if busy is not None and after is not None:
        state["others"] = round(max(0.0, (after - busy) - (own_seconds() - own)) / max(state["seconds"], 0.1), 2)
    return state


def without_places(text: str, places: Places, work: Path) -> str:
    """Return a message without the paths of this machine, on one short line."""
    for name, place in [*places.items(), ("work", str(work)), ("repository", str(ROOT))]:
        text = text.replace(place, name.upper())
    return " ".join(text.split())[:200]


# all of them


def standing(before: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, State]:
    """Return the parts of an earlier run with the same photos, in the same size; each says its commit."""
    is_alike = all(before.get(key) == fresh[key] for key in ("smoke", "photos"))
    return dict(before.get("parts", {})) if is_alike else {}


def is_done(part: Part, parts: Mapping[str, State], again: list[str]) -> bool:
    """Return whether a part is measured at this commit and is not to be measured anew."""
    if part.name not in parts or part.name in again or "all" in again:
        return False
    state = parts[part.name]
    return state["state"] == "measured" and state["commit"] == (source_commit() or "unknown")


def write(report: Mapping[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    write_whole(out, lambda stream: stream.write(text.encode()))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder for each person, as LFW; without it faces are drawn")
    parser.add_argument("--insightface", type=Path, help="a checkout, to be measured beside ours")
    parser.add_argument("--opencv-python", type=Path, help="an interpreter with OpenCV 4")
    parser.add_argument("--deepface-python", type=Path, help="an interpreter with deepface")
    parser.add_argument("--only", default="", help="parts, with commas: " + ", ".join(part.name for part in PARTS))
    parser.add_argument("--again", default="", help="parts to measure anew, with commas; all: every one")
    parser.add_argument("--minutes", type=float, default=25.0, help="of all parts together")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--work", type=Path, default=Path("runs/speed"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed.json"))
    asked = parser.parse_args()
    names = [part.name for part in PARTS]
    unknown = [name for name in split(asked.only) + split(asked.again) if name not in [*names, "all"]]
    if unknown:
        parser.error(f"no part is named {unknown[0]!r}; there are {', '.join(names)}")
    asked.work = asked.work.resolve() / ("smoke" if asked.smoke else "all")
    return asked


def wanted_parts(names: list[str]) -> list[Part]:
    """Return the parts of these names, or those that are run without being named."""
    return [part for part in PARTS if (part.name in names if names else part.is_usual)]


def split(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; run it again to go on"))  # so that a part is ended too
    asked = options()
    began, out = time.monotonic(), asked.out
    before = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    places, whose = prepared(asked)
    report: dict[str, Any] = {"smoke": asked.smoke, "photos": whose, "parts": {}, "environment": describe_environment()}
    parts = standing(before, report)
    for part in wanted_parts(split(asked.only)):
        if is_done(part, parts, split(asked.again)):
            print(f"{part.name}: measured before", flush=True)
            continue
        left = 60 * asked.minutes - (time.monotonic() - began)
        state = parts[part.name] = measured(part, places, asked, left)
        report["parts"] = {known.name: parts[known.name] for known in PARTS if known.name in parts}
        write(report, out)
        said = state.get("why") or f"{len(state['figures'])} figures"
        print(f"{part.name}: {state['state']}, {said}, {state['seconds']:.0f} s", flush=True)
    if any(state["state"] == "failed" for state in parts.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
