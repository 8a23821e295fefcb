"""insightface's arcface_torch: backbones/iresnet.py and backbones/mobilefacenet.py, the names of their state dicts."""

from __future__ import annotations

import re

from marginface.errors import WeightsError
from marginface.weights.layouts.layout import Layout, Network, Shapes, by_rules, grid_side, require

_IRESNETS = {
    (2, 2, 2, 2): "iresnet18",
    (3, 4, 6, 3): "iresnet34",
    (3, 4, 14, 3): "iresnet50",
    (3, 13, 30, 3): "iresnet100",
    (6, 26, 60, 6): "iresnet200",
}
_OF_BLOCK = {"bn1": 0, "conv1": 1, "bn2": 2, "prelu": 3, "conv2": 4, "bn3": 5}
_IRESNET_RULES = {
    r"conv1\.(.+)": r"stem.0.\1",
    r"bn1\.(.+)": r"stem.1.\1",
    r"prelu\.(.+)": r"stem.2.\1",
    r"bn2\.(.+)": r"last.0.\1",
    r"fc\.(.+)": r"projection.linear.\1",
    r"features\.(.+)": r"projection.norm.\1",
}
_MOBILEFACENET_RULES = {
    r"layers\.0\.layers\.([01])\.(.+)": r"stem.0.\1.\2",
    r"layers\.0\.layers\.2\.(.+)": r"stem.1.\1",
    r"layers\.1\.layers\.([01])\.(.+)": r"stem.2.\1.\2",
    r"layers\.1\.layers\.2\.(.+)": r"stem.3.\1",
    r"conv_sep\.layers\.([01])\.(.+)": r"last.0.\1.\2",
    r"conv_sep\.layers\.2\.(.+)": r"last.1.\1",
    r"features\.layers\.0\.layers\.([01])\.(.+)": r"last.2.\1.\2",
    r"features\.layers\.2\.(.+)": r"projection.linear.\1",
    r"features\.layers\.3\.(.+)": r"projection.norm.\1",
}
_OF_BOTTLENECK = {  # inside a DepthWise → inside our path
    r"layers\.0\.layers\.([01])\.(.+)": r"0.\1.\2",
    r"layers\.0\.layers\.2\.(.+)": r"1.\1",
    r"layers\.1\.layers\.([01])\.(.+)": r"2.\1.\2",
    r"layers\.1\.layers\.2\.(.+)": r"3.\1",
    r"layers\.2\.layers\.([01])\.(.+)": r"4.\1.\2",
}
_FIRST_STAGES = {2: 0, 3: 1, 4: 5, 5: 6, 6: 12, 7: 13}  # entry of ``layers`` → the first of our stages it fills
_REPEATED = {3: 4, 5: 6, 7: 2}  # how many bottlenecks an entry repeats


def _iresnet(shapes: Shapes) -> Network:
    stages = [
        len({name.split(".")[1] for name in shapes if name.startswith(f"layer{stage}.")}) for stage in range(1, 5)
    ]
    name = _IRESNETS.get((stages[0], stages[1], stages[2], stages[3]))
    if name is None:
        known = ", ".join(f"{network} {blocks}" for blocks, network in _IRESNETS.items())
        raise WeightsError(f"an IResNet with {stages} blocks in its four stages is none of {known}")
    size, flat = require(shapes, "fc.weight", 2)
    channels = require(shapes, "bn2.weight", 1)[0]
    return Network(name, size, 16 * grid_side(flat, channels, "fc.weight"))


def _iresnet_name(name: str, _: Shapes) -> str | None:
    block = re.fullmatch(r"layer([1-4])\.(\d+)\.(bn1|conv1|bn2|prelu|conv2|bn3|downsample\.[01])\.(\w+)", name)
    if block is None:
        return by_rules(name, _IRESNET_RULES)
    place = f"stages.{int(block[1]) - 1}.{block[2]}"
    part = block[3]
    inside = f"residual.{_OF_BLOCK[part]}" if part in _OF_BLOCK else part.replace("downsample", "shortcut")
    return f"{place}.{inside}.{block[4]}"


def _mobilefacenet(shapes: Shapes) -> Network:
    repeated = {
        entry: len(
            {name.split(".")[3] for name in shapes if re.match(rf"layers\.{entry}\.layers\.\d+\.layers\.", name)}
        )
        for entry in _REPEATED
    }
    narrow = require(shapes, "layers.0.layers.0.weight", 4)[0]
    if repeated != _REPEATED or narrow % 64:
        raise WeightsError(
            f"a MobileFaceNet whose stages repeat {list(repeated.values())} blocks of {narrow} channels at first is "
            f"none of ours: {list(_REPEATED.values())} blocks and a multiple of 64 channels, get_mbf"
        )
    size = require(shapes, "features.layers.2.weight", 2)[0]
    side = require(shapes, "features.layers.0.layers.0.weight", 4)[-1]
    return Network("mobilefacenet", size, 16 * side, {"width": narrow // 64})


def _mobilefacenet_name(name: str, _: Shapes) -> str | None:
    found = re.fullmatch(r"layers\.([2-7])\.(.+)", name)
    if found is None:
        return by_rules(name, _MOBILEFACENET_RULES)
    entry, rest, stage = int(found[1]), found[2], _FIRST_STAGES[int(found[1])]
    if entry in _REPEATED:
        repeat = re.fullmatch(r"layers\.(\d+)\.(.+)", rest)
        if repeat is None:
            return None
        stage, rest = stage + int(repeat[1]), repeat[2]
    inside = by_rules(rest, _OF_BOTTLENECK)
    return None if inside is None else f"stages.{stage}.path.{inside}"


ARCFACE_IRESNET = Layout(
    "arcface_iresnet", "insightface arcface_torch, IResNet", "layer1.0.bn1.weight", _iresnet, _iresnet_name
)
ARCFACE_MOBILEFACENET = Layout(
    "arcface_mobilefacenet",
    "insightface arcface_torch, MobileFaceNet",
    "conv_sep.layers.0.weight",
    _mobilefacenet,
    _mobilefacenet_name,
)
