"""Images as they are, byte for byte: what `marginface data convert` does, by any executor, in any store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginface.batch.work import IMAGE_SHARDS, Result, ShardFormat, Step
from marginface.images import image_suffix
from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Copying:
    """Write images in another format; what is no image is left out."""

    @property
    def name(self) -> str:
        """What it is called in manifests."""
        return "convert"

    @property
    def formats(self) -> Registry[ShardFormat]:
        """Tar and Parquet."""
        return IMAGE_SHARDS

    def settings(self) -> dict[str, Any]:
        """Return nothing: there is nothing to set."""
        return {}

    def start(self) -> Step:
        """Return what is done to an image."""
        return lambda content: Result("copied", content, image_suffix(content))
