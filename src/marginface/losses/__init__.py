"""Losses: features (N, D) and labels (N,) → mean loss. One file per margin, one line per name below.

margin         what a margin is, and the hooks it may have
normface, cosface, arcface, x2softmax    one margin each, beside its paper
magface, adaface, kappaface    margins by feature norm, and by class, with statistics of the training
adacos         a scale by the batch, no margin
lsoftmax, sphereface, combined, expface, dynarcface, elastic    likewise
curricularface, mv_softmax, npcface, arcnegface, circle    margins that change the other classes' cosines too
multiplicative what L-Softmax and SphereFace share
past_pi        cos(θ + m) and what takes its place beyond π − m
head           cosines, margin on the target, cross entropy
scale          what multiplies the cosines
softmax        the plain classifier
one_vs_all     the head of losses that are no softmax: sface, sphereface2, uniface, one rule each
subcenter      ArcFace with several centers a class, and the wrong labels that they find
center         center loss and triplet-center loss: terms that any head can have
summed         a head with such terms
lines          the lines of the table for these, and the table of terms
centers        class centers and their cosines
implementation what a head asks of its classes: dense, all at once, or chunked, by tiles; choose says which
sharded        ... of the classes of each process, spread over several
sampled        ... of a random part of the classes (Partial FC); filtered: without those that look like the same person
pairs          losses without class centers: contrastive, triplet, N-pair, supervised contrastive
cross_entropy  the formula all heads share
angle          arccos with safe gradients
table          options and defaults of a name
notation       a loss as a person writes it
theory         curves, margins between classes, bounds, and what violates them
"""

from __future__ import annotations

from torch import nn

from marginface.losses.adacos import AdaCos, adacos_start
from marginface.losses.adaface import AdaFace
from marginface.losses.arcface import ArcFace
from marginface.losses.arcnegface import ArcNegFace
from marginface.losses.center import CenterLoss, TripletCenterLoss
from marginface.losses.choose import IMPLEMENTATIONS, Classes, spreads, use_implementation
from marginface.losses.chunked.tiles import Multiply, Tiles, Tiling
from marginface.losses.circle import Circle
from marginface.losses.combined import CombinedMargin
from marginface.losses.cosface import CosFace
from marginface.losses.curricularface import CurricularFace
from marginface.losses.dynarcface import DynArcFace
from marginface.losses.elastic import ElasticArc, ElasticArcPlus, ElasticCos, ElasticCosPlus
from marginface.losses.expface import ExpFace
from marginface.losses.head import Gradient, MarginHead
from marginface.losses.kappaface import KappaFace
from marginface.losses.lines import (
    TERMS,
    OneVsAllLoss,
    SubCenterArcFace,
    TermOptions,
    WithTerm,
    check_terms,
    with_terms,
)
from marginface.losses.lsoftmax import LSoftmax
from marginface.losses.magface import MagFace
from marginface.losses.margin import Margin, MarginContext
from marginface.losses.mv_softmax import MVArcSoftmax, MVSoftmax
from marginface.losses.normface import NormFace, smallest_scale
from marginface.losses.npcface import NPCFace
from marginface.losses.one_vs_all import OneVsAllHead
from marginface.losses.pairs import Contrastive, CosineContrastive, NPair, PairHead, PairLoss, SupCon, Triplet
from marginface.losses.scale import FeatureNormScale, LearnedScale, NormProductScale
from marginface.losses.sface import SFace
from marginface.losses.sharded import shard_here
from marginface.losses.softmax import SoftmaxHead
from marginface.losses.sphereface import SphereFace, SphereFaceR
from marginface.losses.sphereface2 import SphereFace2
from marginface.losses.subcenter import Outliers, find_outliers
from marginface.losses.summed import SummedHead, without_terms
from marginface.losses.table import HeadRequest, Loss, MarginLoss, NormScaledLoss, Option, PlainSoftmax, always
from marginface.losses.uniface import UniFace
from marginface.losses.x2softmax import X2Softmax
from marginface.registry import Registry

__all__ = [
    "IMPLEMENTATIONS",
    "LOSSES",
    "TERMS",
    "AdaCos",
    "AdaFace",
    "ArcFace",
    "ArcNegFace",
    "CenterLoss",
    "Circle",
    "CombinedMargin",
    "Contrastive",
    "CosFace",
    "CosineContrastive",
    "CurricularFace",
    "DynArcFace",
    "ElasticArc",
    "ElasticArcPlus",
    "ElasticCos",
    "ElasticCosPlus",
    "ExpFace",
    "KappaFace",
    "LSoftmax",
    "MVArcSoftmax",
    "MVSoftmax",
    "MagFace",
    "Margin",
    "MarginContext",
    "MarginHead",
    "NPCFace",
    "NPair",
    "NormFace",
    "OneVsAllHead",
    "Outliers",
    "PairHead",
    "PairLoss",
    "SFace",
    "SoftmaxHead",
    "SphereFace",
    "SphereFace2",
    "SphereFaceR",
    "SummedHead",
    "SupCon",
    "Triplet",
    "TripletCenterLoss",
    "UniFace",
    "X2Softmax",
    "build",
    "check_terms",
    "find_outliers",
    "spreads",
    "without_terms",
]

LOSSES: Registry[Loss] = Registry("loss")
LOSSES.add("softmax", PlainSoftmax())
LOSSES.add("normface", MarginLoss(NormFace, default_scale=smallest_scale))
LOSSES.add("normface_learned", MarginLoss(NormFace, default_scale=smallest_scale, scale=LearnedScale))
LOSSES.add("cosface", MarginLoss(CosFace))
LOSSES.add("arcface", MarginLoss(ArcFace))
LOSSES.add("x2softmax", MarginLoss(X2Softmax))
LOSSES.add("lsoftmax", NormScaledLoss(LSoftmax, NormProductScale))
LOSSES.add("sphereface", NormScaledLoss(SphereFace, FeatureNormScale))
LOSSES.add("sphereface_r", MarginLoss(SphereFaceR, default_scale=always(30.0)))
LOSSES.add("amsoftmax", MarginLoss(CosFace, default_scale=always(30.0)))
LOSSES.add("combined", MarginLoss(CombinedMargin))
LOSSES.add("expface", MarginLoss(ExpFace))
LOSSES.add("dynarcface", MarginLoss(DynArcFace))
LOSSES.add("elastic_arc", MarginLoss(ElasticArc))
LOSSES.add("elastic_cos", MarginLoss(ElasticCos))
LOSSES.add("elastic_arc_plus", MarginLoss(ElasticArcPlus))
LOSSES.add("elastic_cos_plus", MarginLoss(ElasticCosPlus))
LOSSES.add("magface", MarginLoss(MagFace))
LOSSES.add("adaface", MarginLoss(AdaFace))
LOSSES.add("kappaface", MarginLoss(KappaFace))
LOSSES.add("adacos", MarginLoss(NormFace, default_scale=adacos_start, scale=AdaCos, paper=AdaCos))
LOSSES.add("adacos_fixed", MarginLoss(NormFace, default_scale=adacos_start, paper=adacos_start))
LOSSES.add("curricularface", MarginLoss(CurricularFace))
LOSSES.add("mv_softmax", MarginLoss(MVSoftmax, default_scale=always(32.0)))
LOSSES.add("mv_softmax_arc", MarginLoss(MVArcSoftmax, default_scale=always(32.0)))
LOSSES.add("npcface", MarginLoss(NPCFace))
LOSSES.add("arcnegface", MarginLoss(ArcNegFace))
LOSSES.add("circle", MarginLoss(Circle, default_scale=always(256.0)))
LOSSES.add("contrastive", PairLoss(Contrastive))
LOSSES.add("cosine_contrastive", PairLoss(CosineContrastive))
LOSSES.add("triplet", PairLoss(Triplet))
LOSSES.add("npair", PairLoss(NPair))
LOSSES.add("supcon", PairLoss(SupCon))
LOSSES.add("sface", OneVsAllLoss(SFace))
LOSSES.add("sphereface2", OneVsAllLoss(SphereFace2))
LOSSES.add("uniface", OneVsAllLoss(UniFace))
LOSSES.add("subcenter_arcface", SubCenterArcFace())
LOSSES.add("center", WithTerm(PlainSoftmax(), "center"))
LOSSES.add("triplet_center", WithTerm(PlainSoftmax(), "triplet_center"))


def build(
    name: str,
    *,
    num_classes: int,
    embedding_size: int,
    scale: float | None = None,
    margin: float | None = None,
    gradient: Gradient = "exact",
    implementation: str = "auto",
    multiply: Multiply = "float32",
    tiles: Tiles = "auto",
    sample_rate: float = 1.0,
    interclass_filter: float | None = None,
    terms: TermOptions | None = None,
    **options: Option,
) -> nn.Module:
    """Return a new head by the name of its loss.

    Args:
        name: a name in LOSSES.
        num_classes: C, the number of identities.
        embedding_size: D, the length of a feature.
        scale: s; None is the default of the paper, for normface the smallest scale that can train C classes.
        margin: m of the margins that have one; None is the default of the paper.
        gradient: "exact" or "straight_through", see MarginHead.
        implementation: "dense" holds N×C logits, "chunked" one tile of them; "auto" chooses by C. The loss is the same.
            "sharded" spreads the classes over the processes of torch.distributed: ``centers`` are those of this one.
        multiply: "bfloat16" rounds what chunked multiplies, see losses.chunked.tiles.Tiling.
        tiles: "store" or "recompute" in the backward pass of chunked, see there.
        sample_rate: below 1, each step compares with a random part of the classes (Partial FC), see losses.sampled.
        interclass_filter: other classes with a larger cosine are taken for the same person, see losses.filtered.
        terms: losses added to that of the head: by a name in TERMS, the options of each, ``weight`` among them, as in
            ``{"center": {"weight": 0.003, "rule": "count"}}``.
        options: those of the loss (``LOSSES[name].options``).

    Returns:
        A module: features (N, D), labels (N,) int64 → mean loss; ``.centers`` (C, D); ``.cosine(features)`` (N, C).
        A pair loss has neither: it gives a PairHead, with ``.diagnose(features, labels)``.

    Raises:
        UnknownName: the table has no such loss, or the loss no such option.
        InputError: a value is out of range.

    Example:
        >>> import torch
        >>> head = build("arcface", num_classes=10, embedding_size=4, margin=0.5)
        >>> head(torch.randn(3, 4), torch.tensor([0, 9, 1])).shape
        torch.Size([])
    """
    loss = LOSSES[name]
    if margin is not None:
        options = {"margin": margin, **options}
    shard = shard_here(num_classes) if implementation == "sharded" else None
    request = HeadRequest(name, num_classes, embedding_size, scale, gradient, options, shard)
    head = with_terms(loss.head(request), terms or {}, request)
    use_implementation(head, Classes(implementation, Tiling(multiply, tiles), sample_rate, interclass_filter))
    return head
