from __future__ import annotations

from pathlib import Path

import pytest

from marginface.data.augmentation.transforms import Augmentation
from marginface.errors import RecipeError
from marginface.training import recipe_from
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import differing_keys, read_recipe, recipe_sha256, write_recipe

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").rglob("*.toml"))


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_recipe_of_the_repository_loads_and_survives_writing(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path)
    write_recipe(recipe, tmp_path / "again.toml")
    assert read_recipe(tmp_path / "again.toml") == recipe


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 18


def test_where_a_recipe_comes_from_decides_nothing_and_is_not_written_where_nothing_is_said(tmp_path: Path) -> None:
    said = recipe_from({"paper": {"title": "Someone, 2020", "identities": 3}})
    assert recipe_sha256(said) == recipe_sha256(Recipe())
    assert differing_keys(said, Recipe()) == []
    write_recipe(Recipe(), tmp_path / "recipe.toml")
    assert "[paper]" not in (tmp_path / "recipe.toml").read_text(encoding="utf-8")
    with pytest.raises(RecipeError, match=r"\[paper\] has no key 'titel'. Did you mean 'title'"):
        recipe_from({"paper": {"titel": "Someone"}})


def test_an_unknown_key_is_named_with_the_near_one_and_all_known(tmp_path: Path) -> None:
    path = written(tmp_path, "[loss]\nmargn = 0.5\n")
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    expected = "recipe.toml: [loss] has no key 'margn'. Did you mean 'margin'? Keys of [loss]: name, scale, margin"
    assert str(caught.value).startswith(expected)


def test_an_unknown_section_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"a recipe has no key 'optimizer'\. Did you mean 'optim'"):
        read_recipe(written(tmp_path, "[optimizer]\nlearning_rate = 1.0\n"))


def test_a_key_of_the_other_kind_of_data_is_unknown() -> None:
    with pytest.raises(RecipeError, match=r"\[data\] has no key 'folders'"):
        recipe_from({"data": {"folders": ["x"]}})
    with pytest.raises(RecipeError, match=r"\[data\] has no key 'strength'.*min_images"):
        recipe_from({"data": {"source": "folders", "folders": ["x"], "strength": 1}})


def test_a_value_of_the_wrong_type_or_range_names_section_key_and_value() -> None:
    with pytest.raises(RecipeError, match=r"\[train\] batch_size: .*greater than or equal to 2; got 1"):
        recipe_from({"train": {"batch_size": 1}})
    with pytest.raises(RecipeError, match=r"\[optim\] learning_rate: .*number.*got 'high'"):
        recipe_from({"optim": {"learning_rate": "high"}})
    with pytest.raises(RecipeError, match=r"margin_full ≥ margin_from"):
        recipe_from({"loss": {"margin_from": 0.5, "margin_full": 0.2}})
    with pytest.raises(RecipeError, match=r"augmentation flip is in \[0, 1\]; got 2"):
        recipe_from({"augment": {"flip": 2.0}})


def test_a_file_that_is_missing_or_no_toml_is_a_recipe_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="not TOML"):
        read_recipe(written(tmp_path, "[loss\n"))


def test_overrides_have_toml_types_and_text_may_stand_without_quotes(tmp_path: Path) -> None:
    overrides = [
        "train.epochs=3.5",
        "loss.name=cosface",
        "schedule.milestones=[1.0, 2.0]",
        "backbone.options.width=0.5",
    ]
    recipe = read_recipe(written(tmp_path, "[train]\nepochs = 1.0\n"), overrides)
    assert (recipe.train.epochs, recipe.loss.name) == (3.5, "cosface")
    assert recipe.schedule.milestones == (1.0, 2.0)
    assert recipe.backbone.options == {"width": 0.5}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epochs", "--set takes section.key=value"),
        ("train..epochs=1", "--set takes section.key=value"),
        ("train.epoch=1", r"\[train\] has no key 'epoch'\. Did you mean 'epochs'"),
        ("name.first=1", "'name' is a value, not a section"),
    ],
)
def test_a_wrong_override_is_a_recipe_error(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_recipe(written(tmp_path, 'name = "x"\n'), [override])


def test_terms_are_tables_of_the_loss_that_overrides_reach_and_files_keep(tmp_path: Path) -> None:
    text = (
        '[loss]\nname = "arcface"\n[loss.terms.center]\nweight = 0.003\nrule = "count"\n[loss.terms.triplet_center]\n'
    )
    recipe = read_recipe(written(tmp_path, text), ["loss.terms.center.weight=0.01", "loss.terms.center.rule=mean"])
    assert recipe.loss.terms == {"center": {"weight": 0.01, "rule": "mean"}, "triplet_center": {}}
    write_recipe(recipe, tmp_path / "again.toml")
    assert read_recipe(tmp_path / "again.toml") == recipe
    assert recipe_sha256(recipe) != recipe_sha256(recipe_from({"loss": {"name": "arcface"}}))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"centr": {}}, r"\[loss\] terms: unknown term of a loss 'centr'\. Did you mean 'center'\?"),
        (
            {"center": {"wieght": 1.0}},
            r"\[loss\] terms: unknown option of term center 'wieght'\. Did you mean 'weight'",
        ),
        (
            {"center": {"rule": "counts"}},
            r"\[loss\] terms: rule of center is one of count, mean, autograd; got 'counts'",
        ),
        ({"center": {"weight": "1"}}, r"\[loss\] terms: weight of term center is a number, such as 0\.003; got '1'"),
        ({"center": {"weight": -1.0}}, r"\[loss\] terms: weight of center is above 0; got -1"),
        ({"center": 0.003}, r"\[loss\] terms\.center: .*dict"),
    ],
)
def test_a_wrong_term_is_a_recipe_error_that_says_what_is_right(terms: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from({"loss": {"terms": terms}})


@pytest.mark.parametrize(
    ("section", "options", "message"),
    [
        ("loss", {"scale": 16.0}, r"\[loss\] options: scale is a key of \[loss\] and not.*write scale = 16\.0 under"),
        ("loss", {"margin": 0.3}, r"margin is a key of \[loss\].*--set loss\.margin=0\.3"),
        ("loss", {"gradient": "exact"}, r"write gradient = 'exact' under \[loss\]"),
        ("loss", {"implementation": "dense"}, r"implementation is a key of \[loss\]"),
        ("loss", {"name": "cosface"}, r"name is a key of \[loss\]"),
        ("loss", {"embedding_size": 8}, r"embedding_size is a key of \[backbone\]"),
        ("loss", {"num_classes": 8}, r"num_classes is the number of identities in \[data\]"),
        ("backbone", {"embedding_size": 8}, r"\[backbone\] options: embedding_size is a key of \[backbone\]"),
    ],
)
def test_a_key_of_the_section_among_the_options_is_told_where_it_belongs(
    section: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from({section: {"options": options}})
    (name, value), *_ = options.items()
    with pytest.raises(RecipeError, match=message):
        read_recipe(written(tmp_path, ""), [f"{section}.options.{name}={value}"])


def test_every_key_says_what_it_means() -> None:
    silent = []
    for name, field in Recipe.model_fields.items():
        section = getattr(Recipe(), name)
        if hasattr(type(section), "model_fields"):
            keys = type(section).model_fields.items()
            silent += [f"{name}.{key}" for key, inner in keys if not inner.description and key != "source"]
        elif not field.description:
            silent.append(name)
    assert silent == []


def test_the_augmentation_of_the_empty_recipe_is_the_default_one() -> None:
    assert Recipe().augment.augmentation() == Augmentation()


def test_the_strength_of_the_augmentation_fades_linearly() -> None:
    augment = recipe_from({"augment": {"strength": 0.8, "final_strength": 0.4, "fade_from": 0.5}}).augment
    assert [augment.strength_at(place) for place in (0, 0.5)] == [0.8, 0.8]
    assert augment.strength_at(0.75) == pytest.approx(0.6)
    assert augment.strength_at(1.0) == pytest.approx(0.4)


def test_the_hash_ignores_what_decides_no_number_and_sees_what_does() -> None:
    plain, base = recipe_from({}), recipe_sha256(recipe_from({}))
    assert recipe_sha256(recipe_from({"train": {"log_every": 7, "checkpoint_every": 3}})) == base
    changed = recipe_from({"loss": {"margin": 0.4}, "train": {"threads": 5}})
    assert recipe_sha256(changed) != base
    assert differing_keys(changed, plain) == ["loss.margin: 0.4, the run has None"]
