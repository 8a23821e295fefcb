"""Where data is: a path on this machine, or a URL of any store that fsspec knows (s3://, gs://, hf:// …)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from marginface.errors import DataError, InputError, MissingExtra

_URL = re.compile(r"[a-z][a-z0-9+.-]*(::|://)")
_PACKAGES = {"s3": "'marginface[ray]'", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"}


def location(text: str) -> Path:
    """Return where a text points: a Path, or for a URL an object with the methods of one (universal_pathlib's UPath).

    Local paths need no package. A store takes its keys and its address from where its fsspec driver looks for them:
    s3:// from the environment and files of AWS (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL …).

    >>> location("crops/train.rec").name
    'train.rec'

    Raises:
        MissingExtra: the driver of the store is not installed.
        InputError: fsspec knows no such store.
        DataError: the store refuses us or does not answer.
    """
    text = text.removeprefix("file://")
    if not _URL.match(text):
        return Path(text)
    protocol = text.split(":")[0]
    try:
        from upath import UPath

        path: Any = UPath(text)
        path.fs.invalidate_cache()  # others write there too
        with store_errors_told(text):
            path.exists()
    except ImportError as error:
        package = _PACKAGES.get(protocol, "its fsspec driver")
        raise MissingExtra(f"{text}: {protocol}:// needs a driver: pip install {package} ({error})") from None
    except ValueError as error:
        raise InputError(f"{text}: expected a path, or a URL of a store that fsspec knows; got {error}") from None
    return cast(Path, path)


def is_remote(path: Path) -> bool:
    """Say whether a location is in a store and not on this machine."""
    return not isinstance(path, Path)


def store_of(path: Path) -> tuple[Any, str]:
    """Return the fsspec file system of a remote location and its key there."""
    remote: Any = path
    return remote.fs, str(remote.path)


def files_below(folder: Path) -> list[Path]:
    """Return all files below a remote folder, by key: one listing, no walk from folder to folder."""
    store, key = store_of(folder)
    prefix = key.rstrip("/") + "/"
    names = sorted(name for name in store.find(key) if str(name).startswith(prefix))
    return [folder / str(name)[len(prefix) :] for name in names]


@contextmanager
def store_errors_told(what: str) -> Iterator[None]:
    """Turn what botocore raises besides OSError (no keys, no answer) into one sentence.

    Raises:
        DataError: the store refuses us or does not answer.
    """
    try:
        yield
    except _refusals() as error:
        raise DataError(
            f"{what}: the store refuses us or does not answer: {error}. Check its keys and its address"
        ) from None


def _refusals() -> tuple[type[Exception], ...]:
    botocore: Any = sys.modules.get("botocore.exceptions")
    return (PermissionError, ConnectionError, *((botocore.BotoCoreError,) if botocore else ()))
