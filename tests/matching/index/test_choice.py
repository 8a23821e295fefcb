"""Which index for how many faces."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.matching.index import ExactIndex, SketchIndex, choose_index


@pytest.mark.parametrize(
    ("size", "embedding_size", "kind", "said"),
    [
        (0, 128, ExactIndex, "0 faces: below 200,000 every face is compared"),
        (199_999, 512, ExactIndex, "none is missed"),
        (200_000, 512, SketchIndex, "200,000 faces: 64-byte sketches"),
        (3_000_000, 512, SketchIndex, "float16 to save memory"),
        (20_000_000, 128, SketchIndex, "PostgreSQL or Qdrant"),
    ],
)
def test_the_choice_follows_the_size_and_says_why(size: int, embedding_size: int, kind: type, said: str) -> None:
    choice = choose_index(size, embedding_size)
    assert said in choice.reason
    made = choice.make() if size < 10_000_000 else None  # room for more is asked for at once
    if made is not None:
        assert type(made) is kind
        assert made.embedding_size == embedding_size


@pytest.mark.parametrize(
    ("largest", "embedding_size", "said"),
    [(4 * 2**30 // 512 // 4, 512, "float16"), (10_000_000, 64, "better place")],  # 4 GiB of float32, ten millions
)
def test_beyond_its_bounds_a_choice_says_what_more_it_takes(largest: int, embedding_size: int, said: str) -> None:
    assert said not in choose_index(largest, embedding_size).reason
    assert said in choose_index(largest + 1, embedding_size).reason


def test_each_make_gives_a_new_index() -> None:
    choice = choose_index(10, 4)
    one, other = choice.make(), choice.make()
    one.upsert(np.array([1]), np.eye(4, dtype=np.float32)[:1], np.array([1]))
    assert (one.count(), other.count()) == (1, 0)


def test_a_size_below_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="got -1 and 4"):
        choose_index(-1, 4)
    with pytest.raises(InputError, match="got 5 and 0"):
        choose_index(5, 0)
