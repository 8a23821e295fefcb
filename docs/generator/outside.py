"""Links to files of the repository that are not in the site, as ``../SECURITY.md``: their text stays alone."""

from __future__ import annotations

import re
from pathlib import Path

_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)\s#]+)(?:#[^)]*)?\)")


def without_links_outside(markdown: str, page: Path, site: Path) -> str:
    """Return a page as it is in the site; a link to what is nowhere stays, and fails the build.

    Args:
        markdown: the page.
        page: its file.
        site: the folder of all pages.
    """

    def kept(found: re.Match[str]) -> str:
        target = (page.parent / found[2]).resolve()
        return found[0] if target.is_relative_to(site.resolve()) or not target.exists() else found[1]

    return _LINK.sub(kept, markdown)
