"""What the answers of the parts of benchmarks/speed.py say, as figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as another way; least and most of the rounds where they are known."""

    over: str
    value: float
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Figure:
    """What was measured; least and most of the rounds where there were several."""

    what: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    beside: tuple[Ratio, ...] = ()


class Answer(NamedTuple):
    """What a command wrote, and how long it took."""

    numbers: dict[str, Any]
    seconds: float


def startup(answers: list[Answer]) -> Iterator[Figure]:
    for command, taken in answers[0].numbers["seconds"].items():
        yield Figure(f"`{command}`", taken["median"], "s", taken["least"], taken["most"])


def demo(answers: list[Answer]) -> Iterator[Figure]:
    yield Figure("`marginface demo`", answers[0].seconds, "s")


def tests(answers: list[Answer]) -> Iterator[Figure]:
    yield Figure("`make test`", answers[0].seconds, "s")


def training(answers: list[Answer]) -> Iterator[Figure]:
    (found,) = answers[0].numbers["results"]
    over = found["ours over"]
    names = {"plain": "a plain loop", "plain, allocator as ours": "that with our allocator settings"}
    beside = tuple(
        Ratio(said, over[name]["median"], over[name]["least"], over[name]["most"]) for name, said in names.items()
    )
    yield Figure(f"`marginface train`: {found['cell']}", found["images/s"]["ours"], "images/s", beside=beside)


def loading(answers: list[Answer]) -> Iterator[Figure]:
    for name, said in (("folders", "folders of JPEG"), ("recordio", "RecordIO")):
        found = answers[0].numbers["decoding"][f"ours, {name}"]
        speed, times = found["images_per_second"], found["times_pil_dataloader"]
        beside = Ratio("PIL in a DataLoader", times["median"], times["least"], times["most"])
        what = f"loader, two workers, {said}"
        yield Figure(what, speed["median"], "images/s", speed["least"], speed["most"], (beside,))


def head(answers: list[Answer]) -> Iterator[Figure]:
    (found,) = answers[0].numbers["results"]
    taken, ours = found["ms"], found["ms"]["arcface store bfloat16"]
    others = {
        "linear and cross entropy": "a linear layer and cross entropy",
        "insightface float32": "insightface",
        "pytorch-metric-learning": "pytorch-metric-learning",
        "products bfloat16": "the three products alone",
    }
    beside = tuple(Ratio(said, taken[name] / ours) for name, said in others.items() if name in taken)
    what = f"ArcFace head, {found['classes']:,} identities, {found['batch']} images, forward and backward, one core"
    yield Figure(what, ours, "ms", beside=beside)


def protocols(answers: list[Answer]) -> Iterator[Figure]:
    for found in answers[0].numbers["results"]:
        times = found.get("times faster")
        beside = () if times is None else (Ratio("insightface's script", times["median"], times["least"]),)
        scale = answers[0].numbers["scale"]
        pairs = {"LFW": "6,000 pairs of LFW", "IJB-C": f"{15_658_489 // scale:,} pairs of IJB-C's layout"}
        yield Figure(f"scores of {pairs[found['protocol']]}", found["figures"]["ours"]["seconds"], "s", beside=beside)


def photos(answers: list[Answer]) -> Iterator[Figure]:
    found = answers[0].numbers
    names = {
        "ours": "photo → embedding, one core",
        "ours-two-threads": "photo → embedding, two threads",
        "ours-openvino-bf16": "photo → embedding, one core, `openvino-bf16`",
    }
    for name, what in names.items():
        if name not in found["per_face"]:  # a processor without bfloat16
            continue
        speed, ratios = found["per_face"][name]["faces_per_second"], found["ratios_per_core"]
        beside = tuple(
            Ratio(said, times["median"], times["smallest"], times["largest"])
            for other, said in (("opencv", "OpenCV's own path"), ("deepface", "deepface"))
            if "two" not in name and (times := ratios.get(f"{name} / {other}")) is not None
        )
        yield Figure(what, speed["median"], "faces/s", speed["smallest"], speed["largest"], beside)


def searches(answers: list[Answer]) -> Iterator[Figure]:
    rows = {(row["size"], row["engine"]): row for row in answers[0].numbers["results"]}
    for size in sorted({size for size, _ in rows}):
        flat = rows.get((size, "faiss flat"))
        for engine, said in (("exact", "exact"), ("sketch", "by sketch"), ("sketch by faiss", "by sketch, with faiss")):
            row = rows.get((size, engine))
            if row is None or (engine != "exact" and size < 200_000):  # below that a gallery compares every face
                continue
            beside = () if flat is None else (Ratio("faiss, flat", flat["one_ms"] / row["one_ms"]),)
            yield Figure(f"search among {size:,} faces, {said}, one core", row["one_ms"], "ms", beside=beside)


def enrolment(answers: list[Answer]) -> Iterator[Figure]:
    found = answers[0].numbers
    for step, said in (("enrol", "enrolled in a gallery"), ("identify", "identified")):
        rates = found["steps"][step]
        beside = (Ratio("embedding alone", rates["times_embed"]),)
        what = f"photos {said}, two threads"
        yield Figure(what, rates["photos_per_second"], "photos/s", rates["least"], rates["most"], beside)


def gallery(answers: list[Answer]) -> Iterator[Figure]:
    faces = answers[0].numbers["faces"]
    for step, said in (
        ("open and answer the first search", "opened and searched"),
        ("erase a person: clean, search the files, receipt", "a person erased, with receipt"),
    ):
        taken = sorted(answer.numbers["times"][step]["seconds"] for answer in answers)
        yield Figure(f"gallery of {faces:,} sealed faces {said}", median(taken), "s", taken[0], taken[-1])


def service(answers: list[Answer]) -> Iterator[Figure]:
    found = answers[0].numbers
    for asked, said in (("verify", "verify (two photos)"), ("identify", f"identify among {found['faces']:,} faces")):
        for name, figures in found["speed"].items():
            if name.startswith(f"{asked}, "):
                what = f"`marginface serve`, {found['workers']} workers, {name.partition(', ')[2]}: {said}"
                yield Figure(what, figures["requests_per_second"], "requests/s")
                yield Figure(f"{what}, 95 % answered within", figures["p95_ms"], "ms")


def shards(answers: list[Answer]) -> Iterator[Figure]:
    for engine, said in (("local, 1", "one worker"), ("local, 2", "two workers"), ("ray, 2", "two workers on Ray")):
        speed = answers[0].numbers["engines"][engine]["images_per_second"]
        yield Figure(f"`marginface align`, {said}", speed["median"], "photos/s", speed["smallest"], speed["largest"])
