"""[train] and [evaluation]: how long, how large, on what, and what is measured meanwhile."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from marginface.training.recipe.section import Count, CountOrZero, Positive, Section


class TrainSection(Section):
    """How long, how large, on what."""

    epochs: Positive = Field(default=20.0, description="passes over the training images; a fraction is allowed")
    steps: CountOrZero = Field(default=0, description="optimizer steps; above 0 it replaces epochs")
    batch_size: int = Field(default=128, ge=2, description="images per step, of all processes together")
    accumulate: Count = Field(
        default=1,
        description="parts of a batch that go through the network one after the other, to save memory; their gradients "
        "are averaged",
    )
    batch_images_per_identity: CountOrZero = Field(
        default=0,
        description="K: a batch is batch_size / K identities with K images each, as pair losses need it; 0: images in "
        "any order",
    )
    seed: CountOrZero = Field(default=0, description="decides weights, order and augmentation")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: cuda where there is one")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="of the backbone; auto: bfloat16 where it is faster; the head is float32 always"
    )
    channels_last: bool = Field(default=True, description="memory order of the images; faster on CPU and GPU")
    compile: bool = Field(default=False, description="torch.compile the backbone: 14 to 55 s before the first step")
    checkpoint_every: CountOrZero = Field(default=1000, description="steps between checkpoints; 0: only at the end")
    keep_checkpoints: Count = Field(default=2, description="how many of the newest checkpoints stay")
    evaluate_every: CountOrZero = Field(
        default=0, description="steps between evaluations, of held-out pairs and packs; 0: only at the end"
    )
    log_every: Count = Field(default=20, description="steps between measurements of the training accuracy")
    tensorboard: bool = Field(
        default=False, description="curves for TensorBoard in the run folder: log_every steps between two points"
    )
    threads: CountOrZero = Field(default=0, description="CPU threads of torch; 0: as torch finds")

    @model_validator(mode="after")
    def _batches_hold_whole_identities(self) -> TrainSection:
        images = self.batch_images_per_identity
        if images and (images < 2 or self.batch_size % images or self.batch_size == images):
            raise ValueError(
                f"batch_images_per_identity is 0 or K ≥ 2, and batch_size P × K with P ≥ 2; got {images} and "
                f"batch_size {self.batch_size}"
            )
        return self


class EvaluationSection(Section):
    """Pairs of held-out identities, closed set beside open set (holdout and closed_set of data.sampling), and packs."""

    pairs: int = Field(default=2000, ge=2, description="half genuine, half impostor; a multiple of 2 × folds")
    folds: Count = Field(default=10, description="folds that share no identity")
    seed: CountOrZero = Field(default=0, description="decides who is held out and which pairs")
    closed_set: CountOrZero = Field(
        default=0,
        description="identities of the training that lend one photo each, kept out of it, to be searched among their "
        "others; beside it the same search among as many held-out identities; 0: none",
    )
    packs: tuple[str, ...] = Field(
        default=(),
        description="files of pairs of crops that are measured too, at each evaluation: lfw.bin, cfp_fp.bin … of "
        "insightface, or Parquet; a relative path is relative to where you start",
    )
