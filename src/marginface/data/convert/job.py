"""What every writer is handed: the images, where they go, and what could not be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marginface.data.convert.rows import Row
from marginface.data.images.encoded import EncodedImages
from marginface.data.images.unfinished import write_state
from marginface.errors import ImageError
from marginface.images import image_suffix


@dataclass(slots=True, eq=False)
class Job:
    """One conversion. ``state`` is what the folder says of it; ``left_out`` are images that are none, with reasons."""

    images: EncodedImages
    destination: Path
    per_shard: int
    state: dict[str, Any]
    left_out: dict[int, str] = field(default_factory=dict)

    def read(self, index: int) -> tuple[bytes, str] | None:
        """Return an encoded image, not a byte changed, and its suffix; None and a note if it is no image."""
        try:
            content = self.images.bytes_of(index)
            return content, image_suffix(content)
        except ImageError as error:
            self.left_out[index] = f"{self.images.place(index)}: {error}"
            return None

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the images of a shard; of what is no image, a note."""
        listing = self.images.listing
        for index in self.shard(number):
            read = self.read(index)
            if read is not None:
                label = int(listing.labels[index])
                yield Row(index, self.images.name(index), listing.identities[label], label, *read)

    def shard_count(self) -> int:
        """Return how many shards there are."""
        return -(-len(self.images.listing.labels) // self.per_shard)

    def shard(self, number: int) -> range:
        """Return which images a shard holds."""
        start = number * self.per_shard
        return range(start, min(start + self.per_shard, len(self.images.listing.labels)))

    def note(self, *, finished: bool = False) -> None:
        """Write the state: whether all is done and what was left out."""
        values = {str(index): reason for index, reason in sorted(self.left_out.items())}
        kept = {name: value for name, value in self.state.items() if not (finished and name == "go_on")}
        write_state(self.destination, {**kept, "finished": finished, "left_out": values})
