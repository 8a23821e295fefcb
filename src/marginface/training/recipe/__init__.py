"""The recipe: everything that decides what a training does, as frozen values with a meaning, a unit and a default.

A recipe is a TOML file with one table per section, each in its file here; file.py reads and writes it. Every key has a
default, so that the empty file is a recipe. "Fraction of the run" is a number in [0, 1]: 0 the first step, 1 the last.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from marginface.training.recipe.augment import AugmentSection
from marginface.training.recipe.backbone import BackboneSection
from marginface.training.recipe.data import DATA_SECTIONS, DataSection, DrawnData, FolderData, PackedData
from marginface.training.recipe.dream import DreamSection
from marginface.training.recipe.loss import LossSection
from marginface.training.recipe.optim import OptimSection, ScheduleSection
from marginface.training.recipe.paper import PaperSection
from marginface.training.recipe.section import OptionValue, Section
from marginface.training.recipe.start import StartSection
from marginface.training.recipe.train import EvaluationSection, TrainSection

__all__ = [
    "DATA_SECTIONS",
    "AugmentSection",
    "BackboneSection",
    "DataSection",
    "DrawnData",
    "DreamSection",
    "EvaluationSection",
    "FolderData",
    "LossSection",
    "OptimSection",
    "OptionValue",
    "PackedData",
    "PaperSection",
    "Recipe",
    "ScheduleSection",
    "Section",
    "StartSection",
    "TrainSection",
]


class Recipe(Section):
    """A whole training."""

    name: str = Field(default="marginface", min_length=1, description="of the model that comes out")
    about: str = Field(default="", description="what this recipe is for and where it comes from")
    paper: PaperSection = Field(default_factory=PaperSection, exclude_if=lambda paper: paper == PaperSection())
    data: DataSection = Field(default_factory=DrawnData)
    augment: AugmentSection = Field(default_factory=AugmentSection)
    backbone: BackboneSection = Field(default_factory=BackboneSection)
    start: StartSection = Field(default_factory=StartSection)
    loss: LossSection = Field(default_factory=LossSection)
    optim: OptimSection = Field(default_factory=OptimSection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    train: TrainSection = Field(default_factory=TrainSection)
    evaluation: EvaluationSection = Field(default_factory=EvaluationSection)
    dream: DreamSection = Field(default_factory=DreamSection)

    @model_validator(mode="after")
    def _centers_can_learn_so(self) -> Recipe:
        optim, sampled = self.optim, self.loss.sample_rate < 1
        if optim.head_in_backward and self.loss.implementation == "dense" and not sampled:
            raise ValueError(
                "[optim] head_in_backward needs the classes in tiles: leave [loss] implementation at auto, or chunked"
            )
        if optim.unsampled != "auto" and not sampled:
            raise ValueError("[optim] unsampled is for [loss] sample_rate below 1, which draws all classes at 1")
        if optim.unsampled == "lazy" and optim.kind == "adamw":
            raise ValueError("[optim] unsampled lazy is for sgd: AdamW's steps without a gradient have no closed form")
        if optim.unsampled_as == "dense" and sampled and optim.head_in_backward:
            raise ValueError(
                "[optim] unsampled dense, the auto of adamw, needs the gradient of all centers: leave head_in_backward "
                "out, or choose unsampled frozen"
            )
        return self

    @model_validator(mode="after")
    def _parts_can_be_added_up(self) -> Recipe:
        drawn = self.loss.sample_rate < 1 and self.optim.unsampled_as != "dense"
        if self.train.accumulate > 1 and (self.optim.head_in_backward or drawn):
            raise ValueError(
                f"[train] accumulate {self.train.accumulate} adds up gradients, and class centers that learn within "
                "the backward pass have none left to add: leave accumulate at 1, or leave head_in_backward out and, "
                'with sample_rate below 1, choose [optim] unsampled = "dense"'
            )
        return self

    @model_validator(mode="after")
    def _one_sampler(self) -> Recipe:
        if self.train.batch_images_per_identity and getattr(self.data, "shuffle", "images") != "images":
            raise ValueError("[train] batch_images_per_identity reads by identity: leave [data] shuffle at images")
        if self.train.batch_images_per_identity and self.data.balance != 1:
            raise ValueError(
                f"[train] batch_images_per_identity brings every identity as often already: leave [data] balance at 1; "
                f"got {self.data.balance}"
            )
        return self
