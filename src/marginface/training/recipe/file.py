"""Recipes as TOML: read with overrides, write with every value, compare, and say what is wrong in the user's words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from marginface.documents import parse_toml
from marginface.errors import RecipeError
from marginface.files import write_bytes
from marginface.registry import near_names
from marginface.training.recipe import DATA_SECTIONS, Recipe

# Keys that decide no number of the training: a resumed run may change them.
FREE_KEYS = frozenset(
    {
        "name",
        "about",
        "data.memory_gb",
        "data.workers",
        "data.prefetch",
        "train.threads",
        "train.device",
        "train.checkpoint_every",
        "train.keep_checkpoints",
        "train.evaluate_every",
        "train.log_every",
        "train.tensorboard",
        "evaluation.packs",
    }
)


def read_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe; ``overrides`` are ``section.key=value`` with TOML values (text may stand without quotes).

    Raises:
        RecipeError: the file is missing or no TOML, or a key or value does not fit; the message names it.
    """
    path = Path(path)
    try:
        values = parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe. A recipe is a TOML file; see recipes/quick.toml") from None
    except ValueError as error:
        raise RecipeError(f"{path}: not TOML: {error}") from None
    return recipe_from(values, path.name, overrides)


def recipe_from(values: Mapping[str, Any], name: str = "recipe", overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe these values describe; ``name`` stands in the messages, ``overrides`` as in read_recipe."""
    filled = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for override in overrides:
        _override(filled, override)
    if isinstance(filled.get("data"), dict):
        filled["data"] = {"source": "drawn", **filled["data"]}
    try:
        return Recipe.model_validate(filled)
    except ValidationError as error:
        raise RecipeError(f"{name}: {_first_problem(error, filled)}") from None


def write_recipe(recipe: Recipe, path: str | Path) -> None:
    """Write a recipe with every key that has a value, so that read_recipe gives it back; whole or not at all."""
    text = tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True))
    write_bytes(Path(path), text.encode())


def recipe_sha256(recipe: Recipe) -> str:
    """Return 64 hex digits over every key that decides a number of the training."""
    values = {key: value for key, value in flat(recipe).items() if key not in FREE_KEYS}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def differing_keys(given: Recipe, stored: Recipe) -> list[str]:
    """Return ``key: given, the run has stored`` for every key that decides a number and differs."""
    ours, theirs = flat(given), flat(stored)
    keys = sorted((ours.keys() | theirs.keys()) - FREE_KEYS)
    return [
        f"{key}: {ours.get(key)!r}, the run has {theirs.get(key)!r}" for key in keys if ours.get(key) != theirs.get(key)
    ]


def flat(recipe: Recipe) -> dict[str, Any]:
    """Return every value under ``section.key``."""
    values = recipe.model_dump(mode="json", exclude={"paper"})  # it decides nothing
    result: dict[str, Any] = {}
    for name, value in values.items():
        inner = value if isinstance(value, dict) else None
        result.update({name: value} if inner is None else {f"{name}.{key}": item for key, item in inner.items()})
    return result


def _override(values: dict[str, Any], override: str) -> None:
    """Put one ``a.b=value`` into the values."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise RecipeError(f"--set takes section.key=value, as in --set train.epochs=5; got {override!r}")
    table = values
    for part in parts[:-1]:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"--set {override}: {part!r} is a value, not a section")
        table = inner
    table[parts[-1]] = _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    """Return the TOML value of a text, or the text itself if it is none (cosface stands for "cosface")."""
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text


def _first_problem(error: ValidationError, values: Mapping[str, Any]) -> str:
    """Say the first problem in the words of the recipe."""
    problem = error.errors(include_url=False)[0]
    place = [str(part) for part in problem["loc"]]
    if place[:1] == ["data"] and place[1:2] in [[name] for name in DATA_SECTIONS]:
        del place[1]
    if problem["type"] == "extra_forbidden":
        return _unknown_key(place, values)
    if not place:  # a rule between sections, which names them itself
        return problem["msg"].removeprefix("Value error, ")
    section = f"[{place[0]}] " if len(place) > 1 else ""
    key = ".".join(part for part in place[1:] or place if part not in ("str", "tuple[str, ...]"))
    got = "" if isinstance(problem["input"], dict) else f"; got {problem['input']!r}"
    return f"{section}{key}: {problem['msg'].removeprefix('Value error, ')}{got}"


def _unknown_key(place: list[str], values: Mapping[str, Any]) -> str:
    """Say that a key or a section does not exist, and which do."""
    name = place[-1]
    known = list(_keys(place[0], values) if len(place) > 1 else Recipe.model_fields)
    where = f"[{place[0]}]" if len(place) > 1 else "a recipe"
    return f"{where} has no key {name!r}. {near_names(name, known)}Keys of {where}: {', '.join(known)}"


def _keys(section: str, values: Mapping[str, Any]) -> list[str]:
    if section == "data":
        return list(DATA_SECTIONS[values["data"]["source"]].model_fields)
    return list(type(getattr(Recipe(), section)).model_fields)
