"""Columns whose values are what they should be: in a damaged file SQLite gives any kind of value for any column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, Integer, LargeBinary, Text

from marginface.errors import GalleryError

_Check = Callable[[Any], Any]


def damaged(what: str) -> GalleryError:
    """Return the error that says what is wrong with the content of a gallery."""
    return GalleryError(f"the gallery is damaged: {what}. Take it from a backup or from an export")


class Words(Text):
    """Text, or GalleryError; ``required``: never nothing."""

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def result_processor(self, dialect: Dialect, coltype: object) -> _Check | None:  # noqa: ARG002
        """Return what every value read goes through."""
        return _checked(str, required=self.required)


class Bytes(LargeBinary):
    """Bytes, or GalleryError; ``required``: never nothing."""

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def result_processor(self, dialect: Dialect, coltype: object) -> _Check | None:
        """Return what every value read goes through; PostgreSQL keeps to its types and gives views of memory."""
        if dialect.name == "sqlite":
            return _checked(bytes, required=self.required)
        read: _Check | None = super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]
        return read


class Whole(Integer):
    """A whole number, or GalleryError; ``required``: never nothing."""

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def result_processor(self, dialect: Dialect, coltype: object) -> _Check | None:  # noqa: ARG002
        """Return what every value read goes through."""
        return _checked(int, required=self.required)


def _checked(kind: type, *, required: bool) -> _Check:
    def check(value: Any) -> Any:
        if type(value) is kind or (value is None and not required):
            return value
        got = "nothing" if value is None else type(value).__name__
        raise damaged(f"{got} is stored where {kind.__name__} is due")

    return check
