"""The recipe: everything that decides what a training does, as frozen values with a meaning, a unit and a default.

A recipe is a TOML file with one table per section below; recipe_file reads and writes it. Every key has a default, so
that the empty file is a recipe. "Fraction of the run" is a number in [0, 1]: 0 the first step, 1 the last.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from marginface.data.transforms import Augmentation
from marginface.losses import check_terms

OptionValue = bool | int | float | str
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A table of the recipe: frozen, and a key that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DrawnData(Section):
    """Faces drawn by this package: no files, no network, no person (data.synthetic)."""

    source: Literal["drawn"] = "drawn"
    identities: int = Field(default=200, ge=2, description="how many identities are drawn, the held-out ones included")
    images_per_identity: int = Field(default=20, ge=2, description="images of each identity")
    seed: CountOrZero = Field(default=0, description="decides which faces")
    strength: Fraction = Field(default=1.0, description="how much the images of one identity differ")
    label_noise: Fraction = Field(default=0.0, description="fraction of images under a wrong label")
    tail: Amount = Field(
        default=0.0, description="identity i gets the share (i + 1)**−tail of the images; 0: all alike"
    )
    hold_out: CountOrZero = Field(default=40, description="identities kept out of training, for the held-out pairs")
    balance: Fraction = Field(
        default=1.0, description="as for folders: 1 every image once per epoch, 0 every identity as often"
    )


Exclude = Annotated[
    tuple[str, ...] | str,
    Field(description="identities to leave out: a list of names, or the path of a text file with one a line"),
]
MinImages = Annotated[Count, Field(description="identities with fewer readable images are left out")]
MemoryGb = Annotated[Amount, Field(description="GB of decoded crops kept in memory")]
HoldOut = Annotated[CountOrZero, Field(description="identities kept out of training, for the held-out pairs")]
Balance = Annotated[
    Fraction,
    Field(
        description="an identity with n images is drawn ∝ n**balance: 1 every image once per epoch, 0.5 the square "
        "root of the count, 0 every identity as often"
    ),
]


class FolderData(Section):
    """Aligned 112×112 crops in folders, one folder per identity (data.folder)."""

    source: Literal["folders"]
    folders: tuple[str, ...] = Field(min_length=1, description="roots; a relative path is relative to where you start")
    exclude: Exclude = ()
    min_images: MinImages = 2
    memory_gb: MemoryGb = 4.0
    hold_out: HoldOut = 0
    balance: Balance = 1.0


class PackedData(Section):
    """Aligned 112×112 crops in RecordIO, tar shards, Parquet files or a list; the files say which (data.packs)."""

    source: Literal["packed"]
    path: str = Field(
        min_length=1,
        description="train.rec or its folder, tar shards or Parquet files (a file, a folder, or a pattern such as "
        "train-*.tar), or a list of paths and labels; a relative path is relative to where you start",
    )
    label: str = Field(
        default="", description="the column, or field of key.json, that holds the identity; empty: it is found"
    )
    check: Literal["images", "index"] = Field(
        default="images",
        description="images: each is read and decoded once, those that do not decode are left out, and the fingerprint "
        "covers their content; index: nothing is read before it is needed, and the fingerprint covers labels and sizes",
    )
    exclude: Exclude = ()
    min_images: MinImages = 2
    memory_gb: MemoryGb = 4.0
    hold_out: HoldOut = 0
    balance: Balance = 1.0


DATA_SECTIONS: dict[str, type[Section]] = {"drawn": DrawnData, "folders": FolderData, "packed": PackedData}
DataSection = Annotated[DrawnData | FolderData | PackedData, Field(discriminator="source")]


class Fade(Section):
    """How strong the augmentation is over the run; see data.transforms.Augmentation for the other keys."""

    strength: Fraction = Field(default=1.0, description="multiplies every setting but flip")
    final_strength: Fraction | None = Field(default=None, description="strength at the end; absent: as strength")
    fade_from: Fraction = Field(default=0.6, description="fraction of the run where the strength begins to change")

    @model_validator(mode="after")
    def _settings_are_possible(self) -> Fade:
        self.augmentation()
        return self

    def augmentation(self) -> Augmentation:
        """Return the settings without the fade."""
        return Augmentation(**self.model_dump(exclude=set(Fade.model_fields)))

    def strength_at(self, progress: float) -> float:
        """Return the strength at a fraction of the run."""
        end = self.strength if self.final_strength is None else self.final_strength
        span = max(1 - self.fade_from, 1e-9)
        return self.strength + (end - self.strength) * min(max(progress - self.fade_from, 0) / span, 1)


def _meaning(name: str) -> str:
    """Return the sentence that Augmentation's docstring has for an argument."""
    lines = (Augmentation.__doc__ or "").splitlines()
    return next((line.strip().split(": ", 1)[1] for line in lines if line.strip().startswith(f"{name}: ")), name)


if TYPE_CHECKING:
    AugmentSection = Fade
else:  # Fade with the settings of Augmentation as keys: their names and defaults have one home, there
    AugmentSection = create_model(
        "AugmentSection",
        __base__=Fade,
        **{
            field.name: (float, Field(default=field.default, description=_meaning(field.name)))
            for field in fields(Augmentation)
        },
    )


def _no_keys_of(
    name: str, section: type[Section], options: dict[str, OptionValue], keys: tuple[str, ...] = ()
) -> dict[str, OptionValue]:
    """Return options; raise ValueError if one of them is a key of a section, or of these keys of it."""
    for option, value in options.items():
        if option in (keys or section.model_fields):
            shown = str(value).lower() if isinstance(value, bool) else repr(value)
            raise ValueError(
                f"{option} is a key of [{name}] and not among the options: write {option} = {shown} under [{name}], "
                f"or --set {name}.{option}={value}"
            )
    return options


class BackboneSection(Section):
    """The network (backbones.BACKBONES)."""

    name: str = Field(default="mobilefacenet", description="a name in the table of backbones")
    input_size: int = Field(
        default=112, ge=16, le=112, description="side of the input, pixels; crops are shrunk by area"
    )
    embedding_size: int = Field(default=512, ge=2, description="numbers in an embedding; 512 in ArcFace, CVPR 2019")
    options: dict[str, OptionValue] = Field(default_factory=dict, description="what this backbone takes besides")

    @field_validator("options")
    @classmethod
    def _options_are_its_own(cls, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        return _no_keys_of("backbone", cls, options)


class LossSection(Section):
    """The head (losses.LOSSES)."""

    name: str = Field(default="arcface", description="a name in the table of losses")
    scale: Positive | None = Field(default=None, description="s of the papers; absent: the paper's")
    margin: float | None = Field(default=None, description="m of the papers, angles in radians; absent: the paper's")
    gradient: Literal["exact", "straight_through"] = Field(
        default="exact", description="the derivative of the formula, or 1 on the target as most public code has it"
    )
    implementation: Literal["auto", "dense", "chunked", "sharded"] = Field(
        default="auto",
        description="how sums over classes are computed: all at once, by tiles, or as suits their number; sharded is "
        "over the processes of torch.distributed, and marginface train is one process: it has all classes then",
    )
    multiply: Literal["float32", "bfloat16"] = Field(
        default="float32", description="what chunked rounds its factors to; its sums are float32 always"
    )
    tiles: Literal["auto", "store", "recompute"] = Field(
        default="auto", description="what chunked keeps for the backward pass: all exponentials, none, or as they fit"
    )
    sample_rate: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="part of the classes that a step compares with, the true ones among them (Partial FC); 1: all",
    )
    interclass_filter: float | None = Field(
        default=None,
        gt=-1,
        lt=1,
        description="other classes with a larger cosine get the logit 0 and no gradient, as the same person; 0.4 for "
        "WebFace42M; absent: none does",
    )
    options: dict[str, OptionValue] = Field(default_factory=dict, description="what this loss takes besides")
    terms: dict[str, dict[str, OptionValue]] = Field(
        default_factory=dict, description="losses added to it (losses.TERMS): a table [loss.terms.center] for each"
    )
    margin_from: Fraction = Field(default=0.0, description="fraction of the run until which there is no margin")
    margin_full: Fraction = Field(
        default=0.0, description="fraction of the run from which the margin is whole; it grows linearly in between"
    )

    @field_validator("scale", "margin", mode="before")
    @classmethod
    def _is_a_number(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("a number is expected")  # noqa: TRY004
        return value

    @field_validator("options")
    @classmethod
    def _options_are_its_own(cls, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        if "num_classes" in options:
            raise ValueError("num_classes is the number of identities in [data] and no option; leave it out")
        return _no_keys_of("loss", cls, _no_keys_of("backbone", BackboneSection, options, ("embedding_size",)))

    @field_validator("terms")
    @classmethod
    def _terms_are_known(cls, terms: dict[str, dict[str, OptionValue]]) -> dict[str, dict[str, OptionValue]]:
        check_terms(terms)
        return terms

    @model_validator(mode="after")
    def _warm_up_is_ordered(self) -> LossSection:
        if self.margin_full < self.margin_from:
            raise ValueError(f"margin_full ≥ margin_from; got {self.margin_full} and {self.margin_from}")
        return self


class OptimSection(Section):
    """The optimizer; the defaults are ArcFace's (CVPR 2019, section 3.1) for a batch of 512."""

    kind: Literal["sgd", "adamw"] = Field(default="sgd", description="SGD with momentum, or AdamW")
    learning_rate: Positive = Field(default=0.1, description="at factor 1 of the schedule, for the stated batch size")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of SGD; the first beta of AdamW")
    nesterov: bool = Field(default=False, description="SGD's momentum looks ahead")
    weight_decay: Amount = Field(default=5e-4, description="on weights with two or more dimensions")
    decay_all: bool = Field(default=False, description="decay biases, batch norms and PReLU slopes of the backbone too")
    head_learning_rate_factor: Positive = Field(default=1.0, description="the head's learning rate over the backbone's")
    head_weight_decay: Amount | None = Field(default=None, description="on the class centres; absent: weight_decay")
    clip_norm: Amount = Field(
        default=5.0,
        description="largest norm of the backbone's gradient, 0 is off; 5 in the X2-Softmax and ArcFace code",
    )
    head_in_backward: bool = Field(
        default=False,
        description="the class centres learn within the backward pass, tile by tile: the same steps, and no gradient "
        "of all centres is held; centres that are drawn (loss.sample_rate) and not dense always learn so",
    )
    unsampled: Literal["auto", "lazy", "frozen", "dense"] = Field(
        default="auto",
        description="centres that loss.sample_rate leaves out: lazy, their momentum and decay follow when they are "
        "drawn again; frozen, they have none; dense, they move in each step; auto: lazy, for adamw dense",
    )
    ema: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the average of the weights that is evaluated and kept; 0 is off"
    )

    @property
    def unsampled_as(self) -> Literal["lazy", "frozen", "dense"]:
        """What ``unsampled`` comes to with this optimizer."""
        if self.unsampled != "auto":
            return self.unsampled
        return "lazy" if self.kind == "sgd" else "dense"


class ScheduleSection(Section):
    """The learning rate over the run, as a factor of optim.learning_rate."""

    kind: Literal["constant", "step", "polynomial", "cosine"] = Field(
        default="cosine", description="shape after warm-up"
    )
    warmup: float = Field(default=0.0, ge=0, lt=1, description="fraction of the run in which the rate grows linearly")
    milestones: tuple[Positive, ...] = Field(default=(), description="epochs at which kind step multiplies by decay")
    decay: float = Field(default=0.1, gt=0, lt=1, description="factor at each milestone")
    power: Positive = Field(default=1.0, description="of kind polynomial; 1 falls linearly to 0")
    floor: Fraction = Field(default=0.0, description="factor at the end of kind cosine")


class TrainSection(Section):
    """How long, how large, on what."""

    epochs: Positive = Field(default=20.0, description="passes over the training images; a fraction is allowed")
    steps: CountOrZero = Field(default=0, description="optimizer steps; above 0 it replaces epochs")
    batch_size: int = Field(default=128, ge=2, description="images per step")
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
    evaluate_every: CountOrZero = Field(default=0, description="steps between held-out evaluations; 0: only at the end")
    log_every: Count = Field(default=20, description="steps between measurements of the training accuracy")
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
    """Verification pairs of the held-out identities (data.holdout)."""

    pairs: int = Field(default=2000, ge=2, description="half genuine, half impostor; a multiple of 2 × folds")
    folds: Count = Field(default=10, description="folds that share no identity")
    seed: CountOrZero = Field(default=0, description="decides who is held out and which pairs")


class Recipe(Section):
    """A whole training."""

    name: str = Field(default="marginface", min_length=1, description="of the model that comes out")
    about: str = Field(default="", description="what this recipe is for and where it comes from")
    data: DataSection = Field(default_factory=DrawnData)
    augment: AugmentSection = Field(default_factory=AugmentSection)
    backbone: BackboneSection = Field(default_factory=BackboneSection)
    loss: LossSection = Field(default_factory=LossSection)
    optim: OptimSection = Field(default_factory=OptimSection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    train: TrainSection = Field(default_factory=TrainSection)
    evaluation: EvaluationSection = Field(default_factory=EvaluationSection)

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
                "[optim] unsampled dense, the auto of adamw, needs the gradient of all centres: leave head_in_backward "
                "out, or choose unsampled frozen"
            )
        return self

    @model_validator(mode="after")
    def _one_sampler(self) -> Recipe:
        if self.train.batch_images_per_identity and self.data.balance != 1:
            raise ValueError(
                f"[train] batch_images_per_identity brings every identity as often already: leave [data] balance at 1; "
                f"got {self.data.balance}"
            )
        return self
