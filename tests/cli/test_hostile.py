"""Arguments nobody should type, to every command: one message, the documented status, within seconds, no traceback.

Every parameter of every command gets two of the values that HOSTILE has for its kind, one that many commands share
gets one in each; MARGINFACE_TEST_HOSTILE=all gives each parameter all of them (two minutes).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface import cli, cropping, demo, embedding, toy
from marginface.batch import embeddings
from marginface.cli import train as train_command
from marginface.errors import InputError
from marginface.gallery import About, Gallery
from marginface.pipeline import recognizer
from marginface.server.running import serving
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.training import compare, distributed, dry_run, loading, recipe_from, sweep, train
from marginface.weights import ENGINES
from oracles.command_line import HOSTILE, PLACES, TEXTS, Command, Parameter, every_command
from oracles.enrolments import write_people
from oracles.red_faces import BlueEmbedder, RedDetector

# A line of arguments for each command with which it has work to do; NEW is a name that is not there yet.
BASES = {
    "detect": "a.png",
    "verify": "a.png b.png",
    "identify": "a.png --people people",
    "similarities": "a.png b.png",
    "calibrate": "m people --out NEW.toml",
    "cluster": "people --out NEW",
    "embed": "a.png --out NEW.npz",
    "gallery create": "NEW.db --unsealed",
    "gallery enrol": "people.db Ann a.png",
    "gallery identify": "people.db a.png --fpir 0.02",
    "gallery list": "people.db",
    "gallery show": "people.db Ann",
    "gallery rename": "people.db Ann Anna",
    "gallery describe": "people.db Ann",
    "gallery merge": "people.db Ann Bob",
    "gallery move": "people.db Ann other",
    "gallery delete": "people.db Ann",
    "gallery erase": "people.db Ann",
    "gallery purge": "people.db",
    "gallery export": "people.db NEW.archive --clear",
    "gallery import": "people.db people.archive",
    "gallery import-from": "compreface faces.json people.db --take vectors",
    "gallery stats": "people.db",
    "gallery check": "people.db",
    "gallery audit": "people.db",
    "gallery rotate-key": "people.db NEW.key",
    "gallery migrate": "people.db",
    "gallery migrate-schema": "people.db",
    "serve": "people.db",
    "keys create": "--scope detect --gallery people.db",
    "keys list": "--gallery people.db",
    "keys revoke": "k-1 --gallery people.db",
    "jobs list": "--gallery people.db",
    "jobs show": "j-1 --gallery people.db",
    "jobs cancel": "j-1 --gallery people.db",
    "align": "people NEW",
    "data inspect": "people",
    "data convert": "people NEW --format tar",
    "data audit": "people --no-embed",
    "bench data": "people",
    "train": "recipe.toml --out NEW",
    "runs list": "runs",
    "runs show": "runs/one",
    "runs diff": "runs/one runs/one",
    "compare": "recipe.toml --losses arcface --out NEW",
    "sweep": "recipe.toml --loss arcface --grid margin=0.1,0.2 --out NEW",
    "evaluate pairs": "m lfw --pairs pairs.txt --aligned",
    "evaluate templates": "m ijb",
    "evaluate identify": "m people --aligned",
    "evaluate distractors": "m people people --aligned",
    "evaluate tinyface": "m tiny --aligned",
    "evaluate groups": "m rfw --aligned",
    "evaluate all-pairs": "m people --aligned",
    "evaluate scores": "scores.csv",
    "evaluate compare": "scores.csv scores.csv",
    "evaluate suite": "m suite.toml --out NEW",
    "export": "runs/one NEW.onnx",
    "demo": "--out NEW",
    "backbones": "tiny",
    "losses list": "",
    "losses show": "arcface",
    "curves": "arcface --out NEW.png",
    "bounds": "--classes 100",
    "plan": "--classes 100 --memory-gb 1 --gflops 10",
    "toy": "--out NEW",
    "weights list": "",
    "weights pull": "sface",
    "weights verify": "sface",
    "weights convert": "sface NEW",
    "doctor": "",
}
COMMANDS = {command.name: command for command in every_command()}
NUMBER_OF = Counter(parameter for command in COMMANDS.values() for parameter in command.parameters)
SECONDS = 10.0  # of the processor
PATIENCE = 90.0  # seconds by the clock: a busy machine is slow
RECIPE: dict[str, Any] = {
    "data": {"identities": 6, "images_per_identity": 2, "hold_out": 0},
    "backbone": {"name": "tiny", "input_size": 32, "embedding_size": 8},
    "train": {"steps": 2, "batch_size": 4, "threads": 1},
}


class TooSlow(BaseException):
    """No door catches it."""


def begin(*_: object, **__: object) -> None:
    raise InputError("the work begins")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the lines of BASES name."""
    place = tmp_path_factory.mktemp("world")
    write_people(place / "people", {"Ann": (0, 12), "Bob": (100, 110), "Cem": (180,)})
    for name in ("a", "b"):
        shutil.copy(place / "people" / "Ann" / "000.png", place / f"{name}.png")
    recipe = recipe_from(RECIPE)
    train(recipe, place / "runs" / "one")
    shutil.copy(place / "runs" / "one" / "recipe.toml", place / "recipe.toml")
    with Gallery.create(place / "people.db", sealed=False) as gallery:
        staff = gallery.create_collection("people", contract=BlueEmbedder().contract.id, embedding_size=2)
        for name in ("Ann", "Bob"):
            staff.add_person(name, About("signed", "the door"))
        gallery.export_archive(place / "people.archive", passphrase=None)
        gallery.create_collection("other", contract=BlueEmbedder().contract.id, embedding_size=2)
    open_state(state_address(str(place / "people.db"))).close()
    for ending in ("", ".service"):
        (place / f"people.db{ending}").rename(place / f"kept{ending}")
    _write_protocols(place)
    return place


def _write_protocols(place: Path) -> None:
    from marginface.data.synthetic.grouped_pairs import GroupPlan, write_rfw
    from marginface.data.synthetic.ijb import Plan, write_ijb
    from marginface.data.synthetic.tinyface import TinyPlan, write_tinyface

    write_rfw(place / "rfw", GroupPlan(people=3, images=2, folds=2, per_fold=2))
    write_tinyface(place / "tiny", TinyPlan(people=2, distractors=2))
    write_ijb(place / "ijb", Plan(subjects=4, probes=2, photos=1, frames=2, impostors=3))
    lines = ["2\t1"]
    for person in range(4):
        for image in (1, 2):
            path = place / "lfw" / f"P{person}" / f"P{person}_{image:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (112, 112), (40 * person + image, 90, 200)).save(path)
    lines += ["P0\t1\t2", "P0\t1\tP1\t2", "P2\t1\t2", "P2\t1\tP3\t2"]
    (place / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "suite.toml").write_text('name = "s"\n[[protocol]]\nname = "o"\nkind = "identify"\ndata = "people"\n')
    scores = [f"{score},{int(score > 0.5)},{number % 2}" for number, score in enumerate(np.linspace(0, 1, 20))]
    (place / "scores.csv").write_text("score,genuine,fold\n" + "\n".join(scores) + "\n", encoding="utf-8")
    faces = '[{"subject": "Ann", "embedding": [0.6, 0.8], "calculator": "one"}]'
    (place / "faces.json").write_text(faces, encoding="utf-8")


@pytest.fixture
def at_hand(world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to the world, with the red detector and the blue embedder; what takes long says that it would begin."""

    def load(model: str, *, mirror: bool = False, engine: str = "onnxruntime") -> BlueEmbedder:
        ENGINES[engine]
        if model not in ("m", "sface"):
            return embedding_load(model, mirror=mirror, engine=engine)
        return BlueEmbedder()

    embedding_load = embedding.load_embedder
    monkeypatch.setattr(cropping, "load_detector", lambda name: RedDetector())
    for module in (embedding, recognizer, embeddings):
        monkeypatch.setattr(module, "load_embedder", load)
    for place, name in (
        (demo, "run_demo"), (toy, "run_toy"), (compare, "compare"), (sweep, "sweep"), (dry_run, "dry_run"),
        (loading, "measure_loading"), (distributed, "launch"),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, begin)
    monkeypatch.setattr("marginface.training.train", begin)
    monkeypatch.setattr(serving, "run", begin)
    monkeypatch.setenv("MARGINFACE_GALLERY", str(world / "served.db"))
    monkeypatch.setattr(train_command, "progress_bar", no_bar)
    monkeypatch.setenv("MARGINFACE_CONFIG", str(world / "config"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(world)
    return world


@contextmanager
def no_bar() -> Iterator[None]:
    yield None


def restore(world: Path) -> None:
    """Put the hostile places, and the gallery, back as they were."""
    for name in (*PLACES, *TEXTS):
        place = world / name[:200]
        if place.is_dir() and place.resolve() not in (world, *world.parents):
            shutil.rmtree(place)
        elif place.is_file():
            place.unlink()
    (world / "folder").mkdir()
    (world / "garbage").write_bytes(bytes(range(256)) * 8)
    (world / "empty").write_bytes(b"")
    for left in world.glob("people.db*"):
        left.unlink()
    for ending in ("", ".service"):
        shutil.copy(world / f"kept{ending}", world / f"people.db{ending}")


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_numbers = iter(range(10**9))


def lines_of(command: Command) -> Iterator[list[str]]:
    """Yield the base line with one argument or option at a time put in a hostile place."""
    base = BASES[command.name].split()
    arguments = [one for one in command.parameters if not one.flag]
    for number, parameter in enumerate(command.parameters):
        count = 1 if NUMBER_OF[parameter] > 4 else 2
        for value in _chosen(HOSTILE[parameter.kind], count, zlib.crc32(command.name.encode()) + number):
            line = _with(base, arguments, parameter, value)
            yield [part.replace("NEW", f"new-{next(_numbers)}") for part in line]


def _chosen(values: tuple[str, ...], count: int, place: int) -> list[str]:
    if os.environ.get("MARGINFACE_TEST_HOSTILE") == "all":
        return list(values)
    return [values[(place + number * len(values) // 2) % len(values)] for number in range(count)]


def _with(base: list[str], arguments: list[Parameter], parameter: Parameter, value: str) -> list[str]:
    if parameter.flag:
        line = list(base)
        if parameter.flag in line:
            line[line.index(parameter.flag) + 1] = value
            return line
        return [*line, f"{parameter.flag}={value}"]
    position = arguments.index(parameter)
    free = [number for number, part in enumerate(base) if not _is_option(base, number)]
    line = list(base)
    if position < len(free):
        line[free[position]] = value
        return line
    return [*line, value]


def _is_option(line: list[str], number: int) -> bool:
    """Say whether a part of a line is a flag or the value of one."""
    flags = {"--aligned", "--no-embed", "--unsealed", "--clear"}  # those of BASES without a value
    before = line[number - 1] if number else ""
    return line[number].startswith("--") or (before.startswith("--") and before not in flags)


def fault(line: list[str], answer: Result, seconds: float) -> str:
    """Return what is wrong with an answer, or nothing."""
    said = answer.output
    if isinstance(answer.exception, BaseException) and not isinstance(answer.exception, SystemExit):
        return f"raises {answer.exception!r}"
    if answer.exit_code not in (0, 1, 2, 3):
        return f"ends with status {answer.exit_code}"
    if answer.exit_code == 2 and not said.strip():
        return "says nothing"
    unwanted = re.search(r"Traceback|\[Errno|<class|object at 0x|Warning:|\{0\}%s.*\{0\}%s.*\{0\}%s", said)
    if unwanted:
        return f"says {unwanted.group()!r}"
    if seconds > SECONDS:
        return f"takes {seconds:.0f} s"
    return ""


@pytest.mark.allow_hosts(["127.0.0.1"])  # serve looks whether its address is free
@pytest.mark.enable_socket
@pytest.mark.parametrize("name", list(COMMANDS))
def test_hostile_arguments_end_with_one_message(name: str, at_hand: Path) -> None:
    faults = []
    for line in lines_of(COMMANDS[name]):
        restore(at_hand)
        started = time.process_time()
        try:
            with at_most(PATIENCE):
                answer = CliRunner().invoke(cli.app, [*COMMANDS[name].words, *line])
        except TooSlow:
            faults.append(f"{line}: takes more than {PATIENCE:.0f} s")
            continue
        if wrong := fault(line, answer, time.process_time() - started):
            faults.append(f"{' '.join(part[:60] or '(empty)' for part in line)}: {wrong}")
    assert not faults, "\n".join(["", *faults])


def test_every_command_is_fed() -> None:
    assert sorted(BASES) == sorted(COMMANDS), "a new command has a line of arguments in BASES"
