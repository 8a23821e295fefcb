"""What a head takes: figures by hand, and against the memory of processes that train one (benchmarks/plan.py)."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from marginface.errors import InputError
from marginface.training import recipe_from
from marginface.training.plan import Head, Machine, Plan, Way, head_of, plan, ways_of
from marginface.training.plan.head import Optimizer
from marginface.training.plan.machine import machine_of, multiply_rates, this_memory
from marginface.training.plan.memory import peak_of
from marginface.training.plan.work import multiplications, sent_bytes

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "plan.py"
MILLION = Head(classes=1_000_000, dim=512, batch=128)
MACHINE = Machine(memory=24 * 10**9, gflops={"float32": 100.0})
STORE, RECOMPUTE = Way("", "chunked"), Way("", "chunked", "recompute")
BACKWARD = Way("", "chunked", "recompute", head_in_backward=True)
SAMPLED = Way("", "chunked", "recompute", head_in_backward=True, sample_rate=0.1)
CENTERS = 1_000_000 * 512 * 4


def bytes_of(head: Head, way: Way) -> int:
    return peak_of(head, way).bytes


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """Return benchmarks/plan.py."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the memory of a process is read from /proc")
    spec = importlib.util.spec_from_file_location("plan_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["plan_benchmark"] = module  # its dataclass looks there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def processes(benchmark: ModuleType) -> Iterator[Any]:
    """Return what measures a head in a process of its own."""
    with benchmark.Measuring("returns") as measuring:
        yield measuring


@pytest.mark.parametrize(
    "case",
    [
        *({"way": way} for way in ("dense", "store", "recompute", "backward", "backward-sample")),
        {"way": "recompute", "optimizer": "adamw"},
        {"way": "dense", "classes": 20_000, "dim": 128, "batch": 512},  # logits weigh more than centers
        *({"way": way, "loss": "curricularface"} for way in ("store", "backward")),  # bends other classes
        {"way": "recompute", "classes": 120_000, "ranks": 2},
    ],
    ids=lambda case: " ".join(map(str, case.values())),
)
def test_the_plan_agrees_with_the_memory_of_processes_to_5_percent(
    benchmark: ModuleType, processes: Any, case: dict[str, Any]
) -> None:
    asked = benchmark.Case(**{"classes": 60_000, "dim": 256, **case})
    assert processes.peak(asked) == pytest.approx(asked.planned(), rel=0.05)


def test_a_chunked_step_holds_centers_momentum_gradient_and_a_copy_of_it() -> None:
    assert bytes_of(MILLION, RECOMPUTE) == 4 * CENTERS
    no_decay = Head(1_000_000, 512, 128, optimizer=Optimizer(decays=False))
    assert bytes_of(no_decay, RECOMPUTE) == pytest.approx(3 * CENTERS, rel=0.005)
    plain = Head(1_000_000, 512, 128, optimizer=Optimizer(momentum=False, decays=False))
    assert bytes_of(plain, RECOMPUTE) == pytest.approx(2 * CENTERS, rel=0.005)
    assert bytes_of(Head(1_000_000, 512, 128, optimizer=Optimizer("adamw")), RECOMPUTE) == 5 * CENTERS


def test_in_the_backward_pass_only_centers_and_momentum_are_left() -> None:
    assert 0 < bytes_of(MILLION, BACKWARD) - 2 * CENTERS < 16 * 2**20
    stored = Way("", "chunked", head_in_backward=True)
    more = bytes_of(MILLION, stored) - bytes_of(MILLION, BACKWARD)
    assert more == pytest.approx(1_000_000 * 128 * 4, rel=0.01)


def test_the_dense_way_holds_seven_matrices_of_centers_or_five_of_logits() -> None:
    dense = Way("", "dense")
    assert bytes_of(MILLION, dense) == pytest.approx(7 * CENTERS, rel=0.005)
    many = Head(1_000_000, 512, 2048)
    assert bytes_of(many, dense) == pytest.approx(3 * CENTERS + 5.25 * 1_000_000 * 2048 * 4, rel=0.005)


def test_a_sample_holds_two_copies_of_its_part() -> None:
    assert bytes_of(MILLION, SAMPLED) == pytest.approx(2 * CENTERS + 0.2 * CENTERS, rel=0.02)


def test_true_classes_are_always_in_the_sample() -> None:
    few = Head(classes=1000, dim=8, batch=500)
    assert multiplications(few, SAMPLED) == 4 * 500 * 500 * 8


def test_sub_centers_are_centers() -> None:
    three = Head(1_000_000, 512, 128, sub_centers=3)
    assert bytes_of(three, RECOMPUTE) == 3 * bytes_of(MILLION, RECOMPUTE)
    assert multiplications(three, RECOMPUTE) == 3 * multiplications(MILLION, RECOMPUTE)


def test_processes_share_centers_and_meet_all_samples() -> None:
    over = BACKWARD.over(64)
    hundred = Head(classes=100_000_000, dim=512, batch=128)
    assert over.implementation == "sharded"
    moment = peak_of(hundred, over)
    assert moment.parts["centers"] == 1_562_500 * 512 * 4
    assert multiplications(hundred, over) == 4 * (64 * 128) * 1_562_500 * 512
    uneven = Head(classes=10, dim=4, batch=2)
    assert peak_of(uneven, BACKWARD.over(3)).parts["centers"] == 4 * 4 * 4  # ⌈10 / 3⌉ classes


def test_products_are_three_and_one_more_where_tiles_are_computed_again() -> None:
    once = 128 * 1_000_000 * 512
    counts = [multiplications(MILLION, way) for way in (Way("", "dense"), STORE, RECOMPUTE, BACKWARD)]
    assert counts == [3 * once, 3 * once, 4 * once, 4 * once]


def test_traffic_by_hand() -> None:
    head = Head(classes=10, dim=4, batch=2)
    assert sent_bytes(head, STORE) == 0
    features = gradient = 2 * (2 * 4 * 4)  # to 2 others: 2 images, 4 numbers of 4 bytes
    labels = 2 * (2 * 8)
    totals = 2 * (6 * 2 * 4)  # two numbers for each of 6 images
    by_totals = 2 * (2 * 2 * 4)
    assert sent_bytes(head, STORE.over(3)) == features + gradient + labels + totals + by_totals


def test_seconds_are_two_operations_a_multiplication() -> None:
    found = {price.way.name: price for price in plan(MILLION, 1, MACHINE).prices}
    assert found["chunked, stored"].seconds["float32"] == pytest.approx(2 * 3 * 128 * 1_000_000 * 512 / 100e9)


def planned(classes: int, memory: float, ranks: int = 1) -> Plan:
    return plan(Head(classes=classes, dim=512, batch=128), ranks, Machine(int(memory * 1e9), {"given": 100.0}))


def test_advice_names_what_fits_first_and_its_keys() -> None:
    assert [price.fits for price in planned(1_000_000, 24).prices] == [True] * 5
    assert 'implementation = "chunked", tiles = "store"' in planned(1_000_000, 24).advice()
    lean = planned(1_000_000, 5)
    assert [price.fits for price in lean.prices] == [False, False, False, True, True]
    assert "head_in_backward = true" in lean.advice()
    over = planned(100_000_000, 16, ranks=64)
    assert "chunked, recomputed, over 64 processes" in over.advice()


def test_where_nothing_fits_the_advice_counts_the_processes_that_would() -> None:
    advice = planned(100_000_000, 16).advice()
    ranks = int(advice.split("Over ")[1].split(" ")[0])
    hundred = Head(classes=100_000_000, dim=512, batch=128)
    assert bytes_of(hundred, BACKWARD.over(ranks)) <= 16 * 10**9 < bytes_of(hundred, BACKWARD.over(ranks - 1))
    assert "up to 4,096 processes" in planned(100_000_000, 0.001).advice()


def test_every_way_is_a_recipe() -> None:
    for kind in ("sgd", "adamw"):
        for way in ways_of(Head(1000, optimizer=Optimizer(kind)), 2):  # type: ignore[arg-type]
            text = way.keys().replace("; ", "\n").replace("] ", "]\n").replace(", ", "\n")
            values = tomllib.loads(text)
            values.setdefault("optim", {})["kind"] = kind
            recipe = recipe_from(values)
            assert recipe.loss.implementation == way.implementation
            assert recipe.optim.head_in_backward == way.head_in_backward
            assert recipe.loss.sample_rate == way.sample_rate


def test_a_recipe_gives_its_numbers_and_those_given_replace_them() -> None:
    recipe = recipe_from(
        {
            "backbone": {"embedding_size": 64},
            "train": {"batch_size": 32},
            "optim": {"kind": "sgd", "momentum": 0.0, "head_weight_decay": 0.0},
        }
    )
    assert head_of(recipe, 5000) == Head(5000, 64, 32, optimizer=Optimizer("sgd", momentum=False, decays=False))
    assert head_of(recipe, 5000, dim=128, batch=8, kind="adamw").optimizer.states == 2


def test_a_recipe_tells_what_its_loss_does_to_other_classes() -> None:
    def of(name: str) -> Head:
        return head_of(recipe_from({"loss": {"name": name}}), 5000)

    assert not of("arcface").through_curves
    assert of("curricularface").bends
    assert of("subcenter_arcface").sub_centers == 3
    assert not of("sphereface2").keeps_tiles  # it learns a bias
    assert [way.implementation for way in ways_of(of("curricularface"), 1)] == ["chunked"] * 4
    with pytest.raises(InputError, match="no class centers"):
        head_of(recipe_from({"loss": {"name": "triplet"}, "train": {"batch_images_per_identity": 4}}), 5000)


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match="classes is at least 1; got 0"):
        Head(classes=0)
    with pytest.raises(InputError, match="one of sgd, adamw; got 'lion'"):
        head_of(recipe_from({}), 10, kind="lion")
    with pytest.raises(InputError, match=r"1 ≤ ranks ≤ classes; got 6 for 5"):
        plan(Head(classes=5), 6, MACHINE)
    with pytest.raises(InputError, match="ranks"):
        plan(Head(classes=5), 0, MACHINE)
    with pytest.raises(InputError, match=r"above 0 GB; got 1e\+308"):
        machine_of(1e308, 1.0, 8, 8)
    with pytest.raises(InputError, match="above 0 bytes"):
        Machine(0, {})
    with pytest.raises(InputError, match="above 0 GFLOP/s"):
        Machine(1, {"given": float("nan")})


def test_this_machine_has_memory_and_multiplies() -> None:
    assert this_memory() > 2**28
    rates = multiply_rates(64, 16)
    assert list(rates) == ["float32", "bfloat16"]
    assert all(0.01 < rate < 1e6 for rate in rates.values())
