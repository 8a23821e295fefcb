"""Train from Python, look at the exam, export, and ask the exported model.

python examples/train_and_export.py runs/example --epochs 12
"""

from __future__ import annotations

import argparse
from pathlib import Path

from marginface import Recognizer
from marginface.data.synthetic import draw_photo
from marginface.export import export
from marginface.training import recipe_from, train

RECIPE = {
    "data": {"source": "drawn", "identities": 160, "images_per_identity": 12, "hold_out": 40},
    "backbone": {"name": "tiny", "input_size": 64, "embedding_size": 128},
    "loss": {"name": "arcface", "scale": 32.0, "margin": 0.3},
    "train": {"epochs": 12.0, "batch_size": 64},
    "evaluation": {"pairs": 2000},
}


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train on drawn faces and export.")
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--identities", type=int, default=160, help="a quarter of them is the exam")
    parser.add_argument("--epochs", type=float, default=12.0)
    asked = parser.parse_args(words)

    recipe = {key: dict(section) for key, section in RECIPE.items()}
    recipe["data"] |= {"identities": asked.identities, "hold_out": asked.identities // 4}
    recipe["train"]["epochs"] = asked.epochs
    result = train(recipe_from(recipe), asked.out / "run")
    print(result.summary())

    model = export(result.out, asked.out / "model.onnx")
    recognizer = Recognizer.load(model.model)
    ann, again, ben = (draw_photo(who, photo, strength=0.1)[0] for who, photo in [(500, 0), (500, 1), (501, 0)])
    for name, other in (("the same person", again), ("somebody else", ben)):
        answer = recognizer.verify(ann, other, fmr=model.card.thresholds[0].fmr)
        print(f"{name}: {answer.decision.value}, similarity {answer.similarity:.3f}")


if __name__ == "__main__":
    main()
