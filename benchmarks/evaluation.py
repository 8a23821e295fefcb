"""How fast and how lean are the protocols, against insightface's scripts on the same embeddings?

    python benchmarks/evaluation.py --insightface PATH --out benchmarks/results/evaluation.json

LFW: 12,000 embeddings of 512 numbers, 6,000 pairs in ten folds; theirs is ``calculate_roc`` of
recognition/arcface_torch/eval/verification.py (its ``evaluate`` goes on to an interpolation that fails with SciPy above
1.8 on equal rates, insightface#2290); ours computes TAR, EER, AUC and intervals besides. IJB-C: images, media,
templates and pairs in the official numbers (469,375 images, 23,124 templates, 15,658,489 pairs; --scale divides them),
features drawn; theirs are image2template_feature and verification_11 of recognition/_evaluation_/ijb/ijb_evals.py and
scikit-learn's roc_curve. What those scripts import and do not use here is put in as empty modules.

Every method is a process of its own that reads the same files; methods take turns; a figure is the median of the
rounds. Memory is the peak of the process less what it held once the embeddings were read. PATH is a checkout of
insightface; without it theirs is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

SIZE = 512
IMAGES, TEMPLATES, GENUINE, IMPOSTOR, GALLERY = 469_375, 23_124, 19_557, 15_638_932, 3_531


def draw_lfw(path: Path) -> None:
    """Two photos a pair, alike where genuine; 300 pairs of each kind in a fold."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(6000, SIZE))
    genuine = np.arange(6000) % 600 < 300
    second = np.where(genuine[:, None], first, 0) + rng.normal(0, 6, (6000, SIZE))
    both = np.stack([first, second], axis=1).reshape(12_000, SIZE)
    np.savez(path, embeddings=both / np.linalg.norm(both, axis=1, keepdims=True), genuine=genuine)


def draw_ijbc(path: Path, scale: int) -> None:
    """Images in templates and media, pairs of a gallery template and another one."""
    rng = np.random.default_rng(1)
    images, templates, gallery = IMAGES // scale, TEMPLATES // scale, GALLERY // scale
    template = np.sort(np.concatenate([np.arange(templates), rng.integers(0, templates, images - templates)]))
    media = template * 10 + rng.integers(0, 6, images)
    people = rng.normal(size=(gallery, SIZE)).astype(np.float32)
    features = people[template % gallery] + rng.normal(0, 14, (images, SIZE)).astype(np.float32)
    genuine = GENUINE // scale
    second = rng.integers(gallery, templates, genuine + IMPOSTOR // scale)
    first = np.where(np.arange(len(second)) < genuine, second % gallery, rng.integers(0, gallery, len(second)))
    same = first == second % gallery
    detection = rng.uniform(0.5, 1, images).astype(np.float32)
    np.savez(
        path,
        features=features,
        template=template,
        media=media,
        detection=detection,
        first=first,
        second=second,
        same=same,
    )


def ours_lfw(data: Any, _: str) -> Callable[[], dict[str, float]]:
    from marginface.evaluation import score_pairs

    embeddings = data["embeddings"].astype(np.float32)
    first, second = np.arange(0, 12_000, 2), np.arange(1, 12_000, 2)

    def run() -> dict[str, float]:
        scores = score_pairs(embeddings, first, second, data["genuine"], np.arange(6000) // 600)
        return {"accuracy": scores.accuracy.mean}

    return run


def theirs_lfw(data: Any, checkout: str) -> Callable[[], dict[str, float]]:
    empty("mxnet", "ndarray")
    sys.path.insert(0, f"{checkout}/recognition/arcface_torch/eval")
    script = import_module("verification")

    def run() -> dict[str, float]:
        first, second = data["embeddings"][0::2], data["embeddings"][1::2]
        accuracy = script.calculate_roc(np.arange(0, 4, 0.01), first, second, data["genuine"])[2]
        return {"accuracy": float(np.mean(accuracy))}

    return run


def ours_ijbc(data: Any, _: str) -> Callable[[], dict[str, float]]:
    from marginface.data.identification.ijb import TemplatePairs, Templates
    from marginface.evaluation.protocols.templates import score_template_pairs
    from marginface.evaluation.scoring.pooling import Pooling, pool

    count = len(data["template"])
    templates = Templates(
        "IJB-C", Path(), ("",) * count, np.zeros((count, 5, 2), np.float32), data["detection"], data["template"],
        data["media"], np.arange(data["template"].max() + 1),
    )  # fmt: skip
    pairs = TemplatePairs(data["first"], data["second"], data["same"])

    def run() -> dict[str, float]:
        scores = score_template_pairs(pool(templates, data["features"], Pooling()), pairs, fars=[1e-4], rule="nearest")
        return {"TAR at FAR 1e-4": scores.tar_at_far[0].tar}

    return run


def theirs_ijbc(data: Any, checkout: str) -> Callable[[], dict[str, float]]:
    empty("skimage", "transform")
    empty("pandas", "DataFrame", "Series")  # scikit-learn asks whether an array is one
    sys.modules["tqdm"] = module = ModuleType("tqdm")
    module.tqdm = lambda items, *_, **__: items  # type: ignore[attr-defined]
    sys.path.insert(0, f"{checkout}/recognition/_evaluation_/ijb")
    script = import_module("ijb_evals")
    from sklearn.metrics import roc_curve

    def run() -> dict[str, float]:
        features = script.process_embeddings(
            data["features"], use_flip_test=False, use_norm_score=False, face_scores=data["detection"]
        )
        templates, unique, _ = script.image2template_feature(features, data["template"], data["media"])
        score = script.verification_11(templates, unique, data["first"], data["second"])
        fpr, tpr, _ = roc_curve(data["same"], score)
        fpr, tpr = np.flipud(fpr), np.flipud(tpr)
        return {"TAR at FAR 1e-4": float(tpr[np.argmin(np.abs(fpr - 1e-4))])}

    return run


def empty(name: str, *attributes: str) -> None:
    """Put an empty module where a script imports one that it does not use here."""
    module = ModuleType(name)
    for attribute in attributes:
        setattr(module, attribute, type(attribute, (), {}))
    sys.modules.setdefault(name, module)


METHODS = {
    "LFW": {"ours": ours_lfw, "insightface": theirs_lfw},
    "IJB-C": {"ours": ours_ijbc, "insightface": theirs_ijbc},
}


def peak_mib(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def measure(protocol: str, method: str, file: Path, checkout: str) -> dict[str, float]:
    """Return seconds, MiB beside the data, and the number that came out, of this process."""
    with np.load(file) as arrays:
        data = {name: arrays[name] for name in arrays.files}
    run = METHODS[protocol][method](data, checkout)
    before, begun = peak_mib("VmRSS"), time.perf_counter()
    found = run()
    return {"seconds": time.perf_counter() - begun, "MiB": peak_mib("VmHWM") - before, **found}


def in_a_process(protocol: str, method: str, file: Path, asked: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", f"{protocol}/{method}", "--file", str(file)]
    command += ["--insightface", asked.insightface]
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    if out.returncode:
        sys.exit(f"{protocol}, {method}: {out.stderr.strip()}")
    return dict(json.loads(out.stdout.strip().splitlines()[-1]))


def compare(protocol: str, file: Path, asked: argparse.Namespace) -> dict[str, Any]:
    names = [name for name in METHODS[protocol] if name == "ours" or asked.insightface]
    rounds: list[dict[str, dict[str, float]]] = []
    for turn in range(asked.rounds):
        order = names if turn % 2 == 0 else names[::-1]
        rounds.append({name: in_a_process(protocol, name, file, asked) for name in order})
        print(protocol, json.dumps(rounds[-1]), file=sys.stderr)
    figures = {
        name: {key: round(median(one[name][key] for one in rounds), 5) for key in rounds[0][name]} for name in names
    }
    result: dict[str, Any] = {"protocol": protocol, "figures": figures}
    if "insightface" in names:
        faster = sorted(one["insightface"]["seconds"] / one["ours"]["seconds"] for one in rounds)
        memory = median(one["ours"]["MiB"] / one["insightface"]["MiB"] for one in rounds)
        result["times faster"] = {"median": round(median(faster), 1), "least": round(faster[0], 1)}
        result["part of the memory"] = round(memory, 3)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--insightface", default="", help="a checkout; without it theirs is left out")
    parser.add_argument("--scale", type=int, default=1, help="divides the numbers of IJB-C")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="LFW or IJB-C")
    parser.add_argument("--measure", default="", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(*asked.measure.split("/"), asked.file, asked.insightface)))
        return
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for protocol in METHODS:
            if asked.only in ("", protocol):
                file = Path(folder) / f"{protocol}.npz"
                draw_lfw(file) if protocol == "LFW" else draw_ijbc(file, asked.scale)
                results.append(compare(protocol, file, asked))
    print(json.dumps(results, indent=2))
    if asked.out is not None:
        from marginface.environment import describe_environment

        report = {"results": results, "scale": asked.scale, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
