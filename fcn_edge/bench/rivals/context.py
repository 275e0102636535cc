"""What a rival gets to run the same network: the checkpoint, the frame size, frames to calibrate on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RivalContext:
    """The task, the same for all rivals of a run."""

    checkpoint: str  # run folder, file or zoo:NAME
    size: tuple[int, int]  # (height, width) of the frames
    frames: Path  # .npy, uint8 (N, H, W, 3) BGR: what is timed
    calibration: Path  # .npy of the same form
    folder: Path  # converted models are kept here
    threads: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for the rival's process."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in vars(self).items()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> RivalContext:
        """Return the context that to_json wrote."""
        paths = {key: Path(value[key]) for key in ("frames", "calibration", "folder")}
        return RivalContext(**{**value, **paths, "size": tuple(value["size"])})

    def model(self) -> Any:
        """Return the network in eval mode."""
        return _load(self.checkpoint)

    def fp32_mask(self) -> Path:
        """Return ONNX with a uint8 frame in and the mask out, upsampling and argmax in the graph."""
        from fcn_edge.network import load_network

        path = self.folder / "fp32-mask.onnx"
        return path if path.is_file() else load_network(self.checkpoint, self.size).write(path, "mask")

    def calibration_frames(self) -> list[Frame]:
        """Return the frames to calibrate on, uint8 (H, W, 3) BGR each."""
        return list(np.load(self.calibration))

    def prepared(self, frame: Frame) -> npt.NDArray[np.float32]:
        """Return the float32 (1, 3, H, W) input that a runtime without uint8 graphs needs."""
        import cv2

        return np.asarray(cv2.dnn.blobFromImageWithParams(frame, _parameters(self.checkpoint)), np.float32)


@lru_cache
def _load(checkpoint: str) -> Any:
    from fcn_edge.train.checkpoint import load_checkpoint

    return load_checkpoint(checkpoint).model


@lru_cache
def _parameters(checkpoint: str) -> Any:
    import cv2

    model = _load(checkpoint)
    parameters = cv2.dnn.Image2BlobParams()
    parameters.scalefactor = [1 / (255 * value) for value in model.std]
    parameters.mean = [255 * value for value in model.mean]
    parameters.swapRB = True
    return parameters
