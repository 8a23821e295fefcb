"""A margin loss in a training loop of your own: plain torch, no recipe, and two losses side by side.

python examples/own_training_loop.py --steps 200
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from marginface import backbones, losses
from marginface.data.synthetic import DrawnFaces
from marginface.metrics import auc

PEOPLE, IMAGES = 60, 10


def learn(loss: str, faces: DrawnFaces, steps: int) -> torch.nn.Module:
    torch.manual_seed(0)
    backbone = backbones.build("tiny", input_size=112, embedding_size=64, width=0.25)
    head = losses.build(loss, num_classes=PEOPLE, embedding_size=64, scale=16.0)
    # The head has parameters too: the center of each person.
    optimizer = torch.optim.SGD([*backbone.parameters(), *head.parameters()], lr=0.1, momentum=0.9)
    random = np.random.default_rng(0)
    for step in range(steps):
        drawn = random.integers(0, PEOPLE * IMAGES, 32)
        value = head(backbone(images_of(faces, drawn)), torch.from_numpy(faces.labels[drawn]))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if step % 20 == 0:
            print(f"{loss}, step {step}: loss {value.item():.2f}")
    return backbone.eval()


def images_of(faces: DrawnFaces, indices: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(faces.read(indices)).permute(0, 3, 1, 2).float() - 127.5) / 127.5


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train twice and compare on strangers.")
    parser.add_argument("--steps", type=int, default=200)
    asked = parser.parse_args(words)

    faces, strangers = DrawnFaces(PEOPLE, IMAGES), DrawnFaces(20, 6, first_identity=PEOPLE)
    first, second = np.triu_indices(len(strangers.labels), k=1)
    for loss in ("normface", "cosface"):
        backbone = learn(loss, faces, asked.steps)
        with torch.no_grad():
            features = backbone(images_of(strangers, np.arange(len(strangers.labels))))
        cosines = torch.nn.functional.normalize(features).numpy()
        similarities = (cosines[first] * cosines[second]).sum(1)
        same = strangers.labels[first] == strangers.labels[second]
        print(f"{loss}: AUC on strangers {auc(similarities[same], similarities[~same]):.3f}")


if __name__ == "__main__":
    main()
