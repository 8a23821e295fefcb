"""What the service does under load: speed, memory, overload, kills, idle and slow connections.

    python benchmarks/server.py --photos LFW --json benchmarks/results/server.json
    python benchmarks/server.py --parts speed,kill --faces 1000 --seconds 3 --clients 1,8      # small, drawn faces

It starts ``marginface serve --workers N`` on a free port of loopback, with a key, and a gallery of so many faces: four
of each person at random directions, and the people of the photos. The clients run on the same cores as the service and
take a share of them, which is told (client_cpu): a service with its cores to itself answers more.

speed      requests a second and latencies of verify (two photos) and identify (one), for each number of clients
memory     resident memory of all processes of the service over so many requests: at the start, at the end, slope
overload   many more clients than the service lets wait: what is answered, and how it answers afterwards
kill       kill -9 of workers while people are enrolled: what was acknowledged must be there afterwards
idle       thousands of connections that say nothing, and an honest client among them
slow       bodies that come a byte a second, and an honest client among them
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from server_load import Job

from marginface.client import Client
from marginface.data.synthetic import draw_photo
from marginface.environment import describe_environment
from marginface.gallery import Gallery, NewFace
from marginface.pipeline import Recognizer
from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.values import Embedding
from marginface.words import plural

PER_PERSON, PER_WRITE = 4, 1000
LOAD = Path(__file__).with_name("server_load.py")
VERIFY, IDENTIFY = "/v1/verify", "/v1/collections/people/identify"


@dataclass
class Setting:
    """What a part works with: where things are, and the options of the command line."""

    gallery: Path
    key_file: Path
    key: str
    photos: list[str]
    options: argparse.Namespace


# photos and gallery


def photos_of(folder: Path | None, count: int, into: Path) -> list[str]:
    """Return photos of different people: the first of each of a folder with a folder for each person, or drawn ones."""
    if folder is not None:
        people = [sorted(person.glob("*.jpg")) for person in sorted(folder.iterdir()) if person.is_dir()]
        return [str(found[0]) for found in people if found][:count]
    made = []
    for number in range(count):
        made.append(str(into / f"drawn-{number}.jpg"))
        Image.fromarray(draw_photo(number, 0)[0]).save(made[-1], quality=92)
    return made


def fill(path: Path, key_file: Path, photos: list[str], faces: int) -> None:
    """Make a gallery: the people of the photos, and others at random directions."""
    recognizer, chance = Recognizer.load("sface"), np.random.default_rng(0)
    contract, size = recognizer.contract.id, recognizer.contract.embedding_size
    with Gallery.create(path, key=key_file) as gallery:
        people = gallery.create_collection("people", contract=contract, embedding_size=size)
        gallery.create_collection("enrolled", contract=contract, embedding_size=size)
        known = {}
        for number, photo in enumerate(photos):
            content = Path(photo).read_bytes()
            look = recognizer.embed_photo(content)
            if look:
                known[f"Known {number}"] = [NewFace(look.embedding, hashlib.sha256(content).hexdigest())]
        people.add_many(known)
        for first in range(0, max(0, faces - len(known)) // PER_PERSON, PER_WRITE):
            count = min(PER_WRITE, (faces - len(known)) // PER_PERSON - first)
            people.add_many({f"Other {first + n}": strangers(contract, size, chance) for n in range(count)})


def strangers(contract: str, size: int, chance: np.random.Generator) -> list[NewFace]:
    vectors = chance.standard_normal(size) + 0.9 * chance.standard_normal((PER_PERSON, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [NewFace(Embedding(vector.astype(np.float32), contract)) for vector in vectors]


def make_key(gallery: Path) -> str:
    state = open_state(state_address(str(gallery)))
    _, token = KeyStore(state).create(NewKey(parse_scopes("all"), name="benchmark", per_minute=1_000_000))
    state.close()
    return token


# the service and the load


class Served:
    """A service that runs."""

    def __init__(self, setting: Setting, process: subprocess.Popen[bytes], port: int) -> None:
        self.setting, self.process, self.port = setting, process, port
        self.top = psutil.Process(process.pid)

    def processes(self) -> list[psutil.Process]:
        return [self.top, *self.top.children(recursive=True)]

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer, of a service with several."""
        return [child for child in self.top.children() if is_worker(child)]

    def memory(self) -> float:
        """Return the resident memory of all processes, in MB."""
        total = 0
        for process in self.processes():
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 1e6

    def client(self) -> Client:
        return Client(f"http://127.0.0.1:{self.port}", self.setting.key)

    def job(self, path: str, clients: int, *, seconds: float = 0.0, requests: int = 0) -> Job:
        photos = self.setting.photos
        parts = {"image_a": photos, "image_b": photos[1:] + photos[:1]} if path == VERIFY else {"image": photos}
        return Job("127.0.0.1", self.port, path, self.setting.key, clients, parts, seconds, requests)


def is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


@contextmanager
def served(setting: Setting, *limits: str) -> Iterator[Served]:
    """Start a service, wait until it is ready, stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marginface", "serve", str(setting.gallery), "--port", str(port)]
    command += ["--key-file", str(setting.key_file), "--workers", str(setting.options.workers)]
    for limit in limits:
        command += ["--limit", limit]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    log = setting.gallery.with_name("service.log").open("ab")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        service = Served(setting, process, port)
        with service.client() as client:
            wait_for(client.is_ready, 60, "the service is not ready")
        time.sleep(1)  # the other workers
        loaded(service.job(VERIFY, 8, requests=16 * setting.options.workers))  # decoders start at their first photo
        yield service
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(happened: Callable[[], bool], seconds: float, otherwise: str) -> float:
    """Return after how many seconds it happened."""
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            raise SystemExit(otherwise)
        time.sleep(0.1)
    return time.monotonic() - began


def start_load(job: Job) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, str(LOAD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(job)).encode())
    process.stdin.close()
    return process


def finished(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    said = process.stdout.read()
    if process.wait() != 0:
        raise SystemExit("the load failed; see above")
    return dict(json.loads(said))


def loaded(job: Job) -> dict[str, Any]:
    return finished(start_load(job))


def told(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of an outcome."""
    latencies = np.array(outcome["latencies"] or [np.nan])
    p50, p95, p99 = (round(1000 * float(value), 1) for value in np.percentile(latencies, [50, 95, 99]))
    return {
        "requests_per_second": round(len(outcome["latencies"]) / outcome["seconds"], 2),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "slowest_ms": round(1000 * float(latencies.max()), 1),
        "statuses": outcome["statuses"],
        "seconds": round(outcome["seconds"], 1),
        "client_cpu": round(outcome["cpu_seconds"] / outcome["seconds"], 2),
    }


# the parts


def speed(setting: Setting) -> dict[str, Any]:
    found = {}
    with served(setting, "waiting=512") as service:
        for name, path in (("verify", VERIFY), ("identify", IDENTIFY)):
            for clients in setting.options.clients:
                what = f"{name}, {plural(clients, 'client')}"
                found[what] = told(loaded(service.job(path, clients, seconds=setting.options.seconds)))
                print(f"{what}: {found[what]}", flush=True)
    return found


def memory(setting: Setting) -> dict[str, Any]:
    requests, samples = setting.options.requests, []
    with served(setting, "waiting=512") as service:
        loaded(service.job(VERIFY, 8, requests=max(20, requests // 20)))  # what is loaded on first use is there now
        loaded(service.job(IDENTIFY, 8, requests=max(20, requests // 20)))
        rounds = max(2, min(20, requests // 100))
        samples.append((0, service.memory()))
        for number in range(1, rounds + 1):
            loaded(service.job((VERIFY, IDENTIFY)[number % 2], 8, requests=requests // rounds))
            samples.append((number * (requests // rounds), service.memory()))
    asked, resident = np.array(samples).T
    slope = float(np.polyfit(asked, resident, 1)[0]) * 1000
    late = asked >= asked[-1] / 2
    return {
        "requests": int(asked[-1]),
        "start_mb": round(float(resident[0]), 1),
        "end_mb": round(float(resident[-1]), 1),
        "slope_mb_per_1000": round(slope, 3),
        "slope_of_second_half_mb_per_1000": round(float(np.polyfit(asked[late], resident[late], 1)[0]) * 1000, 3),
        "samples": [[int(number), round(float(mb), 1)] for number, mb in samples],
    }


def overload(setting: Setting) -> dict[str, Any]:
    many = setting.options.flood
    with served(setting) as service:
        before = told(loaded(service.job(IDENTIFY, 1, seconds=setting.options.seconds)))
        outcome = loaded(service.job(IDENTIFY, many, seconds=setting.options.seconds))
        with service.client() as client:
            ready = wait_for(client.is_ready, 60, "the service did not come back")
        after = told(loaded(service.job(IDENTIFY, 1, seconds=setting.options.seconds)))
    found = {"before": before, f"{many} clients": told(outcome), "after": after, "ready_again_after_s": round(ready, 2)}
    return {**found, "refusals_without_retry_after": outcome["without_retry_after"]}


def kill(setting: Setting) -> dict[str, Any]:
    """Enrol while workers are killed; then look whether every face that was acknowledged is there."""
    kills = setting.options.kills
    with served(setting) as service:
        with service.client() as client:
            for number in range(20):
                client.collection("enrolled").add_person(f"Person {secrets.token_hex(4)} {number}")
            people = [person.uid for person in client.collection("enrolled").people()]
        acknowledged: set[str] = set()
        statuses: dict[str, int] = {}
        back, orphans = [], 0
        for _ in range(kills):
            path = f"/v1/collections/enrolled/persons/{random.choice(people)}/faces"
            parts = {"images": setting.photos}
            job = Job("127.0.0.1", service.port, path, setting.key, 4, parts, seconds=4.0, unique=True)
            load = start_load(job)
            time.sleep(random.uniform(0.8, 2.5))
            victim = random.choice(service.workers())
            decoders = victim.children(recursive=True)
            victim.kill()
            back.append(wait_for(lambda: len(service.workers()) == setting.options.workers, 60, "a worker is missing"))
            outcome = finished(load)
            orphans += len(psutil.wait_procs(decoders, timeout=10)[1])
            acknowledged |= set(outcome["acknowledged"])
            for status, count in outcome["statuses"].items():
                statuses[status] = statuses.get(status, 0) + count
    with Gallery.open(setting.gallery, key=setting.key_file) as gallery:
        enrolled = gallery.collection("enrolled")
        there = {face.uid for person in enrolled.people() for face in enrolled.faces(person)}
        whole = gallery.check()
    return {
        "kills": kills,
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - there),
        "written_but_not_acknowledged": len(there - acknowledged),
        "statuses": statuses,
        "decoders_left_behind": orphans,
        "workers_back_after_s": [round(seconds, 1) for seconds in back],
        "gallery_is_whole": bool(whole),
    }


@contextmanager
def connections(port: int, count: int, begin: bytes) -> Iterator[list[socket.socket]]:
    """Open connections that send this much and no more."""
    with ExitStack() as held:
        opened = []
        for _ in range(count):
            one = held.enter_context(socket.socket())
            one.settimeout(5)
            try:
                one.connect(("127.0.0.1", port))
                one.sendall(begin)
            except OSError:
                continue
            opened.append(one)
        yield opened


def honest(service: Served, seconds: float) -> dict[str, Any]:
    return told(loaded(service.job(IDENTIFY, 1, seconds=seconds)))


def still_open(sockets: list[socket.socket]) -> int:
    """Count the connections that the service has not closed."""
    count = 0
    for one in sockets:
        one.settimeout(0)
        try:
            count += one.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            count += 1
        except OSError:
            continue
    return count


def idle(setting: Setting) -> dict[str, Any]:
    with served(setting, "header_seconds=10") as service:
        before, resident = honest(service, setting.options.seconds), service.memory()
        with connections(service.port, setting.options.connections, b"") as sockets:
            during, held = honest(service, setting.options.seconds), service.memory()
            wait_for(lambda: still_open(sockets) == 0, 60, "idle connections stay open")
            after = honest(service, setting.options.seconds)
    figures = {"before": before, "during": during, "after_they_were_closed": after}
    return {"connections": len(sockets), **figures, "memory_mb": [round(resident, 1), round(held, 1)]}


def slow(setting: Setting) -> dict[str, Any]:
    count, path = min(200, setting.options.connections), "/v1/detect"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {setting.key}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
    )
    with served(setting, "body_seconds=5") as service:
        before = honest(service, setting.options.seconds)
        with connections(service.port, count, head.encode()) as sockets:
            stop = threading.Event()
            drip = threading.Thread(target=trickle, args=(sockets, stop))
            drip.start()
            during = honest(service, setting.options.seconds)
            stop.set()
            drip.join()
            closed = wait_for(lambda: still_answering(sockets) == 0, 60, "slow connections stay open")
            statuses = sorted({status_of(one) for one in sockets})
    return {"connections": len(sockets), "before": before, "during": during, "ended_with": statuses,
            "closed_after_s": round(closed, 1)}  # fmt: skip


def trickle(sockets: list[socket.socket], stop: threading.Event) -> None:
    """Send a byte a second by each."""
    while not stop.wait(1):
        for one in sockets:
            try:
                one.send(b"x")
            except OSError:
                continue


def still_answering(sockets: list[socket.socket]) -> int:
    """Count the connections by which nothing came yet."""
    count = 0
    for one in sockets:
        one.settimeout(0)
        try:
            one.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            count += 1
        except OSError:
            continue
    return count


def status_of(one: socket.socket) -> str:
    try:
        return one.recv(12).decode("latin-1").partition(" ")[2] or "closed"
    except OSError:
        return "closed"


PARTS = {"speed": speed, "memory": memory, "overload": overload, "kill": kill, "idle": idle, "slow": slow}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="which, in this order")
    parser.add_argument("--photos", type=Path, help="a folder for each person, as LFW; default: drawn faces")
    parser.add_argument("--people", type=int, default=50, help="photos that are sent, of so many people")
    parser.add_argument("--faces", type=int, default=10_000, help="in the gallery")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", default="1,8,64", help="for speed")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--requests", type=int, default=20_000, help="for memory")
    parser.add_argument("--flood", type=int, default=256, help="clients for overload")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--connections", type=int, default=10_000, help="for idle")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.clients = [int(count) for count in options.clients.split(",")]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "keys").mkdir()
        gallery, key_file = place / "people.db", place / "keys" / "gallery.key"
        photos = photos_of(options.photos, options.people, place)
        fill(gallery, key_file, photos, options.faces)
        setting = Setting(gallery, key_file, make_key(gallery), photos, options)
        for name in options.parts.split(","):
            print(f"— {name}", flush=True)
            found[name] = PARTS[name](setting)
            print(json.dumps(found[name], indent=1), flush=True)
    if options.json:
        about = {"faces": options.faces, "workers": options.workers, "photos": "drawn" if options.photos is None else
                 "LFW, one photo of each person", "clients_share_the_cores": True}  # fmt: skip
        values = {**about, **found, "environment": describe_environment()}
        options.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
