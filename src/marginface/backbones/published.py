"""What the sources say of the size of their networks, beside the options that make the same network here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

INSIGHTFACE = "insightface 7fadd42"  # GFLOPs of the README of arcface_torch, parameters counted in its networks
MOBILEFACENETS = "Chen et al., arXiv:1804.07573"
GHOSTFACENETS = "Alansari et al., 2023, as FaceLiVTv2 quotes it"


@dataclass(frozen=True, slots=True)
class Published:
    """A network with published figures, for 112×112 images.

    Attributes:
        name: in BACKBONES.
        parameters: millions, as the source prints them or its network has them.
        gflops: multiply-adds in 1e9 as the source prints them; None where it says nothing.
        source: where.
        options: that make it.
        embedding_size: D of the source.
        note: how the source counts where that is another way.
    """

    name: str
    parameters: float
    gflops: float | None
    source: str
    options: Mapping[str, float] = field(default_factory=dict)
    embedding_size: int = 512
    note: str = ""

    def describe(self) -> str:
        """Return the figures and their source in words."""
        operations = "" if self.gflops is None else f", {self.gflops:g} GFLOPs"
        return f"{self.parameters:.4g} M{operations} ({self.source}{'; ' if self.note else ''}{self.note})"


COUNTS_MORE = "its operations include batch normalizations and activations"
IN_KERAS = "its parameters include running statistics, its operations batch normalizations and activations"

PUBLISHED = (
    Published("iresnet18", 24.0256, 2.6, INSIGHTFACE),
    Published("iresnet34", 34.139328, None, INSIGHTFACE),
    Published("iresnet50", 43.590848, 6.3, INSIGHTFACE),
    Published("iresnet100", 65.15616, 12.1, INSIGHTFACE),
    Published("iresnet200", 118.83392, 23.5, INSIGHTFACE, note=COUNTS_MORE),
    Published("mobilefacenet", 0.99, 0.221, MOBILEFACENETS, embedding_size=128),
    Published("mobilefacenet", 2.05952, 0.45, INSIGHTFACE, {"width": 2}, note=COUNTS_MORE),
    Published("ghostfacenet", 4.1, 0.216, GHOSTFACENETS, note=IN_KERAS),
    Published("ghostfacenet", 4.1, 0.060, GHOSTFACENETS, {"stride": 2}, note=IN_KERAS),
    Published("vit_t", 19.137792, 1.5, INSIGHTFACE),
    Published("vit_s", 76.023296, 5.7, INSIGHTFACE),
    Published("vit_b", 113.833472, 11.4, INSIGHTFACE),
)
