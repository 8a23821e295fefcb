"""What the sources say of the size of their networks, beside the options that make the same network here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

INSIGHTFACE = "insightface arcface_torch, README at 7fadd42"
MOBILEFACENETS = "Chen et al., arXiv:1804.07573"
GHOSTFACENETS = "Alansari et al., IEEE Access 11, 2023"


@dataclass(frozen=True, slots=True)
class Published:
    """A network with published figures, for 112×112 images.

    Attributes:
        name: in BACKBONES.
        parameters: millions as the source prints them; None where it says nothing.
        gflops: multiply-adds in 1e9 as the source prints them.
        source: where.
        options: that make it.
        embedding_size: D of the source.
        note: how the source counts where that is another way.
    """

    name: str
    parameters: float | None
    gflops: float
    source: str
    options: Mapping[str, float] = field(default_factory=dict)
    embedding_size: int = 512
    note: str = ""

    def describe(self) -> str:
        """Return the figures and their source in words."""
        parameters = "" if self.parameters is None else f"{self.parameters:g} M, "
        return f"{parameters}{self.gflops:g} GFLOPs ({self.source}{'; ' if self.note else ''}{self.note})"


COUNTS_MORE = "counts batch normalizations and activations too"
IN_KERAS = "its parameters include running statistics, its operations batch normalizations and activations"

PUBLISHED = (
    Published("iresnet18", None, 2.6, INSIGHTFACE),
    Published("iresnet50", 43.59, 6.3, INSIGHTFACE),
    Published("iresnet100", 65.16, 12.1, INSIGHTFACE),
    Published("iresnet200", None, 23.5, INSIGHTFACE, note=COUNTS_MORE),
    Published("mobilefacenet", 0.99, 0.221, MOBILEFACENETS, embedding_size=128),
    Published("mobilefacenet", None, 0.45, INSIGHTFACE, {"width": 2}, note=COUNTS_MORE),
    Published("ghostfacenet", 4.09, 0.2157, GHOSTFACENETS, note=IN_KERAS),
    Published("ghostfacenet", 4.07, 0.0603, GHOSTFACENETS, {"stride": 2}, note=IN_KERAS),
    Published("vit_t", None, 1.5, INSIGHTFACE),
    Published("vit_s", None, 5.7, INSIGHTFACE),
    Published("vit_b", None, 11.4, INSIGHTFACE),
)
