"""Names of identities: when two spellings mean one person, and lists of names in text files."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from marginface.errors import DataError
from marginface.words import cause

_NUMBERED = re.compile(r"\d+[\s.,:;)]+(?=\S)")


def identity_key(name: str) -> str:
    """Return what two spellings of one name share: letters and digits only, without case and accents.

    >>> identity_key("Beyoncé_Knowles") == identity_key("beyonce knowles")
    True
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in decomposed if sign.isalnum())


def read_names(path: Path) -> tuple[str, ...]:
    """Read a list of names: UTF-8 text, one name a line, empty lines and lines that start with # left out.

    A leading number is dropped if every line has one ("001 50 Cent" is "50 Cent"); if only some lines start with a
    number, it is part of the name.

    Raises:
        DataError: the file is missing, not text, or holds no name.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: a list of names is a text file, one name a line; got {cause(error)}") from None
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise DataError(
            f"{path}: expected one name a line; got no name. Leave the list out if nobody is to be left out"
        )
    if all(_NUMBERED.match(name) for name in names):
        names = [_NUMBERED.sub("", name, count=1) for name in names]
    return tuple(names)
