"""Does the loader hold a training back, and how fast is it beside a PIL + torch DataLoader on the same JPEGs?

    OMP_NUM_THREADS=2 python benchmarks/data.py PHOTOS [--rounds 7] [--out benchmarks/results/data.json]

PHOTOS is a folder of photos, one folder per identity, each at least 112 pixels wide and high; the middle 112 × 112 of
each is written as JPEG of quality 95 to a temporary folder, and from there to RecordIO, tar and Parquet without
encoding it again. Every loader gives the same batches, uint8 (128, 3, 112, 112), in the same shuffled order, with two
workers, and is timed from its first batch on, so that no start of processes counts. The files have been read before:
the page cache is warm. A round runs all loaders one after the other; a figure is the median over rounds, a ratio the
median of the ratios within rounds. Parquet in large row groups is measured in a set of a gigabyte, in random order and
by blocks. Then a MobileFaceNet trains from each format: the share of its time that it waits for batches. Prints one
JSON object. Give it a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from pyarrow import parquet
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from marginface.data.convert import convert
from marginface.data.crops.encoded import EncodedCrops
from marginface.data.images.decoding import choose_decoder
from marginface.data.packs import open_images
from marginface.data.sampling.sampler import BlockOrder, batch_indices, block_starts
from marginface.environment import describe_environment
from marginface.images import list_images
from marginface.training import recipe_from
from marginface.training.allocator import keep_freed_memory
from marginface.training.feed.batches import to_tensor
from marginface.training.feed.prefetch import prefetched
from marginface.training.loading import measure_loading
from marginface.values import IntArray

SIZE, BATCH, WORKERS, SEED = 112, 128, 2, 0
FORMATS = ("folders", "recordio", "tar", "parquet")
LARGE_BYTES, ROW_GROUP = 1_000_000_000, 2000
BLOCK, BUFFER = 128, 32768


class PilCrops(Dataset[Tensor]):
    """The usual dataset: a path, Pillow, a tensor."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Tensor:
        with Image.open(self._paths[index]) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def write_crops(photos: Path, root: Path, most: int) -> None:
    """Write the middle of each photo as JPEG, in the folder of its identity, and all of them in each format."""
    for path in list_images(photos)[:most]:
        with Image.open(path) as image:
            left, top = (image.width - SIZE) // 2, (image.height - SIZE) // 2
            crop = image.convert("RGB").crop((left, top, left + SIZE, top + SIZE))
        place = root / "folders" / path.parent.name / f"{path.stem}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        crop.save(place, quality=95)
    for name in FORMATS[1:]:
        convert(open_images(root / "folders"), root / name, name)


def write_large_groups(root: Path, large_bytes: int) -> None:
    """Write the crops over and over to one Parquet file of large row groups."""
    images = open_images(root / "folders")
    contents = [images.bytes_of(index) for index in range(len(images.listing.labels))]
    table = pa.table({"image": contents, "label": images.listing.labels})
    copies = max(large_bytes // sum(map(len, contents)), 1)
    (root / "large").mkdir()
    parquet.write_table(pa.concat_tables([table] * copies), root / "large" / "train.parquet", row_group_size=ROW_GROUP)


def open_crops(root: Path, name: str) -> EncodedCrops:
    """Open crops without reading them, none kept in memory."""
    return EncodedCrops(open_images(root / name), check="index", memory_gb=0)


def pil_batches(paths: list[Path], order: list[IntArray]) -> Iterable[Tensor]:
    """Return the batches of the usual loader."""
    return DataLoader(PilCrops(paths), batch_sampler=[part.tolist() for part in order], num_workers=WORKERS)


def our_batches(source: EncodedCrops, order: list[IntArray]) -> Iterator[Tensor]:
    """Return the batches of our loader, without augmentation."""
    return prefetched(
        lambda number: to_tensor(source.read(order[number]), SIZE),
        range(len(order)),
        workers=WORKERS,
        ahead=WORKERS + 1,
    )


def images_per_second(batches: Iterable[Tensor]) -> float:
    """Return the speed from the first batch to the last."""
    iterator = iter(batches)
    assert next(iterator).dtype == torch.uint8
    start, images = time.perf_counter(), 0
    for batch in iterator:
        images += len(batch)
    return images / (time.perf_counter() - start)


def check_equal(paths: list[Path], sources: dict[str, EncodedCrops], order: list[IntArray]) -> None:
    """Make sure that all loaders give the same pixels."""
    expected = next(iter(pil_batches(paths, order[:1])))
    for name, source in sources.items():
        assert torch.equal(next(our_batches(source, order)), expected), name


def side_by_side(root: Path, rounds: int, batches: int) -> dict[str, object]:
    """Return images per second of each loader, and the ratios to PIL + DataLoader."""
    paths = list_images(root / "folders")
    sources = {name: open_crops(root, name) for name in FORMATS}
    steps = min(batches, len(paths) // BATCH)
    order = [batch_indices(len(paths), BATCH, SEED, step) for step in range(steps)]
    check_equal(paths, sources, order)
    loaders = {"PIL + DataLoader": partial(pil_batches, paths, order)}
    loaders |= {f"ours, {name}": partial(our_batches, source, order) for name, source in sources.items()}
    found = [{name: images_per_second(make()) for name, make in loaders.items()} for _ in range(rounds + 1)][1:]
    usual = [speeds["PIL + DataLoader"] for speeds in found]
    return {
        name: {
            "images_per_second": spread([speeds[name] for speeds in found]),
            "times_pil_dataloader": spread([speeds[name] / u for speeds, u in zip(found, usual, strict=True)]),
        }
        for name in loaders
    }


def shuffles(root: Path, rounds: int, batches: int) -> dict[str, object]:
    """Return images per second from large row groups, in random order and by blocks."""
    source = open_crops(root, "large")
    count = len(source.labels)
    blocks = BlockOrder(block_starts(count, BLOCK, source.starts), count, BUFFER)
    orders = {
        "random order": [batch_indices(count, BATCH, SEED, step) for step in range(batches)],
        "blocks": [blocks.batch(BATCH, SEED, step) for step in range(batches)],
    }
    speeds: dict[str, list[float]] = {name: [] for name in orders}
    for _ in range(rounds):
        for name, order in orders.items():
            fresh = open_crops(root, "large")  # with no row group in memory
            speeds[name].append(images_per_second(our_batches(fresh, order)))
    ratios = [blocks / order for blocks, order in zip(speeds["blocks"], speeds["random order"], strict=True)]
    return {
        "images": count,
        "row_group": ROW_GROUP,
        **{name: spread(values) for name, values in speeds.items()},
        "blocks_times_random": spread(ratios),
    }


def waiting(root: Path, backbone: str, seconds: float) -> dict[str, object]:
    """Return what a training from each format waits for."""
    found = {}
    for name in FORMATS:
        values = {
            "data": {"source": "packed", "path": str(root / name), "workers": WORKERS},
            "backbone": {"name": backbone, "input_size": SIZE, "embedding_size": 512},
            "train": {"batch_size": BATCH},
        }
        found[name] = measure_loading(recipe_from(values), train=True, seconds=seconds).to_dict()
    return found


def spread(values: list[float]) -> dict[str, float]:
    """Return median, smallest and largest."""
    return {
        "median": round(statistics.median(values), 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=20_000, help="most photos")
    parser.add_argument("--batches", type=int, default=60, help="most batches of a round")
    parser.add_argument("--large-bytes", type=int, default=LARGE_BYTES, help="of the set in large row groups")
    parser.add_argument("--backbone", default="mobilefacenet")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement of the training")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_crops(args.photos, root, args.images)
        write_large_groups(root, args.large_bytes)
        result = {
            "question": __doc__.splitlines()[0],
            "page_cache": "warm",
            "workers": WORKERS,
            "decoder": choose_decoder().description,
            "decoding": side_by_side(root, args.rounds, args.batches),
            "large_row_groups": shuffles(root, max(args.rounds // 2, 1), min(args.batches, 40)),
            "training": waiting(root, args.backbone, args.seconds) if args.seconds > 0 else None,
            "environment": describe_environment(),
        }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
