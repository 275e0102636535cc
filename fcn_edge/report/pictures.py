"""Example frames: what the camera saw, what fp32 and INT8 made of it, and where the two differ."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.report.html import paragraph, percent, section, text

if TYPE_CHECKING:
    import numpy as np

Json = dict[str, Any]
ALPHA = 0.55  # share of the class colour in an overlay
DIFFERENT = (40, 70, 235)  # BGR of pixels where the two masks differ


def pictures_section(report: Json) -> str:
    """Return the section of example frames; empty when the report carries none."""
    pictures = report.get("pictures") or []
    if not pictures:
        return ""
    classes = report["bundles"][0]["classes"]
    swatches = "".join(
        f'<li><i style="background:{_css(one["color"])}"></i>{text(one["name"])}</li>' for one in classes
    )
    captions = [view["caption"] for picture in pictures for view in picture["views"]]
    differences = any(caption.startswith("Difference") for caption in captions)
    red = "; in the difference picture the pixels that changed are red." if differences else "."
    return section(
        "Example frames",
        paragraph(f"Class colours over the frame{red}"),
        f'<ul class="swatches">{swatches}</ul>',
        *[_row(picture) for picture in pictures],
    )


def _css(color: list[int]) -> str:
    return f"rgb({','.join(str(int(part)) for part in color)})"


def _row(picture: Json) -> str:
    views = "".join(
        f'<figure><img src="data:image/jpeg;base64,{view["jpeg"]}" '
        f'width="{view["width"]}" height="{view["height"]}" '
        f'alt="{text(view["words"])}"><figcaption>{text(view["caption"])}</figcaption></figure>'
        for view in picture["views"]
    )
    return f'<h3>{text(picture["title"])}</h3><div class="pictures">{views}</div>'


def make_picture(title: str, frame: np.ndarray, masks: dict[str, np.ndarray], classes: list[Json]) -> Json:
    """Return the views of one frame as JPEG in base64.

    frame: uint8 (H, W, 3) BGR; masks: name -> uint8 (H, W) of class ids. Two masks give a
    difference view too.
    """
    import numpy as np

    views = [_view(frame, "The frame", f"camera frame {title}")]
    for name, mask in masks.items():
        words = f"{name}: {_shares(mask, classes)}"
        views.append(_view(overlay(frame, mask, classes), name, words))
    if len(masks) == 2:
        first, second = masks.values()
        changed = first != second
        share = percent(float(np.mean(changed)), 2)
        views.append(
            _view(
                _difference(frame, changed),
                f"Difference: {share} of the pixels",
                f"{share} of the pixels differ",
            )
        )
    return {"title": title, "views": views}


def overlay(frame: np.ndarray, mask: np.ndarray, classes: list[Json]) -> np.ndarray:
    """Return the frame with the class colours over it, uint8 (H, W, 3) BGR; void pixels stay as they are."""
    import numpy as np

    table = np.zeros((256, 3), np.float32)
    table[: len(classes)] = [one["color"][::-1] for one in classes]
    mixed = (1 - ALPHA) * frame + ALPHA * table[mask]
    return np.where((mask < len(classes))[..., None], mixed, frame).astype(np.uint8)


def _difference(frame: np.ndarray, changed: np.ndarray) -> np.ndarray:
    import numpy as np

    grey = np.repeat(frame.mean(axis=2, keepdims=True) * 0.5 + 90, 3, axis=2)
    return np.where(changed[..., None], np.array(DIFFERENT), grey).astype(np.uint8)


def _shares(mask: np.ndarray, classes: list[Json]) -> str:
    import numpy as np

    counts = np.bincount(mask.ravel(), minlength=256)[: len(classes)] / mask.size
    largest = [int(i) for i in np.argsort(-counts)[:3] if counts[i] > 0]
    return ", ".join(f"{classes[i]['name']} {counts[i]:.0%}" for i in largest) or "no class"


def _view(image: np.ndarray, caption: str, words: str) -> Json:
    import cv2

    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise FcnEdgeError("a picture of the report could not be encoded as JPEG")
    height, width = image.shape[:2]
    encoded = base64.b64encode(data.tobytes()).decode()
    return {"caption": caption, "words": words, "width": width, "height": height, "jpeg": encoded}


def golden_pictures(bundles: list[Json], most: int = 2) -> list[Json]:
    """Return pictures of the first bundle's golden frames with the masks it ships.

    bundles: as in report.json. A second bundle of the same size and another precision adds its own masks and
    the difference. Bundles that are not on this machine give no pictures.
    """
    first = bundles[0]
    folder = Path(first["bundle"])
    if not (folder / "manifest.json").is_file():
        return []
    rival = next((one for one in bundles[1:] if _comparable(one, first)), None)
    golden = read_json(folder / "manifest.json")["golden"]["frames"][:most]
    pictures = []
    for number, one in enumerate(golden, 1):
        frame = _read(folder / one["frame"], grey=False)
        masks = {first["precision"]: _read(folder / one["mask"], grey=True)}
        if rival is not None:
            masks = {rival["precision"]: _infer(rival, frame), **masks}
        pictures.append(make_picture(f"Golden frame {number}", frame, masks, first["classes"]))
    return pictures


def _comparable(one: Json, first: Json) -> bool:
    sizes = [(each["input"]["height"], each["input"]["width"]) for each in (one, first)]
    return sizes[0] == sizes[1] and one["precision"] != first["precision"] and Path(one["bundle"]).is_dir()


def _infer(bundle: Json, frame: np.ndarray) -> np.ndarray:
    import fcn_edge

    return fcn_edge.open(bundle["bundle"], allow_ungated=True)(frame)


def _read(path: Path, *, grey: bool) -> np.ndarray:
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    if image is None:
        raise FcnEdgeError(f"picture {path} cannot be read")
    return image
