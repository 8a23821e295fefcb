"""Arrays that grow together, whose rows are found by id: what an index in memory is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.errors import StorageError
from marginface.values import IntArray, frozen

_GROWTH = 1.5  # by which arrays get longer, so that a row costs O(1) on average
_IDS = "ids"


class Rows:
    """Columns of equal length, one of them the ids; a removed row is overwritten and its last place set to zero.

    The order of rows is not kept: the last one takes the place of a removed one. Not safe for threads by itself.

    Args:
        columns: An array (0, …) per name, which gives the shape and type of a row.
        capacity: How many rows to make room for at once.

    >>> rows = Rows({"owners": np.empty(0, np.int64)})
    >>> rows.put(np.array([7, 9]), {"owners": np.array([1, 2])})
    >>> rows.remove(np.array([7]))
    >>> rows.ids.tolist(), rows.column("owners").tolist()
    ([9], [2])
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], capacity: int = 0) -> None:
        self._places: dict[int, int] = {}
        self._columns: dict[str, NDArray[Any]] = {_IDS: np.empty(0, np.int64), **columns}
        self._reserve(capacity)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def ids(self) -> IntArray:
        """The ids (N,), read-only."""
        return self.column(_IDS)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column (N, …), read-only; it is good until the next change."""
        return frozen(self._columns[name][: len(self)])

    def places(self, ids: IntArray) -> IntArray:
        """Return the place of each id, −1 where it is not there."""
        return np.fromiter((self._places.get(number, -1) for number in ids.tolist()), np.int64, len(ids))

    def put(self, ids: IntArray, values: Mapping[str, NDArray[Any]]) -> None:
        """Write a row per id, in the place it has or at the end; ``values`` has every column but the ids."""
        places = self.places(ids)
        new = np.flatnonzero(places < 0)
        places[new] = np.arange(len(self), len(self) + len(new))
        if len(self) + len(new) > len(self._columns[_IDS]):
            self._reserve(max(len(self) + len(new), int(_GROWTH * len(self))))
        for name, rows in {_IDS: ids, **values}.items():
            self._columns[name][places] = rows
        self._places.update(zip(ids[new].tolist(), places[new].tolist(), strict=True))

    def remove(self, ids: IntArray) -> None:
        """Remove rows; an id that is not there is passed over."""
        for number in ids.tolist():
            place = self._places.pop(number, None)
            if place is not None:
                self._fill(place, len(self._places))

    def clear(self) -> None:
        """Remove all rows and give their memory back."""
        self._places = {}
        self._columns = {name: column[:0].copy() for name, column in self._columns.items()}

    def _fill(self, place: int, last: int) -> None:
        for column in self._columns.values():
            column[place] = column[last]
            column[last] = 0
        if place != last:
            self._places[int(self._columns[_IDS][place])] = place

    def _reserve(self, length: int) -> None:
        """Make every column ``length`` rows long, or none of them."""
        try:
            self._columns = {name: _longer(column, length, len(self)) for name, column in self._columns.items()}
        except MemoryError as error:
            raise StorageError(
                f"no memory for an index of {length:,} faces ({error}). Give the machine more, or keep the faces in "
                "PostgreSQL or Qdrant"
            ) from None


def _longer(column: NDArray[Any], length: int, used: int) -> NDArray[Any]:
    longer = np.empty((length, *column.shape[1:]), column.dtype)  # memory that is not written to costs nothing yet
    longer[:used] = column[:used]
    return longer
