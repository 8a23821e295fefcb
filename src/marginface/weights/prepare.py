"""From the published file to the one that runs: folded to float32, free batch or image size, kept in the cache."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from marginface.contract import file_sha256
from marginface.weights.cache import cache_folder, keep
from marginface.weights.published import WEIGHTS
from marginface.weights.sources import locate

PREPARATION_VERSION = 2  # raise it whenever prepare() makes other bytes: the old files are then left alone


def prepared(name: str, *, file: Path | None = None) -> Path:
    """Return the float32 ONNX file made from published weights, from the cache or made now.

    Its name holds the sha256 of the published file and the version of the preparation; its own sha256 is kept beside
    it, and a file that does not fit is made again.

    Args:
        name: A name in WEIGHTS.
        file: The user's own copy of the published file; see locate.

    Raises:
        UnknownName: No such weights.
        WeightsError: The published file cannot be found, or the cache cannot be written.
    """
    weights = WEIGHTS[name]
    ready = cache_folder() / f"{weights.name}-{weights.sha256[:16]}-v{PREPARATION_VERSION}.onnx"
    if file is None and _is_whole(ready):
        return ready
    from marginface.weights.graphs import prepare  # the package onnx takes a tenth of a second to import

    content = prepare(weights, locate(name, file=file)).SerializeToString(deterministic=True)
    keep(_hash_file(ready), lambda stream: stream.write(sha256(content).hexdigest().encode()))
    return keep(ready, lambda stream: stream.write(content))


def _hash_file(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _is_whole(path: Path) -> bool:
    try:
        return file_sha256(path) == _hash_file(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
