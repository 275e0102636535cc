"""Bundles: written whole, read with every byte checked, refused with one sentence that names the file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import fcn_edge
from fcn_edge.bundle import read_bundle, write_bundle
from fcn_edge.ground.artifacts import sha256_bytes
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.checkpoint import load_checkpoint

TINY = Path(__file__).parents[1] / "golden" / "tiny.fcne"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny.fcne"))


def change(bundle: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit the manifest and write its hash anew, as an attacker who knows the format would."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    edit(manifest)
    text = json.dumps(manifest)
    (bundle / "manifest.json").write_text(text)
    (bundle / "manifest.sha256").write_text(sha256_bytes(text.encode()) + "\n")


def test_the_committed_bundle_opens_and_gives_its_golden_masks() -> None:
    segmenter = fcn_edge.open(TINY)
    for frame, mask in read_bundle(TINY).golden():
        found = segmenter(frame)
        assert found.dtype == np.uint8
        assert found.shape == mask.shape == (48, 64)
        assert (
            found == mask
        ).mean() >= 0.98  # bit-equal on the machine that made it; others round differently


def test_frames_of_any_size_are_resized_as_opencv_does() -> None:
    segmenter = fcn_edge.open(TINY)
    frame = read_bundle(TINY).golden()[0][0]
    large = cv2.resize(frame, (200, 100), interpolation=cv2.INTER_CUBIC)
    by_hand = cv2.resize(large, (64, 48), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(segmenter(large), segmenter(by_hand))


@pytest.mark.parametrize(
    "frame", [np.zeros((48, 64), np.uint8), np.zeros((48, 64, 4), np.uint8), np.zeros((48, 64, 3))]
)
def test_a_frame_of_another_kind_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(FcnEdgeError, match=r"frame is .*uint8 array \(height, width, 3\) in BGR"):
        fcn_edge.open(TINY)(frame)


@pytest.mark.parametrize(
    "name", ["model.onnx", "golden/000.png", "golden/001.mask.png", "manifest.json", "manifest.sha256"]
)
def test_one_flipped_byte_in_any_file_is_found_and_the_file_named(bundle: Path, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    with pytest.raises(FcnEdgeError, match=name.replace("sha256", "json")):
        read_bundle(bundle)


def test_missing_and_truncated_files_are_named(bundle: Path) -> None:
    model = (bundle / "model.onnx").read_bytes()
    (bundle / "model.onnx").write_bytes(model[:-1])
    with pytest.raises(FcnEdgeError, match=r"model\.onnx has \d+ bytes, the manifest says \d+"):
        read_bundle(bundle)
    (bundle / "model.onnx").unlink()
    with pytest.raises(FcnEdgeError, match=r"model\.onnx is missing"):
        read_bundle(bundle)
    (bundle / "manifest.sha256").unlink()
    with pytest.raises(FcnEdgeError, match=r"manifest\.sha256 is missing"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["engines/tensorrt/0123.engine", "engines/torchscript/model.pt"])
def test_an_engine_the_manifest_does_not_list_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).parent.mkdir(parents=True)
    (bundle / name).write_bytes(b"code of somebody else")
    with pytest.raises(FcnEdgeError, match=f"{name} is not in the bundle's manifest"):
        read_bundle(bundle)


@pytest.mark.parametrize("place", ["engines", "engines/tensorrt", "engines/a/b"])
def test_a_linked_folder_of_engines_is_refused(bundle: Path, tmp_path: Path, place: str) -> None:
    foreign = tmp_path / "foreign" / "tensorrt"
    foreign.mkdir(parents=True)
    (foreign / "0123.engine").write_bytes(b"code of somebody else")
    link = bundle / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(foreign.parent if place == "engines" else foreign, target_is_directory=True)
    with pytest.raises(FcnEdgeError, match=f"{place} is a link to a folder"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m.update(magic="zip"), "is not the manifest of a fcn-edge bundle"),
        (lambda m: m.update(schema=[2, 0]), r"has schema \[2, 0\], this version reads 1"),
        (lambda m: m.pop("schema"), "has schema None"),
        (lambda m: m["input"].update(height=0), "frame size 0x64 is outside"),
        (lambda m: m["input"].update(width=10**9), "outside 1..16384"),
        (lambda m: m["input"].update(width=True), "outside 1..16384"),
        (lambda m: m["output"].update(stride=5), "score stride 5"),
        (lambda m: m["output"].update(channels=7), "do not fit the frame"),
        (lambda m: m["output"].update(tail="logits"), "unknown tail 'logits'"),
        (lambda m: m.update(classes=m["classes"] * 60), "300 classes"),
        (lambda m: m.pop("golden"), "lacks or mistypes a key"),
        (lambda m: m.update(files=[]), "lacks or mistypes a key"),
        (lambda m: m["files"].pop("model.onnx"), r"'model\.onnx' has no hash"),
        (lambda m: m["files"].update({"../x": m["files"]["model.onnx"]}), "path '../x' leaves the bundle"),
        (lambda m: m["files"].update({"/etc/passwd": m["files"]["model.onnx"]}), "leaves the bundle"),
        (lambda m: m["files"].update({"a\\b": m["files"]["model.onnx"]}), "leaves the bundle"),
        (lambda m: m["files"].update({"a/./b": m["files"]["model.onnx"]}), "leaves the bundle"),
        (lambda m: m["files"]["model.onnx"].update(bytes=-1), "no valid size and hash"),
        (lambda m: m["golden"].update(frames=[]), r"0 golden frames are outside 1\.\.64"),
        (lambda m: m["golden"].update(frames=m["golden"]["frames"] * 33), "66 golden frames are outside"),
        (lambda m: m["golden"].update(min_agreement=0), r"golden\.min_agreement 0 is outside 0\.9\.\.1"),
        (lambda m: m["golden"].update(min_agreement=0.8999), "golden.min_agreement 0.8999 is outside"),
        (lambda m: m["golden"].update(min_agreement=float("nan")), "golden.min_agreement nan is outside"),
        (lambda m: m["golden"].update(min_agreement=1.5), "golden.min_agreement 1.5 is outside"),
        (lambda m: m["golden"].update(min_agreement=True), "golden.min_agreement True is outside"),
        (lambda m: m["golden"].update(min_agreement="1"), "golden.min_agreement '1' is outside"),
        (lambda m: m.update(gate=None), r"gate\.verdict is not a text"),
        (lambda m: m.update(gate={}), r"gate\.verdict is not a text"),
        (lambda m: m["gate"].update(verdict=True), r"gate\.verdict is not a text"),
        (lambda m: m.update(target=["openvino"]), "target .* is not a text"),
        (lambda m: m.update(name=None), "name None is not a text"),
        (lambda m: m["input"].update(color="RGB"), "input.color is 'RGB', this version knows 'BGR'"),
        (lambda m: m["classes"][3].update(name="sky"), "class name 'sky' is given twice"),
        (lambda m: m["classes"][3].update(name=7), "class name 7 is not a text"),
        (lambda m: m["classes"][3].update(color=[0, 0, 256]), "color of class 'tree'"),
        (lambda m: m.update(classes=m["classes"][:1]), r"1 classes are outside 2\.\.255"),
        (lambda m: m.update(void_id=None), "void_id None is outside"),
    ],
)
def test_an_absurd_manifest_is_refused_with_one_sentence(
    bundle: Path, edit: Callable[[dict[str, Any]], Any], message: str
) -> None:
    change(bundle, edit)
    with pytest.raises(FcnEdgeError, match=message) as error:
        read_bundle(bundle)
    assert "manifest.json" in str(error.value)
    assert "\n" not in str(error.value)


MANIFESTS = json.loads(
    (TINY.parent / "manifests.json").read_text()
)  # one changed value each; C++ reads it too


def put(manifest: dict[str, Any], at: str, value: Any) -> None:
    """Set the value at a JSON pointer."""
    *way, last = (int(part) if part.isdigit() else part for part in at.split("/")[1:])
    place: Any = manifest
    for part in way:
        place = place[part]
    place[last] = value


@pytest.mark.parametrize("case", MANIFESTS["refused"], ids=lambda case: case["what"])
def test_manifests_that_both_readers_refuse(bundle: Path, case: dict[str, Any]) -> None:
    change(bundle, lambda manifest: put(manifest, case["at"], case["value"]))
    with pytest.raises(FcnEdgeError, match=r"manifest\.json"):
        read_bundle(bundle)


@pytest.mark.parametrize("case", MANIFESTS["taken"], ids=lambda case: case["what"])
def test_manifests_that_both_readers_take(bundle: Path, case: dict[str, Any]) -> None:
    change(bundle, lambda manifest: put(manifest, case["at"], case["value"]))
    assert read_bundle(bundle).size == (48, 64)


def test_a_link_out_of_the_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    shutil.move(bundle / "model.onnx", outside)
    (bundle / "model.onnx").symlink_to(outside)
    with pytest.raises(FcnEdgeError, match=r"model\.onnx points outside the bundle"):
        read_bundle(bundle)


@pytest.mark.parametrize("verdict", ["fail", "ungated"])
def test_a_bundle_that_did_not_pass_its_gate_opens_only_when_allowed(bundle: Path, verdict: str) -> None:
    change(bundle, lambda manifest: manifest["gate"].update(verdict=verdict))
    with pytest.raises(FcnEdgeError, match=rf"gate of .* says '{verdict}'.*--allow-ungated"):
        fcn_edge.open(bundle)
    assert fcn_edge.open(bundle, allow_ungated=True).size == (48, 64)


def test_the_self_test_refuses_an_engine_that_computes_something_else(bundle: Path) -> None:
    for name in ("golden/000.mask.png", "golden/001.mask.png"):
        mask = np.zeros((48, 64), np.uint8)
        data = cv2.imencode(".png", mask)[1].tobytes()
        (bundle / name).write_bytes(data)
        entry = {"sha256": sha256_bytes(data), "bytes": len(data)}
        change(bundle, lambda manifest, name=name, entry=entry: manifest["files"].update({name: entry}))
    with pytest.raises(FcnEdgeError, match=r"the engine here gives \d+\.\d+% of the golden pixels, not 98%"):
        fcn_edge.open(bundle)


def test_a_golden_mask_of_another_size_is_named(bundle: Path) -> None:
    data = cv2.imencode(".png", np.zeros((24, 64), np.uint8))[1].tobytes()
    (bundle / "golden" / "000.mask.png").write_bytes(data)
    entry = {"sha256": sha256_bytes(data), "bytes": len(data)}
    change(bundle, lambda manifest: manifest["files"].update({"golden/000.mask.png": entry}))
    with pytest.raises(FcnEdgeError, match=r"000\.mask\.png does not have the bundle's mask size"):
        fcn_edge.open(bundle)


def test_a_zipped_bundle_is_called_one(bundle: Path) -> None:
    zipped = Path(shutil.make_archive(str(bundle), "zip", bundle.parent, bundle.name))
    with pytest.raises(FcnEdgeError, match=r"is a zipped bundle; unzip it and give the folder"):
        load_checkpoint(zipped)
    with pytest.raises(FcnEdgeError, match=r"is a zipped bundle; unzip it and give the folder"):
        read_bundle(zipped)
    with pytest.raises(FcnEdgeError, match=r"model\.onnx is a file, not a bundle"):
        read_bundle(bundle / "model.onnx")


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match="no such bundle"):
        read_bundle(tmp_path / "none.fcne")
    with pytest.raises(FcnEdgeError, match=r"has no manifest\.json"):
        read_bundle(tmp_path)


def rewrite(out: Path, engines: Path | None = None, check: Any = None, **changes: Any) -> Path:
    """Write the tiny bundle anew from its own parts."""
    tiny = read_bundle(TINY)
    manifest = {k: v for k, v in tiny.manifest.items() if k not in ("magic", "schema", "files", "golden")}
    evidence = {"gate": {"verdict": "pass"}}
    return write_bundle(
        out, {**manifest, **changes}, tiny.model, tiny.golden(), evidence, 0.9,
        engines=engines, check=check,
    )  # fmt: skip


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    engines = tmp_path / "engines"
    engines.mkdir()
    (engines / "sm80.plan").write_bytes(b"engine")
    path = rewrite(tmp_path / "a.fcne", engines)
    bundle = read_bundle(path)
    assert (path / "engines" / "sm80.plan").read_bytes() == b"engine"
    assert bundle.manifest["golden"]["min_agreement"] == 0.9
    assert set(bundle.manifest["files"]) == {
        "model.onnx", "engines/sm80.plan", "evidence/gate.json",
        "golden/000.png", "golden/000.mask.png", "golden/001.png", "golden/001.mask.png",
    }  # fmt: skip
    assert bundle.class_names == ["sky", "road", "car", "tree", "pole"]
    for (frame, mask), (again, mask_again) in zip(bundle.golden(), read_bundle(TINY).golden(), strict=True):
        assert np.array_equal(frame, again)
        assert np.array_equal(mask, mask_again)


def test_a_refused_bundle_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = rewrite(tmp_path / "a.fcne")
    seen = []

    def check(folder: Path) -> None:
        seen.append(read_bundle(folder).name)  # whole by then
        raise FcnEdgeError("no")

    with pytest.raises(FcnEdgeError, match="no"):
        rewrite(path, check=check, name="other")
    assert seen == ["other"]
    assert read_bundle(path).name == "tiny"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fcne"]


def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(tmp_path: Path) -> None:
    path = rewrite(tmp_path / "a.fcne")
    with pytest.raises(FcnEdgeError, match="is outside"):
        rewrite(path, input={**read_bundle(TINY).manifest["input"], "height": 0})
    assert read_bundle(path).size == (48, 64)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fcne"]
