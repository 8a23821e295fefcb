"""What other programs show of our texts: pages for a browser, cells for a spreadsheet.

elements    HTML from plain values, escaped; page.html: the frame and the style of every page
cells       cells of CSV files and of LaTeX's tables
"""

from marginface.markup.cells import plain_cell, tex_cell
from marginface.markup.elements import (
    Html,
    crop_image,
    document,
    element,
    figure,
    folded,
    image,
    join,
    row,
    table,
    write_page,
)

__all__ = [
    "Html",
    "crop_image",
    "document",
    "element",
    "figure",
    "folded",
    "image",
    "join",
    "plain_cell",
    "row",
    "table",
    "tex_cell",
    "write_page",
]
