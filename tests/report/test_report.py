"""The page: whole, without network or script, honest in words, and with text for every drawing."""

from __future__ import annotations

import copy
import csv
import io
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from example import CLASSES, example_report

from fcn_edge.report import render, write_report
from fcn_edge.report.charts import tail, ticks
from fcn_edge.report.choice import best_within, candidates
from fcn_edge.report.pictures import make_picture, overlay
from fcn_edge.report.plain import markdown, spreadsheet
from fcn_edge.report.words import compare, lead, most_of_the_time, verdict

VOID = {"meta", "img", "br", "rect", "line", "path", "circle"}


class Structure(HTMLParser):
    """Collects tags and checks that every one that opens is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"


@pytest.fixture(scope="module")
def report() -> dict:
    return example_report()


@pytest.fixture(scope="module")
def page(report: dict) -> str:
    return render(report)


def test_the_page_is_well_formed_and_needs_nothing_from_outside(page: str) -> None:
    tags = Structure(page).tags
    assert "script" not in {name for name, _ in tags}
    assert not [a for _, attributes in tags for a in ("href", "srcset") if a in attributes]
    assert all(a["src"].startswith("data:") for name, a in tags if name == "img")
    assert "http" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_every_drawing_and_picture_has_words(page: str) -> None:
    tags = Structure(page).tags
    drawings = [a for name, a in tags if name == "svg"]
    assert len(drawings) == page.count("<desc") == page.count("<title id=")
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in drawings)
    assert all(a.get("alt") for name, a in tags if name == "img")
    identifiers = [a["id"] for _, a in tags if a.get("id")]
    assert len(identifiers) == len(set(identifiers))


def test_headings_go_down_one_level_at_a_time(page: str) -> None:
    levels = [int(name[1]) for name, _ in Structure(page).tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_no_drawing_holds_a_number_that_is_not_finite(page: str) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", page, re.S):
        assert not re.search(r"\b(nan|inf)\b", drawing)


def test_nothing_is_drawn_outside_its_frame(page: str) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", page, re.S):
        height = float(re.search(r'viewBox="0 0 400 (\d+)"', drawing)[1])
        for x, y in re.findall(r'x="(-?[\d.]+)" y="(-?[\d.]+)"', drawing):
            assert -1 <= float(x) <= 401
            assert 0 <= float(y) <= height


def test_a_report_with_one_bundle_few_samples_and_no_evidence_still_renders(report: dict) -> None:
    bare = copy.deepcopy(example_report(rounds=1, frames=8))
    bare["bundles"] = bare["bundles"][1:]
    for key in ("clip", "pictures", "steps"):
        bare.pop(key)
    bare["bundles"][0]["gate"] = {"verdict": "ungated"}
    bare["warnings"] = []
    page = render(bare)
    Structure(page)
    assert "Not gated" in page
    assert "Example frames" not in page


def test_names_are_escaped(report: dict) -> None:
    nasty = copy.deepcopy(report)
    nasty["bundles"][0]["name"] = "<b>&road"
    page = render(nasty)
    assert "<b>&road" not in page
    assert "&lt;b&gt;&amp;road" in page


def test_the_page_can_be_made_again_from_report_json(report: dict, tmp_path: Path) -> None:
    import json

    first = write_report(report, tmp_path).read_text()
    again = render(json.loads((tmp_path / "report.json").read_text()))
    assert again == first


def test_markdown_and_csv_hold_the_same_numbers(report: dict) -> None:
    rows = list(csv.DictReader(io.StringIO(spreadsheet(report))))
    assert len(rows) == 12
    total = next(row for row in rows if row["bundle"] == "road-fp32" and row["stage"] == "total")
    p50 = report["bundles"][1]["latency_ms"]["total"]["p50"]
    assert float(total["p50_ms"]) == pytest.approx(p50, abs=1e-4)
    assert f"| road-fp32 | {p50:.2f} |" in markdown(report)


def test_a_slower_and_less_accurate_bundle_is_not_worth_taking(report: dict) -> None:
    two = copy.deepcopy(report)
    two["bundles"][1]["gate"]["int8_miou"] = two["bundles"][0]["gate"]["int8_miou"] - 0.01
    assert [one[4] for one in candidates(two)] == [True, False]
    two["bundles"][1]["gate"]["int8_miou"] += 0.05
    assert [one[4] for one in candidates(two)] == [True, True]


def test_the_best_bundle_within_a_cameras_period_is_named() -> None:
    points = [("fast", 0.60, 10.0, 12.0, True), ("good", 0.65, 28.0, 31.0, True)]
    assert best_within(points, "At 30 frames/s", 33.3) == "At 30 frames/s take good, 65.0 % mean IU."
    assert "take fast" in best_within(points, "At 60 frames/s", 16.7)
    assert "none" in best_within(points, "Under 5 ms", 5.0)


def test_budget_and_baseline_are_told_on_the_page(report: dict) -> None:
    missed = {"sentence": "road misses its budget", "limit_ms": 5.0}
    page = render({**report, "budget": [missed], "baseline": "measured yesterday"})
    assert "Road misses its budget." in page
    assert "Under 5 ms none of them keeps up." in page


def test_the_checkerboard_is_drawn_before_and_after(report: dict) -> None:
    page = render(report)
    assert "Checkerboard before and after" in page
    layer = report["bundles"][0]["surgery"]["layers"][0]
    found = {one["kind"]: one["checkerboard"] for one in layer["candidates"]}
    words = f"{layer['name']} {found['keep']:.3f} before and {found[layer['chosen']]:.3f} after"
    assert words in page


def test_the_choice_says_what_each_bundle_is(report: dict) -> None:
    assert re.search(r"int8, 360x480, [a-z-]+( and [a-z-]+)*, openvino", render(report))


def test_words_say_which_bundle_is_slower_and_by_how_much(report: dict) -> None:
    first, second = report["bundles"]
    assert re.search(r"road-fp32 takes 1\.\d\d times as long", compare(first, second))
    assert "road-fp32 is not worth it here" in compare(second, first)
    assert "within the noise" in compare(first, first)
    assert compare({**second, "precision": "int8"}, {**first, "precision": "fp32"}).endswith(
        "INT8 is not worth it here."
    )
    assert compare({**first, "precision": "int8"}, {**first, "precision": "fp16"}).endswith(
        "within the noise of this run: INT8 is not worth it here."
    )


def test_words_name_the_largest_stage(report: dict) -> None:
    assert most_of_the_time(report["bundles"][0]).startswith("The network takes")


def test_the_verdict_is_told_in_points(report: dict) -> None:
    tone, headline, words = verdict(report["bundles"][0])
    assert (tone, headline) == ("good", "Passed its gate")
    assert "0.25 points less, where 1.0 points less were allowed" in words
    failed = {**report["bundles"][0], "gate": {**report["bundles"][0]["gate"], "verdict": "fail"}}
    assert verdict(failed)[:2] == ("bad", "Failed its gate")


def test_the_lead_does_not_quote_a_percentile_that_was_not_measured() -> None:
    few = example_report(rounds=1, frames=20)
    assert "99 %" not in lead(few)
    assert "90 % within" in lead(few)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (17.3, 46.9), (0, 0.004), (3, 90210), (5, 5)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 1 <= len(found) <= 8
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)


def test_the_tail_scale_gives_each_nine_the_same_room() -> None:
    scale = tail(0, 300)
    assert [round(scale(share)) for share in (0.0, 0.9, 0.99, 0.999, 1.0)] == [0, 100, 200, 300, 300]


def test_overlay_leaves_void_pixels_as_they_are() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    mask = np.full((6, 7), 255, np.uint8)
    mask[2:4] = 3
    drawn = overlay(frame, mask, CLASSES)
    assert (drawn[mask == 255] == frame[mask == 255]).all()
    assert (drawn[mask == 3] != frame[mask == 3]).any()


def test_two_masks_give_a_difference_that_counts_the_changed_pixels() -> None:
    frame, mask = np.zeros((10, 10, 3), np.uint8), np.zeros((10, 10), np.uint8)
    other = mask.copy()
    other[0, :5] = 1
    views = make_picture("x", frame, {"fp32": mask, "int8": other}, CLASSES)["views"]
    assert [view["caption"] for view in views] == [
        "The frame",
        "fp32",
        "int8",
        "Difference: 5.00 % of the pixels",
    ]
