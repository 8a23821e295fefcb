"""Kill a process that enrols, deletes and merges, again and again with SIGKILL; started by test_killed.py.

A child says by a pipe what it is about to do, and that it is done. The parent kills it at a random moment and does what
was acknowledged to plain dictionaries; the verb that was under way may have happened or not. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from marginface.gallery import Collection, Gallery
from marginface.values import Embedding
from oracles.galleries import CONTRACT, SIZE, PlainGallery, new_face, state_of, unit

KILLS = 100
MOST = 4  # verbs that a child may finish before the one in which it is killed
LONGEST = 0.008  # seconds after the begin of that one
Verb = list[Any]


def next_verb(chance: random.Random, names: list[str], number: int) -> Verb:
    """Choose what to do next, among people who are there."""
    if len(names) < 5 or chance.random() < 0.5:
        again = chance.choice(names) if names and chance.random() < 0.3 else f"Person {number}"
        return ["add", again, [f"photo {chance.randrange(10**6)}" for _ in range(3)]]
    kind = chance.choice(["delete", "erase", "merge", "rename"])
    if kind == "merge":
        return [kind, *chance.sample(names, 2)]
    if kind == "rename":
        return [kind, chance.choice(names), f"Renamed {number}"]
    return [kind, chance.choice(names)]


def do(verb: Verb, target: Collection | PlainGallery) -> None:
    kind, *values = verb
    if kind == "add":
        name, photos = values
        target.add_many({name: [new_face(np.random.default_rng(len(photo)), photo) for photo in photos]})
    elif kind == "erase" and isinstance(target, PlainGallery):
        target.delete(*values)
    else:
        getattr(target, kind)(*values)


def child(path: Path, pipe: int, seed: int) -> None:
    chance = random.Random(seed)
    with Gallery.open(path) as gallery:
        staff = gallery.collection()
        staff.search(Embedding(unit(np.random.default_rng(0)).astype(np.float32), CONTRACT))
        for number in range(10**6):
            verb = next_verb(chance, [person.name for person in staff.people()], seed * 10_000 + number)
            os.write(pipe, (json.dumps(verb) + "\n").encode())
            do(verb, staff)
            os.write(pipe, b"done\n")


def killed_child(path: Path, seed: int, chance: random.Random) -> list[str]:
    """Let a child work for a moment and kill it; return the lines that it wrote."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.close(reading)
            child(path, writing, seed)
        except BaseException:  # noqa: BLE001 - whatever it is, a child must not go on as its parent
            traceback.print_exc()
        os._exit(1)
    os.close(writing)
    content, wanted = b"", chance.randint(0, MOST)
    while content.count(b"\n") < 2 * wanted + 1:  # so many verbs are done, and the next has begun
        if not (more := os.read(reading, 1 << 16)):
            break
        content += more
    time.sleep(chance.uniform(0, LONGEST))
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        sys.exit(f"the child ended by itself with status {status}")
    while more := os.read(reading, 1 << 16):
        content += more
    os.close(reading)
    return content.decode().splitlines()


def main(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    path, key = folder / "people.db", folder / "keys" / "gallery.key"
    os.environ["MARGINFACE_CONFIG"] = str(key.parent)
    with Gallery.create(path) as gallery:
        gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
    told: dict[str, Any] = {"acknowledged": 0, "under_way": 0, "happened": 0, "wrong": []}
    plain = PlainGallery()
    for turn in range(KILLS):
        lines = killed_child(path, seed + turn, chance)
        verbs = [json.loads(line) for line in lines if line != "done" and line.endswith("]")]
        finished = lines.count("done")
        for verb in verbs[:finished]:
            do(verb, plain)
        after = deepcopy(plain)
        if len(verbs) > finished:
            do(verbs[finished], after)
        with Gallery.open(path) as gallery:
            staff = gallery.collection()
            state = state_of(staff)
            staff.search(Embedding(unit(np.random.default_rng(0)).astype(np.float32), CONTRACT))
            report = gallery.check()
        told["acknowledged"] += finished
        told["under_way"] += len(verbs) > finished
        told["happened"] += state == after.state() != plain.state()
        if not report or state not in (plain.state(), after.state()):
            told["wrong"].append([turn, report.explain(), verbs[finished:]])
        plain = after if state == after.state() else plain
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
