"""The demo: steps are done once and in a chain, and the whole line runs end to end in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fcn_edge.demo import DemoPlan, demo
from fcn_edge.demo.steps import Steps
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.runtime.program import find_stream

TINY = DemoPlan(
    size=(64, 96), train=16, val=4, clip_seconds=0.4, minutes=0.05, crop=(64, 64), batch=4,
    upsample="keep", max_drop=1.0, rounds=2, frames=20,
)  # fmt: skip


class Chain:
    """Two steps that count how often they are made."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, []

    def run(self, first: object, second: object) -> list[str]:
        self.made.clear()
        steps = Steps(self.folder / "steps", 2, lambda text: None)
        for name, settings in (("first", first), ("second", second)):
            steps.run(name, settings, self.folder / name, lambda name=name: self._make(name))
        assert [one["name"] for one in steps.done] == ["first", "second"]
        return list(self.made)

    def _make(self, name: str) -> str:
        (self.folder / name).touch()
        self.made.append(name)
        return "made"


def test_a_step_is_kept_until_its_settings_its_result_or_an_earlier_step_change(tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    assert chain.run(1, 1) == ["first", "second"]
    assert chain.run(1, 1) == []
    assert chain.run(1, 2) == ["second"]
    assert chain.run(2, 2) == ["first", "second"]
    (tmp_path / "second").unlink()
    assert chain.run(2, 2) == ["second"]


def test_a_step_that_fails_is_made_again_next_time(tmp_path: Path) -> None:
    steps = Steps(tmp_path / "steps", 1, lambda text: None)
    with pytest.raises(FcnEdgeError, match="no luck"):
        steps.run("one", 1, tmp_path / "one", _fail)
    chain = Chain(tmp_path)
    assert chain.run(1, 1) == ["first", "second"]


def _fail() -> str:
    raise FcnEdgeError("no luck")


def test_a_missing_binary_is_told_before_anything_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FCN_EDGE_STREAM", str(tmp_path / "absent"))
    with pytest.raises(FcnEdgeError, match="FCN_EDGE_STREAM"):
        demo(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


@pytest.fixture(scope="module")
def tiny_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        find_stream()
    except FcnEdgeError as error:
        pytest.skip(f"the C++ runtime is needed: {error}")
    out = tmp_path_factory.mktemp("demo")
    demo(out, plan=TINY)
    return out


def test_the_whole_line_runs_and_leaves_a_report_a_bundle_and_an_overlay(tiny_demo: Path) -> None:
    for name in ("report.html", "report.json", "overlay.mp4", "streets-int8.fcne/manifest.json"):
        assert (tiny_demo / name).is_file(), name
    report = json.loads((tiny_demo / "report.json").read_text())
    assert [bundle["precision"] for bundle in report["bundles"]] == ["int8", "fp32"]
    assert report["frames_in"] == report["frames_out"] == 2 * (20 + BenchConfig.warmup)
    assert 0.0 < report["clip"]["miou"] <= 1.0
    assert len(report["steps"]) == 7
    assert report["pictures"][0]["views"][-1]["caption"].startswith("Difference")


def test_the_streamed_masks_are_scored_frame_by_frame(tiny_demo: Path) -> None:
    masks = sorted((tiny_demo / "masks").glob("*.png"))
    report = json.loads((tiny_demo / "report.json").read_text())
    assert len(masks) == report["clip"]["frames"] > 0


def test_a_second_run_keeps_everything(tiny_demo: Path) -> None:
    said: list[str] = []
    result = demo(tiny_demo, plan=TINY, progress=said.append)
    assert len([line for line in said if ": kept (" in line]) == 7
    assert str(result.report) in result.to_text()
    json.dumps(result.to_json(), allow_nan=False)
