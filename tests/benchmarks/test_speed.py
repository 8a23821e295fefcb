"""benchmarks/speed.py: one run of all benchmarks that tells what failed, goes on, and becomes README's table."""

from __future__ import annotations

import importlib
import json
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from oracles.patience import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("speed_figures", "speed_parts", "speed_table", "speed")
PLACES = {"photos": "/data/lfw", "crops": "/w/crops", "photo_a": "/data/a.jpg", "photo_b": "/data/b.jpg"}
OTHERS = {"insightface": "/x/insightface", "opencv_python": "/v/python", "deepface_python": "/d/python"}


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """Return the four files, imported as a script in their folder would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield {name: importlib.import_module(name) for name in NAMES}
        for name in NAMES:
            sys.modules.pop(name)


@pytest.fixture
def speed(modules: dict[str, ModuleType]) -> ModuleType:
    return modules["speed"]


def part(modules: dict[str, ModuleType], name: str, code: str, **options: Any) -> Any:
    """Return a part that runs Python and yields the number it wrote."""
    figure = modules["speed_figures"].Figure
    command = f"{{python}} -c {shlex.quote(code)} {{out}}"
    options = {"limit": PATIENCE, **options}
    return modules["speed_parts"].Part(name, command, lambda got: [figure(name, got[0].numbers["n"], "s")], **options)


SLEEPS = f"import time; time.sleep(600 + {os.getpid()})"  # no other process of this machine runs it
WRITES = "import json, sys; json.dump(dict(n=7), open(sys.argv[1], 'w'))"


@pytest.fixture
def run(speed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function parts, options → the report and what was printed."""
    monkeypatch.setattr(speed, "prepared", lambda _: (PLACES, "drawn"))
    work = tmp_path / "work" / "all"
    work.mkdir(parents=True)

    def call(parts: list[Any], *options: str) -> dict[str, Any]:
        out = tmp_path / "speed.json"
        monkeypatch.setattr(speed, "PARTS", tuple(parts))
        monkeypatch.setattr(sys, "argv", ["speed.py", "--work", str(work.parent), "--out", str(out), *options])
        speed.main()
        return dict(json.loads(out.read_text(encoding="utf-8")))

    before = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("smoke", [False, True])
def test_every_part_has_a_command_whose_places_are_known(modules: dict[str, ModuleType], smoke: bool) -> None:
    for one in modules["speed_parts"].PARTS:
        for given in (PLACES, PLACES | OTHERS):
            places = {**given, "out": "/w/out.json", "fresh": "/w/fresh"}
            words = one.words(places, smoke=smoke)
            assert words[0] in (sys.executable, "make")
            assert not [word for word in words if "{" in word]
            script = [word for word in words if word.startswith("benchmarks/")]
            assert all((ROOT / name).is_file() for name in script)
            shown = one.shown(places, smoke=smoke)
            assert not [word for word in shlex.split(shown) if word.startswith("/")], "no path of this machine"
        assert set(one.optional) <= set(OTHERS)
        assert all(place in one.command for place in one.sizes)


def test_the_usual_parts_are_within_reach_of_twenty_five_minutes(modules: dict[str, ModuleType]) -> None:
    usual = [one for one in modules["speed_parts"].PARTS if one.is_usual]
    assert {"startup", "demo", "head", "photos", "search", "gallery", "service"} <= {one.name for one in usual}
    assert all(one.limit <= 420 for one in usual)


def test_a_part_that_fails_is_told_and_the_others_run(modules: dict[str, ModuleType], run: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(
            [
                part(modules, "broken", "raise SystemExit('no room in /data/lfw')"),
                part(modules, "silent", "raise SystemExit(4)"),
                part(modules, "slow", "import time; time.sleep(600)", limit=0.5),
                part(modules, "odd", "import json, sys; json.dump(dict(), open(sys.argv[1], 'w'))"),
                part(modules, "whole", WRITES),
            ]
        )
    assert stopped.value.code == 1
    parts = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))["parts"]
    assert {name: state.get("why", state["state"]) for name, state in parts.items()} == {
        "broken": "no room in PHOTOS",
        "silent": "it ended with 4 and without a word",
        "slow": "it was not done after 0.5 s",
        "odd": "its answer is not as expected: KeyError: 'n'",
        "whole": "measured",
    }
    assert parts["whole"]["figures"] == [
        {"what": "whole", "value": 7, "unit": "s", "least": None, "most": None, "beside": []}
    ]
    assert parts["whole"]["command"].endswith("OUT")


def test_what_a_part_that_takes_too_long_has_started_is_ended_too(speed: ModuleType, tmp_path: Path) -> None:
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}])"
    began = time.monotonic()
    with pytest.raises(speed.Failure, match="was not done"):
        speed.run_once([sys.executable, "-c", f"{code}; {SLEEPS}"], {}, tmp_path / "log", 1.5)
    assert time.monotonic() - began < PATIENCE
    wait_for(lambda: not alive(SLEEPS), "what the part has started lives on")


def alive(code: str) -> list[psutil.Process]:
    """Return the processes that run this and have not ended."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if code in " ".join(one.cmdline()) and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


def test_a_run_that_is_told_to_end_ends_its_part(modules: dict[str, ModuleType], run: Any) -> None:
    def tell() -> None:
        wait_for(lambda: alive(SLEEPS), "the part does not start")
        os.kill(os.getpid(), signal.SIGTERM)

    telling, began = threading.Thread(target=tell), time.monotonic()
    telling.start()
    with pytest.raises(SystemExit, match="run it again to go on"):
        run([part(modules, "long", SLEEPS)])
    telling.join(PATIENCE)
    assert time.monotonic() - began < 2 * PATIENCE
    assert not alive(SLEEPS)


def test_a_second_run_measures_what_is_missing_and_what_is_named_again(
    modules: dict[str, ModuleType], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [part(modules, name, WRITES) for name in ("one", "two", "three")]
    run(parts[:2])
    report = run(parts, "--again", "two")
    assert list(report["parts"]) == ["one", "two", "three"]
    said = capsys.readouterr().out.splitlines()[2:]
    assert [line.partition(",")[0] for line in said] == ["one: measured before", "two: measured", "three: measured"]


def test_a_part_of_another_commit_stands_until_it_is_measured_anew(
    modules: dict[str, ModuleType], run: Any, speed: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [part(modules, name, WRITES) for name in ("one", "two")]
    monkeypatch.setattr(speed, "source_commit", lambda: "old")
    run(parts)
    monkeypatch.setattr(speed, "source_commit", lambda: "new")
    report = run(parts, "--only", "two")
    assert {name: state["commit"] for name, state in report["parts"].items()} == {"one": "old", "two": "new"}


def test_parts_beyond_the_time_are_left_out_and_said(modules: dict[str, ModuleType], run: Any) -> None:
    report = run([part(modules, "one", WRITES)], "--minutes", "0.01")
    assert report["parts"]["one"]["why"] == "the time was over"


def test_the_environment_of_a_part_is_its_own(
    modules: dict[str, ModuleType], run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    code = "import json, os, sys; json.dump(dict(n=os.environ.get('OMP_NUM_THREADS')), open(sys.argv[1], 'w'))"
    report = run([part(modules, "free", code), part(modules, "set", code, environment={"OMP_NUM_THREADS": "2"})])
    assert [one["figures"][0]["value"] for one in report["parts"].values()] == [None, "2"]
    assert report["parts"]["set"]["command"].startswith("OMP_NUM_THREADS=2 python")


def test_drawn_faces_are_photos_where_none_are_given(
    speed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "DRAWN", {True: (2, 1, 3)})
    assert speed.chosen_photos(None, tmp_path / "photos", smoke=True) == "drawn"
    assert len(list((tmp_path / "photos").glob("*/*.jpg"))) == 6


def test_given_photos_are_linked_people_of_several_first(speed: ModuleType, tmp_path: Path) -> None:
    for person, count in (("Ann", 1), ("Bob", 3), ("Cy", 2)):
        for number in range(count):
            photo = tmp_path / "people" / person / f"{number}.jpg"
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.write_bytes(b"")
    assert speed.chosen_photos(tmp_path / "people", tmp_path / "photos", smoke=False) == "people"
    links = sorted((tmp_path / "photos").glob("*/*"))
    assert [link.parent.name for link in links] == ["Ann", "Bob", "Bob", "Bob", "Cy", "Cy"]
    assert all(link.is_symlink() for link in links)


REPORT = {
    "photos": "lfw",
    "environment": {"cores": "2", "processor": "AMD EPYC", "python": "3.11.7"},
    "parts": {
        "loading": {
            "state": "measured",
            "commit": "1234567890",
            "seconds": 61.0,
            "others": 0.02,
            "figures": [
                {
                    "what": "loader",
                    "value": 18299.28,
                    "unit": "images/s",
                    "least": 15496.7,
                    "most": 18918.4,
                    "beside": [{"over": "PIL", "value": 2.536, "least": 2.268, "most": None}],
                },
                {"what": "verify", "value": 0.6412, "unit": "s", "least": None, "most": None, "beside": []},
            ],
        },
        "demo": {"state": "failed", "why": "no room", "commit": "1234567890", "seconds": 3.0},
    },
}


def test_the_table_has_a_row_for_each_figure_and_says_what_is_missing(modules: dict[str, ModuleType]) -> None:
    lines = modules["speed_table"].table(REPORT).splitlines()
    assert lines[2:4] == [
        "| loader | 18,299 images/s [15,497, 18,918] | 2.54 [2.27, …] × PIL |",
        "| verify | 0.641 s |  |",
    ]
    assert "Commit 1234567, 2 × AMD EPYC, Python 3.11.7, photos: lfw, 1 minutes in all" in lines[6]
    assert "at most 0.02 cores" in lines[6]
    assert lines[-1] == "Not measured: demo (no room)."


def test_the_table_stands_between_the_markers_of_a_page_and_is_replaced(modules: dict[str, ModuleType]) -> None:
    module = modules["speed_table"]
    page = f"# Speed\n\n{module.BEGIN}\nold\n{module.END}\n\nmore\n"
    once = module.inserted(page, REPORT)
    assert once == f"# Speed\n\n{module.BEGIN}\n{module.table(REPORT)}\n{module.END}\n\nmore\n"
    assert module.inserted(once, REPORT) == once
    with pytest.raises(SystemExit, match="expected one line"):
        module.inserted("# No markers\n", REPORT)


def test_readme_has_the_table_of_the_last_run(modules: dict[str, ModuleType]) -> None:
    module = modules["speed_table"]
    if not module.RESULTS.is_file():
        pytest.skip("no run yet: make speed")
    report = json.loads(module.RESULTS.read_text(encoding="utf-8"))
    assert not report["smoke"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert module.inserted(readme, report) == readme, "python benchmarks/speed_table.py README.md"
