"""What a batch costs, stage by stage, and what holds a training back: for ``marginface bench data``."""

from __future__ import annotations

import statistics
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import torch

from marginface.data.crops.encoded import EncodedCrops
from marginface.data.source import CropSource, Subset
from marginface.geometry import CROP_SIZE
from marginface.processors import usable_cpus
from marginface.training.devices import numbered
from marginface.training.feed.batches import Batch, Batches, to_tensor
from marginface.training.feed.prefetch import prefetched
from marginface.training.feed.sources import open_data
from marginface.training.learning.learner import Learner
from marginface.training.loop.trainer import torch_settings
from marginface.training.recipe import Recipe
from marginface.training.resolve import resolve, resolve_loss
from marginface.values import IntArray
from marginface.words import percent, plural

FEWEST, MOST = 5, 100  # batches that a stage is measured with, whatever its time
WAITS = 0.02  # share of waiting above which the data holds the training back
DOING = {
    "read": "Reading", "draw": "Drawing", "decode": "Decoding", "resize": "Resizing", "augment": "Augmentation",
    "transfer": "The transfer to the device",
}  # fmt: skip
ADVICE = {
    "read": "A faster disk helps; more [data] workers, which wait for the disk at once; of packs shuffle = 'blocks'",
    "draw": "Crops in files are faster: marginface align, marginface data convert",
    "decode": "More [data] workers help where cores are idle; with a memory_gb for all crops each is decoded once",
    "resize": "More [data] workers share it; input_size = 112 needs none",
    "augment": "More [data] workers help where cores are idle; shift, scale, rotation_degrees and noise cost most",
    "transfer": "A smaller [backbone] input_size moves less",
    "step": "The data is not in its way; a smaller backbone, bfloat16 or a faster device speeds it up",
}


@dataclass(frozen=True, slots=True)
class Loading:
    """What was measured.

    ``stages`` are milliseconds a batch: the step on all threads of the training, the others on one. ``speeds`` has
    images per second: ``loader`` of all stages but the step on all workers, and, where something is trained,
    ``training`` of both together, which waits for batches a share ``waiting`` of its time.
    """

    data: str
    setting: str
    decoder: str
    batch_size: int
    first_read: float
    stages: dict[str, float]
    speeds: dict[str, float]

    def bottleneck(self) -> str:
        """Return the name of the stage that decides the speed."""
        if self.speeds.get("waiting", 1.0) < WAITS:
            return "step"
        return max(self._loading, key=lambda name: self._loading[name])

    def sentence(self) -> str:
        """Say what decides the speed, how much, and what to do."""
        name, waiting = self.bottleneck(), self.speeds.get("waiting")
        if name == "step":
            ahead = self.speeds["loader"] * self.stages["step"] / 1000 / self.batch_size
            return f"The step is the bottleneck: the loader alone makes {ahead:.1f} × as many images. {ADVICE[name]}."
        waits = "" if waiting is None else f"the training waits {percent(waiting, 0)} of its time; "
        share = self._loading[name] / sum(self._loading.values())
        slow = "Install simplejpeg (pip install 'marginface[data]'): it decodes more than twice as fast. "
        advice = (slow if name == "decode" and self.decoder.startswith("Pillow") else "") + ADVICE[name]
        return f"{DOING[name]} is the bottleneck: {waits}it is {percent(share, 0)} of making a batch. {advice}."

    def lines(self) -> list[str]:
        """Say the numbers in words, a line each."""
        lines = [self.data, *([f"decoded by {self.decoder}"] if self.decoder else []), self.setting, ""]
        lines.append(f"{'':10}{'ms a batch':>12}{'images/s':>12}")
        for name, value in self.stages.items():
            lines.append(f"{name:10}{value:12.2f}{1000 * self.batch_size / max(value, 1e-6):12,.0f}")
        first = f"; reading is from a warm page cache, the first time took {self.first_read:.2f} ms"
        lines += ["each on one thread, the step on all" + (first if "read" in self.stages else ""), ""]
        lines.append(f"loader alone, all workers: {self.speeds['loader']:,.0f} images/s")
        if "training" in self.speeds:
            lines.append(
                f"training: {self.speeds['training']:,.0f} images/s, waiting for batches "
                f"{percent(self.speeds['waiting'], 1)} of the time"
            )
        return [*lines, self.sentence()]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        names = ("data", "setting", "decoder", "batch_size")
        return {
            **{name: getattr(self, name) for name in names},
            "milliseconds_per_batch": self.stages,
            "milliseconds_of_the_first_read": self.first_read,
            "images_per_second": {name: speed for name, speed in self.speeds.items() if name != "waiting"},
            "waiting": self.speeds.get("waiting"),
            "bottleneck": self.bottleneck(),
            "sentence": self.sentence(),
        }

    @property
    def _loading(self) -> dict[str, float]:
        return {name: value for name, value in self.stages.items() if name != "step"}


class Stopwatch:
    """Milliseconds by name; the device has finished what was asked of it when a measurement ends."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.times: dict[str, list[float]] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure what is done meanwhile."""
        start = time.perf_counter()
        yield
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.times.setdefault(name, []).append(1000 * (time.perf_counter() - start))

    def medians(self) -> dict[str, float]:
        """Return the median of each name, in the order in which they came first."""
        return {name: statistics.median(values) for name, values in self.times.items()}


class Steps:
    """The steps of a run, handed out to one measurement after the other, so that none meets what another has read."""

    def __init__(self, total: int, seconds: float) -> None:
        self._numbers = cycle(range(total))
        self._seconds = seconds

    def some(self) -> Iterator[int]:
        """Yield the next steps for some seconds."""
        start = time.perf_counter()
        for number, step in enumerate(self._numbers):
            if number >= MOST or (number >= FEWEST and time.perf_counter() - start > self._seconds):
                return
            yield step


def measure_loading(recipe: Recipe, *, train: bool, seconds: float = 3.0) -> Loading:
    """Measure what the batches of a recipe cost; nothing is kept in memory, so that every batch is read and decoded.

    Args:
        recipe: what to load, and what to train.
        train: whether the step is measured too.
        seconds: how long each of the four measurements goes on, with at least 5 batches.
    """
    recipe = resolve(_uncached(recipe))
    data = open_data(recipe)
    device = numbered(recipe.train.device)
    with torch_settings(recipe):
        batches = Batches(data.train, recipe, device)
        steps = Steps(batches.total_steps, seconds)
        own_thread = prefetched(lambda _: _stages(data.train, recipe, batches, steps), [0], workers=1, ahead=0)
        stages, first_read = next(own_thread)
        speeds = {"loader": _loader_speed(batches, recipe.train.batch_size, steps)}
        if train:
            learner = Learner(resolve_loss(recipe, len(data.train.identities)), len(data.train.identities), device)
            stages["step"] = _step(learner, batches, steps)
            speeds |= _training(learner, batches, steps)
    threads = plural(recipe.train.threads, "thread")
    trained = f", {recipe.backbone.name} with {threads}" if train else ""
    return Loading(
        data=f"{len(data.train.labels):,} images of {len(data.train.identities):,} identities, "
        f"{recipe.train.batch_size} a batch",
        setting=f"{batches.workers} workers, {batches.ahead} batches ahead, {usable_cpus()} cores, {device}{trained}",
        decoder=str(data.description.get("decoder", "")),
        batch_size=recipe.train.batch_size,
        first_read=first_read,
        stages=stages,
        speeds=speeds,
    )


def _uncached(recipe: Recipe) -> Recipe:
    """Return the recipe with no crop kept in memory and, of packs, no image read before it is needed."""
    keys = type(recipe.data).model_fields
    values = {name: value for name, value in {"memory_gb": 0.0, "check": "index"}.items() if name in keys}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=values)})


def _stages(source: CropSource, recipe: Recipe, batches: Batches, steps: Steps) -> tuple[dict[str, float], float]:
    """Return the milliseconds of each stage but the step, and those of reading for the first time."""
    device = numbered(recipe.train.device)
    watch, first = Stopwatch(device), Stopwatch(device)
    for step in steps.some():
        indices = batches.indices(step)
        root, places = _root(source, indices)
        if isinstance(root, EncodedCrops):
            places = np.sort(places)
            with first.measure("read"):
                root.encoded(places)
            with watch.measure("read"):
                contents = root.encoded(places)
            with watch.measure("decode"):
                crops = np.stack([root.decoder(content) for content in contents])
        else:
            with watch.measure("draw"):
                crops = source.read(indices)
        if recipe.backbone.input_size != CROP_SIZE:
            with watch.measure("resize"):
                resized = to_tensor(crops, recipe.backbone.input_size)
        else:
            resized = to_tensor(crops, CROP_SIZE)
        with watch.measure("transfer"):
            pixels = resized.to(device)
        with watch.measure("augment"):
            batches.augmented(pixels, step)
    return watch.medians(), first.medians().get("read", 0.0)


def _root(source: CropSource, indices: IntArray) -> tuple[CropSource, IntArray]:
    """Return what a subset is a subset of, and these of its crops there."""
    while isinstance(source, Subset):
        indices, source = source.indices[indices], source.source
    return source, indices


def _ahead(batches: Batches, steps: Steps) -> Generator[Batch]:
    return prefetched(batches.load, steps.some(), workers=batches.workers, ahead=batches.ahead)


def _loader_speed(batches: Batches, batch_size: int, steps: Steps) -> float:
    """Return the images per second of all workers, with nothing else to do."""
    start, made = time.perf_counter(), 0
    for _ in _ahead(batches, steps):
        made += 1
    return made * batch_size / (time.perf_counter() - start)


def _step(learner: Learner, batches: Batches, steps: Steps) -> float:
    """Return the milliseconds of a step on a batch that is there."""
    batch, watch = batches.load(0), Stopwatch(torch.device("cpu"))  # a step ends with its loss on the CPU
    for step in steps.some():
        with watch.measure("step"):
            learner.learn(batch, step, learning_rate=0.0, margin_strength=1.0)
    return watch.medians()["step"]


def _training(learner: Learner, batches: Batches, steps: Steps) -> dict[str, float]:
    """Return the images per second of steps and batches together, and the share of waiting for batches."""
    watch = Stopwatch(torch.device("cpu"))
    images = 0
    with closing(_ahead(batches, steps)) as coming:
        while True:
            with watch.measure("wait"):
                batch = next(coming, None)
            if batch is None:
                break
            with watch.measure("step"):
                learner.learn(batch, 0, learning_rate=0.0, margin_strength=1.0)
            images = len(batch.labels)
    waits, learned = watch.times["wait"][1:-1], watch.times["step"][1:]  # the first batch is waited for in any case
    total = sum(waits) + sum(learned)
    return {"training": 1000 * images * len(learned) / total, "waiting": sum(waits) / total}
