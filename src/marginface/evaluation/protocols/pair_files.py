"""A verification protocol by what is on the disk: a folder with its list of pairs, CFP, or a pack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from marginface.data.pairs.binpack import open_pack
from marginface.data.pairs.cfp import cfp_pairs
from marginface.data.pairs.lfw import lfw_pairs
from marginface.data.pairs.parquet import open_parquet_pairs
from marginface.errors import InputError
from marginface.evaluation.reading import FILES, ImageStore
from marginface.values import Pairs

_PACKS = (".bin", ".parquet")


@dataclass(frozen=True, slots=True, eq=False)
class OpenProtocol:
    """The pairs, what reads their images, and whether these are aligned crops."""

    pairs: Pairs
    store: ImageStore
    aligned: bool


def open_protocol(
    data: str | Path, pairs_file: str | Path | None = None, split: str | None = None, *, aligned: bool = False
) -> OpenProtocol:
    """Open LFW (``pairs_file``), CFP (``split`` FF or FP), or a pack or Parquet file of pairs (neither).

    Raises:
        InputError: what says which pairs is missing, or given twice.
        DataError: the files are not as the protocol has them.
    """
    data = Path(data)
    if data.is_file() or (data.suffix in _PACKS and not data.is_dir()):
        if pairs_file is not None or split is not None:
            option = "--pairs" if split is None else "--split"
            raise InputError(
                f"{data} is a file, read as a pack, which holds its own pairs; leave out {option}, or give a folder"
            )
        pack = open_parquet_pairs(data) if data.suffix == ".parquet" else open_pack(data)
        return OpenProtocol(pack.pairs, pack, aligned=True)
    if (pairs_file is None) == (split is None):
        got = "neither" if split is None else "both"
        raise InputError(
            "the protocol of a folder is --pairs FILE (LFW: its pairs.txt) or --split FF|FP (CFP), one of the two; got "
            f"{got}. A pack such as lfw.bin needs neither"
        )
    if pairs_file is not None:
        return OpenProtocol(lfw_pairs(data, Path(pairs_file)), FILES, aligned)
    return OpenProtocol(cfp_pairs(data, cast(Literal["FF", "FP"], split)), FILES, aligned)
