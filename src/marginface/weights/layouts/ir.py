"""IR-18 … IR-101 of AdaFace (net.py) and CVLface (models/iresnet): one list of blocks, no weights in the last norm."""

from __future__ import annotations

import re
from itertools import accumulate

from marginface.errors import WeightsError
from marginface.weights.layouts.layout import Layout, Network, Shapes, by_rules, grid_side, require

_BLOCKS = {  # blocks in all → name, blocks in each stage
    8: ("ir18", (2, 2, 2, 2)),
    16: ("ir34", (3, 4, 6, 3)),
    24: ("ir50", (3, 4, 14, 3)),
    49: ("ir101", (3, 13, 30, 3)),
}
_RULES = {
    r"input_layer\.([012])\.(.+)": r"stem.\1.\2",
    r"output_layer\.0\.(.+)": r"last.0.\1",
    r"output_layer\.3\.(.+)": r"projection.linear.\1",
    r"output_layer\.4\.(.+)": r"projection.norm.\1",
}


def _blocks(shapes: Shapes) -> int:
    return len({name.split(".")[1] for name in shapes if name.startswith("body.")})


def _ir(shapes: Shapes) -> Network:
    if any(".se_block." in name or name.endswith("res_layer.7.weight") for name in shapes):
        raise WeightsError("an IR network with squeeze-and-excitation or bottleneck blocks, which no backbone here has")
    count = _blocks(shapes)
    if count not in _BLOCKS:
        known = ", ".join(f"{name} {blocks}" for blocks, (name, _) in _BLOCKS.items())
        raise WeightsError(f"an IR network of {count} blocks is none of {known}")
    size, flat = require(shapes, "output_layer.3.weight", 2)
    channels = require(shapes, "output_layer.0.weight", 1)[0]
    return Network(_BLOCKS[count][0], size, 16 * grid_side(flat, channels, "output_layer.3.weight"))


def _ir_name(name: str, shapes: Shapes) -> str | None:
    block = re.fullmatch(r"body\.(\d+)\.(?:(res_layer)|(shortcut_layer))\.(\d)\.(\w+)", name)
    if block is None:
        return by_rules(name, _RULES)
    number, ends = int(block[1]), list(accumulate(_BLOCKS[_blocks(shapes)][1]))
    stage = next(index for index, end in enumerate(ends) if number < end)
    inside = "residual" if block[2] else "shortcut"
    return f"stages.{stage}.{number - ([0, *ends])[stage]}.{inside}.{block[4]}.{block[5]}"


IR = Layout(
    "ir",
    "AdaFace and CVLface, IR-18 to IR-101",
    "body.0.res_layer.0.weight",
    _ir,
    _ir_name,
    {"projection.norm.weight": 1.0, "projection.norm.bias": 0.0},
)
