"""What an audit costs: reading an image, searching hashes, comparing images with identities.

    OMP_NUM_THREADS=1 python benchmarks/audit.py CROPS --out FILE.json [--hashes 1000000] [--identities 20000]

CROPS is a folder of identities. Hashes are those of CROPS with random bits turned over, so that they are as unevenly
spread; embeddings are random. Processor time of one thread. Embedding is not measured: see benchmarks/use_road.py.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from marginface.data.audit import Rows, audit_images
from marginface.data.audit.duplicates import copies
from marginface.data.audit.likeness import nearest_identities, sum_identities
from marginface.data.crops.folder import FolderImages
from marginface.environment import describe_environment

READ = 2000
DIMENSIONS = 512


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def spread(rows: Rows, count: int) -> Rows:
    """Return so many rows, each of the given ones with about a quarter of its bits turned over."""
    random = np.random.default_rng(0)
    chosen = rows[random.integers(len(rows), size=count)].copy()
    chosen["readable"] = True
    quarter = [random.integers(0, 2**63, size=(count, 5), dtype=np.uint64) for _ in range(2)]
    turned = quarter[0] & quarter[1]
    chosen["coarse"] ^= turned[:, 0]
    chosen["fine"] ^= turned[:, 1:]
    return chosen


def measure(crops: Path, hashes: int, identities: int) -> dict[str, float]:
    images = FolderImages([crops])
    contents = [images.bytes_of(index) for index in range(min(READ, len(images.listing.labels)))]
    reading = seconds(lambda: audit_images(contents))
    many = spread(audit_images(contents), hashes)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(identities, DIMENSIONS)).astype(np.float16)
    labels = np.arange(identities)
    sums = sum_identities(vectors, labels, identities)
    some = vectors[:2048]
    comparing = seconds(lambda: nearest_identities(some, labels[:2048], sums))
    return {
        "milliseconds_to_read_an_image": round(1000 * reading / len(contents), 3),
        "hashes": hashes,
        "seconds_to_search_them": round(seconds(lambda: copies(many)), 1),
        "identities": identities,
        "milliseconds_to_compare_an_image_with_them": round(1000 * comparing / 2048, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--identities", type=int, default=20_000)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = measure(given.crops, given.hashes, given.identities)
    print(json.dumps(found, indent=2))
    given.out.write_text(json.dumps({"results": found, "environment": describe_environment()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
