"""HTML from plain values: text is escaped unless it is Html already, and images are inside the page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from PIL import Image

from marginface.files import write_bytes
from marginface.values import ImageArray

_NONE: Mapping[str, str] = {}


class Html(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def join(parts: Iterable[str]) -> Html:
    """Return the parts one after the other, escaped where they are plain text."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part) for part in parts))


def element(name: str, *children: str, attributes: Mapping[str, str] = _NONE) -> Html:
    """Return ``<name attributes>children</name>``.

    >>> element("p", "a < b, ", element("b", "so"), attributes={"class": "x"})
    '<p class="x">a &lt; b, <b>so</b></p>'
    """
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def image(data: bytes, kind: str, description: str) -> Html:
    """Return an ``<img>`` that holds its data; kind is a MIME type, the description is read to who cannot see it."""
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return Html(f'<img src="{source}" alt="{html.escape(description)}">')


def figure(picture: str, caption: str, *, mark: str = "") -> Html:
    """Return a picture with its caption; ``mark`` is a CSS class."""
    return element("figure", picture, element("figcaption", caption), attributes={"class": mark} if mark else _NONE)


def crop_image(crop: ImageArray, description: str) -> Html:
    """Return a crop (H, W, 3) as an inline PNG."""
    stream = io.BytesIO()
    Image.fromarray(crop).save(stream, format="PNG", optimize=True)
    return image(stream.getvalue(), "image/png", description)


def row(cells: Sequence[str], *, mark: str = "") -> Html:
    """Return a table row whose first cell is its heading; ``mark`` is a CSS class."""
    first = element("th", cells[0], attributes={"scope": "row"})
    attributes = {"class": mark} if mark else _NONE
    return element("tr", first, *(element("td", cell) for cell in cells[1:]), attributes=attributes)


def table(head: Sequence[str], rows: Iterable[Html], caption: str) -> Html:
    """Return a table that scrolls sideways on a narrow screen."""
    titles = element("tr", *(element("th", title, attributes={"scope": "col"}) for title in head))
    body = (element("caption", caption), element("thead", titles), element("tbody", *rows))
    return element("div", element("table", *body), attributes={"class": "wide"})


def folded(summary: str, *body: str) -> Html:
    """Return a part that opens on a click, without a script."""
    return element("details", element("summary", summary), *body)


def document(title: str, lead: Sequence[Html], parts: Mapping[str, Html]) -> str:
    """Return a page: title, first paragraphs, links to the parts that have a content, and these."""
    shown = {name: part for name, part in parts.items() if part}
    head = element("header", element("h1", title), *lead, _contents(list(shown)))
    main = element("main", *(_section(name, part) for name, part in shown.items()))
    foot = element("footer", "Made by marginface. Everything on this page is inside this one file.")
    return _page(title, join([head, main, foot]))


def write_page(page: str, path: Path) -> Path:
    """Write a page, whole or not at all; return its path. A file name that is no UTF-8 shows as numbers of signs."""
    content = page.encode("utf-8", "xmlcharrefreplace")
    return write_bytes(path, content)


def _section(title: str, content: Html) -> Html:
    heading = element("h2", title, attributes={"id": _anchor(title)})
    return element("section", heading, content, attributes={"aria-labelledby": _anchor(title)})


def _contents(titles: Sequence[str]) -> Html:
    links = (element("li", element("a", title, attributes={"href": f"#{_anchor(title)}"})) for title in titles)
    return element("nav", element("ul", *links), attributes={"aria-label": "Contents"})


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _page(title: str, body: Html) -> str:
    template = files("marginface.markup").joinpath("page.html").read_text(encoding="utf-8")
    return Template(template).substitute(title=html.escape(title), body=body)
