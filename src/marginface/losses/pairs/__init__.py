"""Pair losses: the images of a batch against each other, without class centers.

batch        what a pair loss looks at: embeddings, who is who, similarities, distances
head         checks, label −1, the mean, diagnostics
contrastive, triplet, npair, supcon    one loss each, beside its paper
table        how a name becomes a head

They need batches with several images of an identity: data.sampling.sampler.IdentityBatches, in a recipe
``[train] batch_images_per_identity``.
"""

from marginface.losses.pairs.batch import PairBatch, PairTerms
from marginface.losses.pairs.contrastive import Contrastive, CosineContrastive
from marginface.losses.pairs.head import PairHead
from marginface.losses.pairs.npair import NPair
from marginface.losses.pairs.supcon import SupCon
from marginface.losses.pairs.table import PairLoss
from marginface.losses.pairs.triplet import Triplet

__all__ = [
    "Contrastive",
    "CosineContrastive",
    "NPair",
    "PairBatch",
    "PairHead",
    "PairLoss",
    "PairTerms",
    "SupCon",
    "Triplet",
]
