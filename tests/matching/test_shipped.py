"""The calibrations that come with the package: whole, of the contracts they say, and not used to evaluate."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import marginface
from marginface.contract import Contract, ModelCard, ThresholdEntry
from marginface.errors import CalibrationError
from marginface.matching.calibration import known_thresholds, shipped_calibration, shipped_calibrations
from marginface.weights import WEIGHTS
from oracles.patience import PATIENCE

SFACE = WEIGHTS["sface"].card
SOURCE = Path(marginface.__file__).parent


@pytest.mark.parametrize("mirror", [False, True])
def test_the_default_model_has_thresholds_down_to_one_in_a_million_with_and_without_the_mirror(mirror: bool) -> None:
    calibration = shipped_calibration(SFACE.contract(mirror=mirror).id)
    assert calibration.model == "sface"
    assert calibration.smallest_fmr < 1e-6
    similarities = [calibration.threshold(fmr).similarity for fmr in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)]
    assert similarities == sorted(similarities)
    assert 0.15 < similarities[0] < similarities[-1] < 0.7
    assert calibration.identification_threshold(0.01, 1000).similarity > calibration.threshold(1e-4).similarity
    data = calibration.data
    assert "LFW" in data.description
    assert "CFP" in data.description
    assert data.impostor_pairs > 50_000_000
    assert data.people > 4_000
    assert "marginface calibrate sface" in calibration.made.command
    assert len(calibration.made.versions["commit"]) == 40


def test_a_model_without_a_shipped_table_is_told_how_to_make_one() -> None:
    with pytest.raises(CalibrationError, match=r"no thresholds come with marginface for contract ffff.*sface \("):
        shipped_calibration("ffff")


def test_what_is_known_of_a_model_is_its_shipped_table_or_its_card() -> None:
    contract = SFACE.contract()
    known = known_thresholds(SFACE, contract)
    assert [one.fmr for one in known] == [rung.fmr for rung in shipped_calibrations()[contract.id].thresholds]
    entry = ThresholdEntry(similarity=0.3, fmr=1e-3, impostor_pairs=5000, data="drawn faces")
    mine = ModelCard(name="mine", file="x", sha256="0" * 64, license="none", embedding_size=3, thresholds=(entry,))
    assert known_thresholds(mine, mine.contract()) == (entry.value(),)
    assert known_thresholds(mine, Contract("1" * 64, 3)) == (entry.value(),)


def test_the_card_of_a_published_model_has_no_second_table() -> None:
    assert [entry.name for entry in WEIGHTS.values() if entry.card is not None and entry.card.thresholds] == []


def test_no_protocol_takes_a_threshold_from_a_shipped_table() -> None:
    """LFW and CFP, on which they are made, are what the protocols measure."""
    found = []
    for path in sorted((SOURCE / "evaluation").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.name}: {name}" for name in names if "shipped" in name or name == "known_thresholds"]
    assert found == []


def test_reading_the_tables_loads_no_torch_and_no_matplotlib() -> None:
    code = (
        "import sys\n"
        "from marginface.matching.calibration import shipped_calibrations\n"
        "assert len(shipped_calibrations()) == 2\n"
        "assert not {'torch', 'matplotlib', 'onnxruntime'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
