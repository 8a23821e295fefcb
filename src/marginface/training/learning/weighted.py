"""The loss of a batch whose backbone may say how much each image counts."""

from __future__ import annotations

from torch import Tensor, nn

from marginface.backbones.transface import WeighsSamples
from marginface.errors import RecipeError
from marginface.losses.centers import ClassCenters
from marginface.losses.cross_entropy import present_mean


def check_can_weigh(backbone: nn.Module, head: nn.Module) -> None:
    """Raise RecipeError if the backbone weighs images and the loss has no loss of one image."""
    if isinstance(backbone, WeighsSamples) and backbone.weighs_samples and not isinstance(head, ClassCenters):
        raise RecipeError(
            "[backbone.options] entropy_weight weighs the loss of each image, and pair losses and losses with terms "
            "have none of a single image: write entropy_weight = 0, or choose a loss with class centers and no terms"
        )


def weights_of(backbone: nn.Module) -> Tensor | None:
    """Return how much each image of the batch that the backbone has just seen counts (N,), None where all alike."""
    return backbone.sample_weights if isinstance(backbone, WeighsSamples) else None


def loss_of(head: nn.Module, features: Tensor, labels: Tensor, step: int, weights: Tensor | None) -> Tensor:
    """Return the mean loss of a batch, each image weighted.

    The mean is over the images, not over the weights: weights of 2 double the loss, as in TransFace.
    """
    if weights is None or not isinstance(head, ClassCenters):
        loss: Tensor = head(features, labels, step)
        return loss
    return present_mean(head.losses(features, labels, step) * weights, labels)
