"""How fast are photos → embeddings, against the same networks as users drive them today? And a cold verify?

    python benchmarks/pipeline.py PHOTOS [--photos 150] [--rounds 10] [--cold 20] \\
        [--opencv-python VENV/bin/python] [--deepface-python VENV/bin/python] [--out benchmarks/results/pipeline.json]

PHOTOS is a folder of photos; so many are taken, evenly over it. Each method is a process of its own
(pipeline_methods.py), on one processor, with one thread unless its name says two; they take turns, each a round over
all photos, decoded before. Figures are per face: medians over rounds, and ratios of two methods within a round,
with the smallest and largest. Processor time counts for ratios per core, so that a neighbor on the machine disturbs
little; wall time is beside it. The interpreters given have OpenCV 4 (5 does not load the published SFace) and deepface:

    python -m venv VENV && VENV/bin/pip install "opencv-python-headless<5"
    python -m venv VENV && VENV/bin/pip install deepface werkzeug

deepface would fetch its weights; it is given the same networks: YuNet as published, SFace with its weights in float32.

Cold: processes of `marginface verify A B`, one after the other, files in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import onnx

from marginface.environment import describe_environment
from marginface.images import list_images
from marginface.weights import WEIGHTS, locate
from marginface.weights.folding import fold_weights
from marginface.weights.open_vino import has_bf16

METHODS_FILE = Path(__file__).with_name("pipeline_methods.py")
AIMS = {"ours / opencv": 2.0, "ours / deepface": 5.0}
Rounds = dict[str, list[dict[str, float]]]


@contextmanager
def method(python: str, name: str, arguments: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the process of a method, with its errors in a file, and end it."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(arguments), encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / f"{name}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [python, str(METHODS_FILE), name, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        )  # fmt: skip
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def ask(process: subprocess.Popen[str], name: str, folder: Path) -> dict[str, float]:
    """Let a method do a round."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        log = (folder / f"{name}.log").read_text(encoding="utf-8").strip().splitlines()
        raise SystemExit(f"{name} has ended: {log[-1] if log else 'without a word'}")
    said: dict[str, float] = json.loads(line)
    return said


def take_turns(pythons: dict[str, str], arguments: dict[str, Any], rounds: int, folder: Path) -> Rounds:
    """Return what each method says of each round; one round before is left out."""
    processors = sorted(os.sched_getaffinity(0))
    found: Rounds = {name: [] for name in pythons}
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(
                method(python, name, {**arguments, "processors": processors[: 2 if "two" in name else 1]}, folder)
            )
            for name, python in pythons.items()
        }
        for number in range(rounds + 1):
            for name, process in running.items():
                said = ask(process, name, folder)
                if number:
                    found[name].append(said)
    return found


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Return median, smallest and largest."""
    rounded = [round(value, digits) for value in (statistics.median(values), min(values), max(values))]
    return dict(zip(("median", "smallest", "largest"), rounded, strict=True))


def per_face(found: Rounds) -> dict[str, Any]:
    """Return milliseconds of processor and wall time a face, and faces a second, of each method."""
    return {
        name: {
            "cpu_milliseconds": spread([1000 * one["cpu"] / one["faces"] for one in rounds]),
            "wall_milliseconds": spread([1000 * one["wall"] / one["faces"] for one in rounds]),
            "faces_per_second": spread([one["faces"] / one["wall"] for one in rounds], 1),
            "faces": int(rounds[0]["faces"]),
        }
        for name, rounds in found.items()
    }


def ratios(found: Rounds, clock: str) -> dict[str, Any]:
    """Return how many times as many faces ours does in the same time, round by round."""
    pairs = [
        (one, other)
        for one in found
        if one.startswith("ours")
        for other in ("opencv", "deepface", "ours")
        if other in found and other != one
    ]
    return {f"{one} / {other}": _ratio(found[one], found[other], clock) for one, other in pairs}


def _ratio(one: list[dict[str, float]], other: list[dict[str, float]], clock: str) -> dict[str, float]:
    rounds = zip(one, other, strict=True)
    return spread([(b[clock] / b["faces"]) / (a[clock] / a["faces"]) for a, b in rounds], 2)


def cold(photos: Sequence[Path], count: int, engines: Sequence[str]) -> dict[str, Any]:
    """Return wall and processor seconds of processes that verify two photos, the engines in turn."""
    found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in engines}
    for number in range(count + 1):
        for engine in engines:
            command = [sys.executable, "-m", "marginface", "verify", str(photos[0]), str(photos[1]), "--engine", engine]
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if number:
                found[engine].append((wall, cpu))
    return {
        engine: {"wall_seconds": spread([wall for wall, _ in runs]), "cpu_seconds": spread([cpu for _, cpu in runs])}
        for engine, runs in found.items()
    }


def interpreters(opencv: str, deepface: str) -> dict[str, str]:
    """Return the interpreter of each method that can run here."""
    own = ["ours", "ours-two-threads", "ours-openvino"]
    own += ["ours-openvino-bf16", "ours-openvino-bf16-two-threads"] if has_bf16() else []
    others = {name: python for name, python in (("opencv", opencv), ("deepface", deepface)) if python}
    return {**dict.fromkeys(own, sys.executable), **others}


def arguments_for(photos: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Return what the methods need: photos, published files, and a home for deepface with the same networks."""
    yunet, sface = locate("yunet"), locate("sface")
    weights = folder / ".deepface" / "weights"
    weights.mkdir(parents=True)
    (weights / "face_detection_yunet_2023mar.onnx").write_bytes(yunet.read_bytes())
    onnx.save(fold_weights(onnx.load(str(sface))), str(weights / "face_recognition_sface_2021dec.onnx"))
    paths = [str(photo.resolve()) for photo in photos]
    return {"photos": paths, "yunet": str(yunet), "sface": str(sface), "deepface_home": str(folder)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--cold", type=int, default=20, help="processes of verify")
    parser.add_argument("--opencv-python", default="", help="an interpreter with OpenCV 4")
    parser.add_argument("--deepface-python", default="", help="an interpreter with deepface")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    paths = list_images(args.folder)
    photos = list(paths[:: max(len(paths) // args.photos, 1)][: args.photos])
    pythons = interpreters(args.opencv_python, args.deepface_python)
    with tempfile.TemporaryDirectory() as name:
        found = take_turns(pythons, arguments_for(photos, Path(name)), args.rounds, Path(name))
    per_core = ratios(found, "cpu")
    started = cold(photos, args.cold, ["onnxruntime", "openvino-bf16"] if has_bf16() else ["onnxruntime"])
    result = {
        "question": __doc__.splitlines()[0],
        "photos": {"folder": args.folder.name, "count": len(photos)},
        "models": {name: WEIGHTS[name].file for name in ("yunet", "sface")},
        "not_measured": [name for name in ("opencv", "deepface") if name not in pythons],
        "per_face": per_face(found),
        "ratios_per_core": per_core,
        "ratios_wall": ratios(found, "wall"),
        "cold_verify": started,
        "aims": {
            **{name: {"aim": aim, "is": per_core.get(name)} for name, aim in AIMS.items()},
            "cold verify, seconds": {"aim": 1.0, "is": started["onnxruntime"]["wall_seconds"]},
        },
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
