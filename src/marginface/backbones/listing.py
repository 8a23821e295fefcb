"""Every backbone of the table, measured, beside what its source says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marginface.backbones import BACKBONES
from marginface.backbones.published import PUBLISHED, Published
from marginface.backbones.size import size_by_name

PUBLISHED_INPUT = 112


@dataclass(frozen=True, slots=True)
class Row:
    """A backbone with some options.

    Attributes:
        name: in BACKBONES.
        options: those that are not the default.
        takes: the names of all its options.
        embedding_size: D.
        input_size: S.
        parameters: learned numbers.
        gflops: multiply-adds of one image in 1e9.
        published: the figures of the source in words, empty where there are none for this input.
    """

    name: str
    options: Mapping[str, float]
    takes: tuple[str, ...]
    embedding_size: int
    input_size: int
    parameters: int
    gflops: float
    published: str


def listing(names: Sequence[str] = (), input_size: int = PUBLISHED_INPUT) -> tuple[Row, ...]:
    """Return a row for each backbone, and one for each published variant of it.

    Args:
        names: in BACKBONES; none: all of them.
        input_size: S.

    Raises:
        UnknownName: a name is not in the table.
        InputError: a backbone takes no images of this side.
    """
    rows: list[Row] = []
    for name in names or BACKBONES:
        variants = [entry for entry in PUBLISHED if entry.name == name]
        rows += [_row(entry, input_size) for entry in variants] or [_row(Published(name, 0, None, ""), input_size)]
    return tuple(rows)


def _row(entry: Published, input_size: int) -> Row:
    size = size_by_name(entry.name, entry.options, embedding_size=entry.embedding_size, input_size=input_size)
    published = entry.describe() if entry.source and input_size == PUBLISHED_INPUT else ""
    takes = BACKBONES[entry.name].options
    return Row(
        entry.name,
        entry.options,
        takes,
        entry.embedding_size,
        input_size,
        size.parameters,
        round(size.gflops, 4),
        published,
    )
