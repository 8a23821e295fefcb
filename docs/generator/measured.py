"""benchmarks/results/*.json → the table of figures in README.md: each with its command and the commit it is of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
FILES = ("training", "data", "head_93431", "pipeline", "evaluation", "search", "gallery", "server")


def table() -> str:
    """Return a row for each question: what was measured, beside what, by which script, at which commit."""
    rows = (row for part in (_training, _head, _photos, _protocols, _search, _service) for row in part())
    head = ["| what | here | beside | script | commit |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *("| " + " | ".join(cells) + " |" for cells in rows), "", _about()])


def _about() -> str:
    """Return where it was measured: the machine of most files, and the files of others."""
    by_machine: dict[str, list[str]] = {}
    for name in FILES:
        found = _environment(_read(name))
        by_machine.setdefault(f"{found['cores']} cores of an {found['processor']}", []).append(name)
    usual, *others = sorted(by_machine, key=lambda machine: -len(by_machine[machine]))
    besides = "".join(f"; {', '.join(by_machine[one])}: {one}" for one in others)
    return f"Medians, the least and the most of the rounds in brackets; {usual}{besides}."


Row = tuple[str, str, str, str, str]


def _training() -> Iterator[Row]:
    for one in _read("training")["results"]:
        over = one["ours over"]["plain"]
        yield (
            f"Train {one['cell']}",
            f"{one['images/s']['ours']:.3g} images/s",
            f"**{_times(over)}** a plain loop (PIL, DataLoader, float32, insightface's head)",
            *_from("training"),
        )
    loader = _read("data")["decoding"]["ours, recordio"]
    speed = f"{loader['images_per_second']['median']:,.0f} images/s"
    yield ("Read and decode 112×112 JPEGs", speed, f"**{_times(loader['times_pil_dataloader'])}** PIL in a DataLoader",
           *_from("data"))  # fmt: skip


def _head() -> Iterator[Row]:
    (ms,) = (one["ms"] for one in _read("head_93431")["results"] if one["batch"] == 128)
    ours, theirs = ms["arcface store float32"], ms["insightface float32"]
    yield (
        "ArcFace head of 93,431 classes, batch 128, forward and backward, one thread",
        f"{ours:.0f} ms",
        f"**{theirs / ours:.1f} ×** insightface's head and torch's cross entropy",
        *_from("head_93431", "head"),
    )


def _photos() -> Iterator[Row]:
    found = _read("pipeline")
    for name, title in (("ours", "ONNX Runtime"), ("ours-openvino-bf16", "OpenVINO, bfloat16")):
        per_core = found["ratios_per_core"]
        over = (f"{_times(per_core[f'{name} / {other}'])} {said}" for other, said in
                (("opencv", "OpenCV's YuNet and SFace"), ("deepface", "deepface with the same networks")))  # fmt: skip
        speed = f"{found['per_face'][name]['faces_per_second']['median']:.0f} faces/s"
        yield (f"Photo → embedding on one core, {title}", speed, ", ".join(over), *_from("pipeline"))
    cold = found["cold_verify"]["onnxruntime"]["wall_seconds"]
    yield ("A cold `marginface verify`", f"{cold['median']:.2f} s", "–", *_from("pipeline"))


def _protocols() -> Iterator[Row]:
    (found,) = (one for one in _read("evaluation")["results"] if one["protocol"] == "IJB-C")
    ours = found["figures"]["ours"]
    yield (
        "IJB-C 1:1, 15.7 million pairs",
        f"{ours['seconds']:.1f} s, {ours['MiB']:.0f} MiB",
        f"**{found['times faster']['median']:.1f} ×** insightface's script, "
        f"{found['part of the memory']:.2g} of its memory",
        *_from("evaluation"),
    )


def _search() -> Iterator[Row]:
    of_size = [one for one in _read("search")["results"] if one["size"] == 1_000_000 and one["world"] == "lfw"]
    ms = {one["engine"]: one["one_ms"] for one in of_size}
    yield (
        "A search among a million faces like SFace's, one thread",
        f"{ms['sketch']:.0f} ms; {ms['sketch by faiss']:.1f} ms with faiss",
        f"{ms['faiss flat']:.0f} ms faiss's flat index; every face compared: {ms['exact']:.0f} ms here",
        *_from("search"),
    )
    times = _read("gallery")["times"]
    opened, erased = (times[name]["seconds"] for name in (
        "open and answer the first search", "erase a person: clean, search the files, receipt"))  # fmt: skip
    yield (
        "A sealed gallery of a million faces: opened and searched; a person erased with a receipt",
        f"{opened:.1f} s; {erased:.1f} s",
        "–",
        *_from("gallery"),
    )


def _service() -> Iterator[Row]:
    found = _read("server")
    loaded, kill = (
        found["speed and memory"]["speed"]["identify, 8 clients"],
        found["overload, kill, idle, slow"]["kill"],
    )
    yield (
        f"`marginface serve --workers {found['workers']}`: identify among {found['faces']:,} faces, 8 clients",
        f"{loaded['requests_per_second']:.0f} photos/s, 95 % within {loaded['p95_ms']:.0f} ms",
        f"{kill['kills']} workers killed under load: {kill['lost']} of {kill['acknowledged']} acknowledged writes lost",
        *_from("server"),
    )


def _from(name: str, script: str = "") -> tuple[str, str]:
    found = _environment(_read(name))
    return f"`benchmarks/{script or name}.py`", f"`{found['commit'][:7]}`"


def _environment(found: dict[str, Any]) -> dict[str, str]:
    """Return what a file says of its machine; of several parts the first."""
    if "environment" in found:
        environment: dict[str, str] = found["environment"]
        return environment
    return next(_environment(part) for part in found.values() if isinstance(part, dict) and "environment" in part)


def _times(ratio: dict[str, float]) -> str:
    least, most = (ratio.get(one, ratio.get(other)) for one, other in (("least", "smallest"), ("most", "largest")))
    return f"{ratio['median']:.1f} [{least:.1f}, {most:.1f}] ×"


@cache
def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found
