"""Drawn people, pairs and trainings, of which the truth is known: what a comparison of models is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from marginface.values import BoolArray, IntArray

LEVEL = 1.2  # the mean of what is above 0 where a pair is decided right


@dataclass(frozen=True)
class World:
    """Pairs of people, as a protocol has them, and models that decide them."""

    first: IntArray
    second: IntArray

    def models(self, rng: np.random.Generator, seeds: int, gain: float, people: float, seed: float) -> list[BoolArray]:
        """Return what two models decide right (S, P): as good as each other but for ``gain``.

        ``people`` and ``seed`` say how much a model has its own view of a person, and a training its own luck.
        """
        count = int(max(self.first.max(), self.second.max())) + 1
        shared, noise = rng.normal(size=count), rng.normal(size=len(self.first))
        found = []
        for better in (0.0, gain):
            of_person = shared + people * rng.normal(size=count)
            luck = seed * rng.normal(size=(seeds, 1)) + better
            own = 0.7 * rng.normal(size=(seeds, len(self.first)))
            known = LEVEL + 0.5 * (of_person[self.first] + of_person[self.second]) + 0.7 * noise
            found.append(known + luck + own > 0)
        return found

    def accuracy(self, people: float, seed: float) -> float:
        """Return the true accuracy of the first model, over all people and seeds that could be drawn."""
        genuine = float((self.first == self.second).mean())
        of_one, rest = 1 + people**2, 2 * 0.7**2 + seed**2
        same, other = (NormalDist().cdf(LEVEL / sqrt(share * of_one + rest)) for share in (1.0, 0.5))
        return genuine * same + (1 - genuine) * other


def world(people: int, pairs: int, seed: int = 0) -> World:
    """Return half genuine pairs, dealt evenly, and half impostor pairs, drawn."""
    rng = np.random.default_rng(seed)
    genuine = np.arange(pairs // 2) % people
    others = np.array([rng.choice(people, 2, replace=False) for _ in range(pairs // 2)])
    return World(np.concatenate([genuine, others[:, 0]]), np.concatenate([genuine, others[:, 1]]))
