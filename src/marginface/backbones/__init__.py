"""Backbones: normalized images (N, 3, S, S) → features (N, D). One file per architecture, one line per name below.

iresnet        IResNet 18, 34, 50, 100, 200
mobilefacenet  MobileFaceNet, at the paper's or insightface's width
ghostfacenet   GhostFaceNet V1, small by cheap maps
vit            vision transformers T, S, B of insightface, with masked patches
transface      the same with the two parts of TransFace
ir             IR 18, 34, 50, 101 of AdaFace and CVLface
sface          the network of the published SFace weights
resnet         ResNet-18 with half the channels, for small trainings on a CPU
spherenet      SphereFace's 20 and 64 layers, without batch normalization
tiny           small and fast, for demos; tiny_linear for pictures of features

dream          a branch behind any of them that moves the features of turned heads

inputs, projection, layers   what they share: checks, the last step, faster layers
size           parameters and multiply-adds of any of them; published: what the sources say; listing: both
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from marginface.backbones.ghostfacenet import GhostFaceNet
from marginface.backbones.ir import ir18, ir34, ir50, ir101
from marginface.backbones.iresnet import iresnet18, iresnet34, iresnet50, iresnet100, iresnet200
from marginface.backbones.mobilefacenet import MobileFaceNet
from marginface.backbones.resnet import ResNet18
from marginface.backbones.sface import SFace
from marginface.backbones.spherenet import spherenet20, spherenet64
from marginface.backbones.tiny import Tiny, TinyLinear
from marginface.backbones.transface import transface_b, transface_s, transface_t
from marginface.backbones.vit import vit_b, vit_s, vit_t
from marginface.errors import InputError
from marginface.registry import Registry

__all__ = ["BACKBONES", "BackboneInfo", "build"]


@dataclass(frozen=True)
class BackboneInfo:
    """One line of the table: how to make a backbone, and the precision to train it in on a CPU.

    ``best_precision`` is bfloat16 where that is clearly faster on a processor that multiplies it (IResNet about 3 times
    with matrix units, MobileFaceNet 1.5 times without), else float32: in GhostFaceNet the cheap maps gain nothing.
    """

    create: Callable[..., nn.Module]
    best_precision: Literal["float32", "bfloat16"]

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the options besides embedding_size and input_size."""
        return tuple(self.defaults)

    @property
    def defaults(self) -> dict[str, object]:
        """Return the default of each option."""
        parameters = inspect.signature(self.create).parameters.values()
        given = {"embedding_size", "input_size"}
        return {option.name: option.default for option in parameters if option.name not in given}


BACKBONES: Registry[BackboneInfo] = Registry("backbone")
BACKBONES.add("iresnet18", BackboneInfo(iresnet18, "bfloat16"))
BACKBONES.add("iresnet34", BackboneInfo(iresnet34, "bfloat16"))
BACKBONES.add("iresnet50", BackboneInfo(iresnet50, "bfloat16"))
BACKBONES.add("iresnet100", BackboneInfo(iresnet100, "bfloat16"))
BACKBONES.add("iresnet200", BackboneInfo(iresnet200, "bfloat16"))
BACKBONES.add("mobilefacenet", BackboneInfo(MobileFaceNet, "bfloat16"))
BACKBONES.add("ghostfacenet", BackboneInfo(GhostFaceNet, "float32"))
BACKBONES.add("vit_t", BackboneInfo(vit_t, "bfloat16"))
BACKBONES.add("vit_s", BackboneInfo(vit_s, "bfloat16"))
BACKBONES.add("vit_b", BackboneInfo(vit_b, "bfloat16"))
BACKBONES.add("transface_t", BackboneInfo(transface_t, "bfloat16"))
BACKBONES.add("transface_s", BackboneInfo(transface_s, "bfloat16"))
BACKBONES.add("transface_b", BackboneInfo(transface_b, "bfloat16"))
BACKBONES.add("ir18", BackboneInfo(ir18, "bfloat16"))
BACKBONES.add("ir34", BackboneInfo(ir34, "bfloat16"))
BACKBONES.add("ir50", BackboneInfo(ir50, "bfloat16"))
BACKBONES.add("ir101", BackboneInfo(ir101, "bfloat16"))
BACKBONES.add("resnet18", BackboneInfo(ResNet18, "bfloat16"))
BACKBONES.add("spherenet20", BackboneInfo(spherenet20, "bfloat16"))
BACKBONES.add("spherenet64", BackboneInfo(spherenet64, "bfloat16"))
BACKBONES.add("sface", BackboneInfo(SFace, "float32"))
BACKBONES.add("tiny", BackboneInfo(Tiny, "float32"))
BACKBONES.add("tiny_linear", BackboneInfo(TinyLinear, "float32"))


def build(
    name: str, *, embedding_size: int = 512, input_size: int = 112, **options: int | float | str | bool
) -> nn.Module:
    """Return a new backbone by name.

    Args:
        name: a name in BACKBONES.
        embedding_size: D, the length of a feature.
        input_size: S, the side of the square images; a multiple of 16, of a vision transformer at least a patch.
        options: those of the architecture (``BACKBONES[name].options``).

    Raises:
        UnknownName: the table has no such backbone, or the backbone no such option.
        InputError: a value is out of range.

    Example:
        >>> import torch
        >>> backbone = build("tiny", embedding_size=2, input_size=64)
        >>> backbone(torch.zeros(4, 3, 64, 64)).shape
        torch.Size([4, 2])
    """
    info = BACKBONES[name]
    known: Registry[str] = Registry(f"option of {name}")
    for option in info.options:
        known.add(option, option)
    for option, value in options.items():
        switch = isinstance(info.defaults[known[option]], bool)
        if isinstance(value, str) or isinstance(value, bool) != switch:
            raise InputError(f"{option} of {name} is {'true or false' if switch else 'a number'}; got {value!r}")
    if embedding_size < 1:
        raise InputError(f"embedding_size is at least 1; got {embedding_size}. Usual: 512, or 2 for pictures")
    return info.create(embedding_size=embedding_size, input_size=input_size, **options)
