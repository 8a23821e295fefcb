"""Embeddings that are there already: the files of ``marginface embed``, and plain arrays.

    FILE.npz            ``embeddings`` (N, D), ``photos`` (N,) and ``contract``, as ``marginface embed --out FILE.npz``
    FOLDER              shards of ``marginface embed --format parquet``: name, identity, embedding; manifest.json
    FILE.npy            an array (N, D), left on the disk: of distractors, for nothing says whose they are

The person of a photo is its folder (Ann/1.jpg), or the identity of a shard. Only photos with a face are in such files:
who was left out when a file was made is not counted by a protocol that reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from marginface.arrays import map_npy, read_npz
from marginface.data.packs.parquet import arrow_damage, load_pyarrow
from marginface.documents import parse_json
from marginface.errors import DataError, InputError
from marginface.files import write_whole
from marginface.similarity import l2_normalize
from marginface.values import FloatArray
from marginface.words import cause

_SHARDS = "embeddings-*.parquet"
_BLOCK = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class StoredEmbeddings:
    """N embeddings of a file: ``vectors`` (N, D) unit rows, names and people (N,) where known, and the contract id.

    ``names`` and ``people`` are empty, and ``contract`` is "", where the file does not say.
    """

    vectors: FloatArray
    names: tuple[str, ...]
    people: tuple[str, ...]
    contract: str


def holds_embeddings(path: Path) -> bool:
    """Say whether a path is a file of embeddings, or a folder of shards of them."""
    return path.suffix in (".npz", ".npy") if not path.is_dir() else any(path.glob(_SHARDS))


def read_embeddings(path: Path) -> StoredEmbeddings:
    """Read a file or folder of embeddings.

    Raises:
        DataError: it is not in one of the layouts above, or an embedding has no direction.
        MissingExtra: shards, and pyarrow is not installed.
    """
    if path.is_dir():
        return _of_shards(path)
    return _of_archive(path) if path.suffix == ".npz" else _of_array(path)


def embeddings_file(path: Path) -> Path:
    """Return where embeddings are to be written; raise InputError where read_embeddings would not read them again."""
    if path.suffix != ".npz":
        raise InputError(f"{path}: embeddings are written to FILE.npz; nothing else would read them again")
    return path


def write_embeddings(path: Path, names: Sequence[str], vectors: FloatArray, contract: str) -> None:
    """Write FILE.npz, whole or not at all, so that read_embeddings gives it back.

    Args:
        path: the file; see embeddings_file.
        names: (N,) of the photos.
        vectors: (N, D) unit rows.
        contract: the id of what they were made under.

    Raises:
        OSError: it cannot be written.
    """
    arrays = {"photos": np.array(list(names), dtype=str), "embeddings": vectors, "contract": np.array(contract)}
    write_whole(path, lambda stream: np.savez(stream, **arrays))  # type: ignore[arg-type]


def _of_archive(path: Path) -> StoredEmbeddings:
    arrays = read_npz(path)
    if "embeddings" not in arrays:
        raise DataError(f"{path}: expected an array embeddings, as marginface embed writes it; got {[*arrays]}")
    vectors = _unit(path, arrays["embeddings"])
    names = tuple(map(str, np.atleast_1d(arrays["photos"]))) if "photos" in arrays else ()
    contract = str(arrays["contract"]) if "contract" in arrays else ""
    if names and len(names) != len(vectors):
        raise DataError(f"{path}: expected a photo for each embedding; got {len(names):,} and {len(vectors):,}")
    return StoredEmbeddings(vectors, names, _folders(names), contract)


def _of_array(path: Path) -> StoredEmbeddings:
    return StoredEmbeddings(_unit(path, map_npy(path)), (), (), "")


def _of_shards(folder: Path) -> StoredEmbeddings:
    arrow, parquet = load_pyarrow()
    names: list[str] = []
    people: list[str] = []
    blocks = []
    for shard in sorted(folder.glob(_SHARDS)):
        try:
            table = parquet.read_table(shard, columns=["name", "identity", "embedding"]).combine_chunks()
            table.validate(full=True)
            names += table.column("name").to_pylist()
            people += table.column("identity").to_pylist()
            lists = table.column("embedding").combine_chunks()
            numbers = lists.flatten() if arrow.types.is_nested(lists.type) else lists
            blocks.append(np.asarray(numbers).reshape(len(lists), -1))
        except arrow_damage(arrow) as error:
            raise DataError(f"{shard}: expected the columns name, identity and embedding; got {cause(error)}") from None
    sizes = sorted({block.shape[1] for block in blocks})
    if len(sizes) != 1:
        raise DataError(f"{folder}: expected shards of embeddings of one length; got {sizes}")
    return StoredEmbeddings(_unit(folder, np.concatenate(blocks)), tuple(names), tuple(people), _contract(folder))


def _contract(folder: Path) -> str:
    """Return what the manifest says; "" without one."""
    try:
        values: Any = parse_json((folder / "manifest.json").read_text(encoding="utf-8"))
        return str(values["settings"]["contract"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _folders(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folder of each photo; nothing where one has none."""
    folders = tuple(PurePath(name).parent.name for name in names)
    return folders if all(folders) else ()


def _unit(path: Path, vectors: Any) -> FloatArray:
    """Return float32 rows of length 1: the same array where they are that already."""
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating) or not vectors.size:
        raise DataError(f"{path}: embeddings are numbers (N, D); got {vectors.dtype} {vectors.shape}")
    lengths = np.concatenate([_lengths(vectors[start : start + _BLOCK]) for start in range(0, len(vectors), _BLOCK)])
    wrong = np.flatnonzero(~np.isfinite(lengths) | (lengths < 1e-8))
    if len(wrong):
        raise DataError(f"{path}: embedding {wrong[0]} has no direction, its length is {lengths[wrong[0]]:g}")
    if vectors.dtype == np.float32 and np.abs(lengths - 1).max() < 1e-5:
        return np.asarray(vectors)
    return np.concatenate([l2_normalize(vectors[start : start + _BLOCK]) for start in range(0, len(vectors), _BLOCK)])


def _lengths(rows: Any) -> Any:
    return np.linalg.norm(np.asarray(rows, dtype=np.float64), axis=1)
