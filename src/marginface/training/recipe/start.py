"""[start]: the weights a training begins with, what of them stays, and what learns more slowly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from marginface.training.recipe.section import Positive, Section


class StartSection(Section):
    """Fine-tuning (training.learning.start); as it is, everything begins at random and learns alike."""

    weights: str = Field(
        default="",
        description="a run or checkpoint folder, one of marginface weights convert, or published weights (sface); "
        "empty: random",
    )
    head: Literal["random", "class_means"] = Field(
        default="random",
        description="the first class centers: random, or the mean direction of each identity's features (one pass over "
        "the training images)",
    )
    freeze: tuple[str, ...] = Field(
        default=(),
        description="patterns (* and ?) of names in the backbone that stay as they are: parameters, and running_mean "
        "of a batch norm for its statistics, which is then in evaluation mode",
    )
    rates: dict[str, Positive] = Field(
        default_factory=dict,
        description="pattern = factor on the learning rate of the parameters it names; several that match multiply",
    )
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="of the weights; filled in at the start")
    license: str = Field(default="", description="of the weights; filled in at the start")

    @model_validator(mode="after")
    def _means_need_weights(self) -> StartSection:
        if self.head == "class_means" and not self.weights:
            raise ValueError(
                'head "class_means" needs weights: the features of a network that begins at random say nothing about '
                'identities. Name some, as weights = "sface", or leave head at "random"'
            )
        return self
