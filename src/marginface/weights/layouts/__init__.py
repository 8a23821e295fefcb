"""Foreign tensor names → ours: one file per family of published networks, torch-free, in the table LAYOUTS.

arcface_torch   insightface's IResNet and MobileFaceNet (backbone.pth, or model.pt of CVLface's copy)
ir              IR-18 … IR-101 of AdaFace and CVLface
sface           the ONNX initializers of opencv_zoo's SFace
layout          what a family is
"""

from __future__ import annotations

from collections.abc import Mapping

from marginface.errors import WeightsError
from marginface.weights.layouts.arcface_torch import ARCFACE_IRESNET, ARCFACE_MOBILEFACENET
from marginface.weights.layouts.ir import IR
from marginface.weights.layouts.layout import Layout, Network, Shapes
from marginface.weights.layouts.sface import SFACE

__all__ = ["LAYOUTS", "Layout", "Network", "Shapes", "recognize"]

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (ARCFACE_IRESNET, ARCFACE_MOBILEFACENET, IR, SFACE)}


def recognize(names: Shapes) -> tuple[Layout, str]:
    """Return the layout that tensor names belong to, and the prefix that stands before the names of the backbone.

    A prefix comes from what wrapped the network: ``module.`` of DataParallel, ``model.`` of AdaFace's Lightning
    module, ``net.`` of CVLface.

    Raises:
        WeightsError: no layout fits.
    """
    for layout in LAYOUTS.values():
        for name in names:
            if name.endswith(layout.anchor):
                return layout, name.removesuffix(layout.anchor)
    shown = ", ".join(list(names)[:6])
    known = "; ".join(f"{layout.name} ({layout.family})" for layout in LAYOUTS.values())
    raise WeightsError(
        f"a layout that is not known here: its {len(names)} tensors begin with {shown}. Known: {known}. For another "
        "network export it to ONNX and write a card beside it: it can be used, not trained on."
    )
