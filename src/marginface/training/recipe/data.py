"""[data]: drawn faces, folders of crops, or packed crops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from marginface.data.images.decoding import DecoderName
from marginface.training.recipe.section import Amount, Count, CountOrZero, Fraction, Section


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
    workers: CountOrZero = Field(
        default=0, description="as for folders: threads that draw and augment; 0: by the cores"
    )
    prefetch: CountOrZero = Field(default=0, description="as for folders; 0: one more than workers")


Exclude = Annotated[
    tuple[str, ...] | str,
    Field(
        description="identities to leave out: a list of names, or the path of a text file with one a line; or of the "
        "TOML file that marginface data audit --exclusions writes, which has single images too"
    ),
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


Workers = Annotated[
    CountOrZero,
    Field(
        description="threads that read, decode and augment; 0: the cores that this process may use, its share of them "
        "under torchrun, at most 8"
    ),
]
Prefetch = Annotated[
    CountOrZero, Field(description="batches that are made before they are asked for; 0: one more than workers")
]
DecoderKey = Annotated[
    DecoderName,
    Field(description="what decodes JPEG; auto: simplejpeg where it is installed; equal pixels (data.images.decoding)"),
]


class FolderData(Section):
    """Aligned 112×112 crops in folders, one folder per identity (data.crops.folder)."""

    source: Literal["folders"]
    folders: tuple[str, ...] = Field(min_length=1, description="roots; a relative path is relative to where you start")
    exclude: Exclude = ()
    min_images: MinImages = 2
    memory_gb: MemoryGb = 4.0
    hold_out: HoldOut = 0
    balance: Balance = 1.0
    workers: Workers = 0
    prefetch: Prefetch = 0
    decoder: DecoderKey = "auto"


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
    workers: Workers = 0
    prefetch: Prefetch = 0
    decoder: DecoderKey = "auto"
    shuffle: Literal["images", "blocks"] = Field(
        default="images",
        description="images: any image after any other; blocks: neighbors are read together, for stores that are slow "
        "at random places",
    )
    shuffle_block: Count = Field(
        default=128, description="of blocks: the fewest neighbors in one; a row group of Parquet stays whole"
    )
    shuffle_buffer: Count = Field(default=32768, description="of blocks: how many images are mixed at a time")

    @model_validator(mode="after")
    def _blocks_are_of_all_images(self) -> PackedData:
        if self.shuffle == "blocks" and self.balance != 1:
            raise ValueError(
                f"shuffle blocks brings every image once per epoch: leave balance at 1; got {self.balance}"
            )
        return self


DATA_SECTIONS: dict[str, type[Section]] = {"drawn": DrawnData, "folders": FolderData, "packed": PackedData}
DataSection = Annotated[DrawnData | FolderData | PackedData, Field(discriminator="source")]
