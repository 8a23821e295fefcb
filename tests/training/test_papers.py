"""recipes/papers/: the values against those of the public configurations and papers, typed here a second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from marginface.training import Recipe, read_recipe
from marginface.training.resolve import resolve, resolve_loss
from marginface.training.schedule import length_of

FOLDER = Path(__file__).resolve().parents[2] / "recipes" / "papers"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))

MS1MV3, MS1MV2 = (93431, 5179510), (85742, 5822653)  # num_classes and num_image of arcface_torch
WEBFACE42M, GLINT360K = (2059906, 42474557), (360232, 17091657)
CASIA = (10572, 494414)
FLIP = {"flip": 0.5}

# name: set; backbone; loss, scale, margin; learning rate, weight decay, clip; batch; epochs or steps; milestones
TABLE: dict[str, tuple[Any, ...]] = {
    # deepinsight/insightface recognition/arcface_torch/configs/*.py; clipping and batch × 8 from train_v2.py
    "arcface_ms1mv3_r50": (MS1MV3, "iresnet50", "arcface", 64, 0.5, 0.1, 5e-4, 5, 1024, 20, ()),
    "arcface_ms1mv3_r100": (MS1MV3, "iresnet100", "arcface", 64, 0.5, 0.1, 5e-4, 5, 1024, 20, ()),
    "arcface_ms1mv3_mobilefacenet": (MS1MV3, "mobilefacenet", "arcface", 64, 0.5, 0.1, 1e-4, 5, 1024, 40, ()),
    "cosface_glint360k_r100": (GLINT360K, "iresnet100", "cosface", 64, 0.4, 0.1, 1e-4, 5, 1024, 20, ()),
    "partialfc_webface42m_r100": (WEBFACE42M, "iresnet100", "cosface", 64, 0.4, 0.1, 5e-4, 5, 1024, 20, ()),
    "partialfc_webface42m_vit_b": (WEBFACE42M, "vit_b", "cosface", 64, 0.4, 0.001, 0.1, 5, 24576, 40, ()),
    "partialfc_webface42m_vit_s": (WEBFACE42M, "vit_s", "cosface", 64, 0.4, 1e-3, 0.1, 5, 24576, 40, ()),
    # DanJun6737/TransFace configs/ms1mv2_vit_s.py, train.py; batch × 8
    "transface_ms1mv2_vit_s": (MS1MV2, "transface_s", "arcface", 64, 0.5, 1e-3, 0.1, 5, 4096, 35, ()),
    # arXiv:2312.05281 (rate, batch, epochs) and configuration.py, work.sh
    "x2softmax_ms1mv3_r50": (MS1MV3, "iresnet50", "x2softmax", 64, None, 0.02, 5e-4, 5, 128, 26, (8, 14, 20, 25)),
    # IrvingMeng/MagFace run/run.sh
    "magface_ms1mv2_r100": (MS1MV2, "iresnet100", "magface", 64, None, 0.1, 5e-4, 0, 512, 25, (10, 18, 22)),
    # fdbtrs/ElasticFace config/config.py: m − 1 ≤ epoch for m in 8, 14, 20, 25, epochs from 0
    "elasticface_ms1mv2_r100": (MS1MV2, "iresnet100", "elastic_arc", 64, 0.5, 0.1, 5e-4, 5, 512, 26, (7, 13, 19, 24)),
    # mk-minchul/AdaFace scripts/run_ir101_ms1mv2.sh
    "adaface_ms1mv2_r100": (MS1MV2, "iresnet100", "adaface", 64, 0.4, 0.1, 5e-4, 0, 512, 26, (12, 20, 24)),
    # HuangYG123/CurricularFace config.py
    "curricularface_ms1mv2_r100": (
        MS1MV2,
        "iresnet100",
        "curricularface",
        64,
        0.5,
        0.1,
        5e-4,
        0,
        512,
        24,
        (10, 18, 22),
    ),
    # wy1iu/sphereface, happynear/AMSoftmax, ydwen/caffe-face: *_solver.prototxt; arXiv:1801.09414 for CosFace
    "sphereface_casia_spherenet20": (
        *(CASIA, "spherenet20", "sphereface", None, 4, 0.1, 5e-4, 0, 256, 28000, (16000, 24000)),
    ),
    "amsoftmax_casia_spherenet20": (
        *((10516, CASIA[1]), "spherenet20", "amsoftmax", 30, 0.35, 0.1, 5e-4, 0, 256, 30000, (16000, 24000, 28000)),
    ),
    "center_casia_spherenet20": (
        *(CASIA, "spherenet20", "center", None, None, 0.1, 5e-4, 0, 256, 28000, (16000, 24000)),
    ),
    "cosface_casia_spherenet64": (
        *(CASIA, "spherenet64", "cosface", 64, 0.35, 0.1, 5e-4, 0, 64, 30000, (16000, 24000, 28000)),
    ),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "x2softmax_ms1mv3_r50": {"a": -0.9, "h": 0.0, "k": 0.65},
    "magface_ms1mv2_r100": {
        "lower_margin": 0.45,
        "upper_margin": 0.8,
        "lower_norm": 10,
        "upper_norm": 110,
        "weight": 35,
        "past_pi": "easy",
    },
    "elasticface_ms1mv2_r100": {"sigma": 0.05, "past_pi": "plain"},
    "adaface_ms1mv2_r100": {"h": 0.333, "t_alpha": 0.01, "outside": "clip"},
    "curricularface_ms1mv2_r100": {"t_alpha": 0.01, "past_pi": "fallback"},
    "sphereface_casia_spherenet20": {"base": 1000, "gamma": 0.12, "power": 1, "floor": 5},
    "center_casia_spherenet20": {"weight": 0.008, "rule": "count", "alpha": 0.5},
    "transface_ms1mv2_vit_s": {"past_pi": "plain"},
} | {f"arcface_ms1mv3_{net}": {"past_pi": "plain"} for net in ("r50", "r100", "mobilefacenet")}


def paper(name: str) -> Recipe:
    return read_recipe(FOLDER / f"{name}.toml")


def test_every_recipe_is_in_the_table() -> None:
    assert sorted(TABLE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_those_of_the_paper(name: str) -> None:
    recipe = paper(name)
    loss, optim, train = recipe.loss, recipe.optim, recipe.train
    assert (
        (recipe.paper.identities, recipe.paper.images),
        recipe.backbone.name,
        *(loss.name, loss.scale, loss.margin),
        *(optim.learning_rate, optim.weight_decay, optim.clip_norm),
        train.batch_size,
        train.steps or train.epochs,
        recipe.schedule.milestone_steps or recipe.schedule.milestones,
    ) == TABLE[name]
    assert loss.options == OPTIONS.get(name, {})
    assert (optim.momentum, recipe.backbone.embedding_size, recipe.backbone.input_size) == (0.9, 512, 112)
    assert recipe.augment.flip == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_what_differs(name: str) -> None:
    recipe = paper(name)
    assert recipe.paper.title
    assert recipe.paper.results
    assert recipe.paper.config.startswith(("github.com/", "none was released"))
    assert recipe.paper.arxiv or name.startswith("center")  # ECCV 2016, not on arXiv
    assert len(recipe.paper.differs) >= 1
    assert recipe.name == name.replace("_", "-")
    assert name.split("_")[0] in recipe.about.lower().replace(" ", "").replace("-", "")


@pytest.mark.parametrize("name", NAMES)
def test_it_resolves_with_the_identities_of_the_paper_and_keeps_its_own_values(name: str) -> None:
    recipe = paper(name)
    resolved = resolve_loss(resolve(recipe), recipe.paper.identities)
    assert resolved.loss.scale == TABLE[name][3]
    assert resolved.loss.options.items() >= recipe.loss.options.items()


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("x2softmax_ms1mv3_r50", 1_052_064),  # 1,052 k in the paper
        ("elasticface_ms1mv2_r100", 295_672),  # the name of the authors' file, 295672backbone.pth
        ("arcface_ms1mv3_r50", 101_160),
    ],
)
def test_the_steps_are_those_that_the_authors_counted(name: str, steps: int) -> None:
    recipe = paper(name)
    assert length_of(recipe.train, recipe.paper.images).steps == steps


def test_arcface_torch_computes_the_gradient_straight_through_and_x2_does_as_well() -> None:
    through = {name for name in NAMES if paper(name).loss.gradient == "straight_through"}
    assert through == {name for name in NAMES if name.startswith(("arcface", "x2softmax", "transface"))}


def test_batch_normalization_is_decayed_where_the_code_does_not_leave_it_out() -> None:
    left_out = {name for name in NAMES if not paper(name).optim.decay_all}
    assert left_out == {name for name in NAMES if name.startswith(("adaface", "curricular")) or "casia" in name}


def test_vision_transformers_warm_up_and_have_the_options_of_their_configurations() -> None:
    vit, transface = paper("partialfc_webface42m_vit_s"), paper("transface_ms1mv2_vit_s")
    assert (vit.optim.kind, vit.loss.sample_rate, vit.schedule.warmup) == ("adamw", 0.3, 0.1)
    assert vit.backbone.options == {"mask_ratio": 0.0, "drop_path": 0.05}
    assert (transface.optim.kind, transface.schedule.warmup) == ("adamw", pytest.approx(3 / 35, abs=1e-5))
    assert transface.backbone.options == {"drop_path": 0.05, "perturb": 0.2, "dominant": 7, "entropy_weight": 1.0}


def test_partial_fc_draws_a_fifth_and_the_centers_left_out_follow() -> None:
    recipe = paper("partialfc_webface42m_r100")
    assert (recipe.loss.sample_rate, recipe.optim.unsampled_as) == (0.2, "lazy")


def test_the_vision_transformer_masks_what_the_code_masks_and_warms_up_four_epochs() -> None:
    recipe = paper("partialfc_webface42m_vit_b")
    assert recipe.backbone.options == {"drop_path": 0.05, "mask_ratio": 0.1}
    assert (recipe.optim.kind, recipe.optim.unsampled_as, recipe.loss.sample_rate) == ("adamw", "dense", 0.3)
    assert recipe.schedule.warmup * recipe.train.epochs == 4
