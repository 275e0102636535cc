"""From camera frames to the network's input: one place for colour order, scaling and layout."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models.fake_quant import FakeQuantized
from fcn_edge.models.fcn import FCN


def to_input(frames: Tensor, mean: tuple[float, float, float], std: tuple[float, float, float]) -> Tensor:
    """Return normalised RGB, float32 (N, 3, H, W), of uint8 BGR frames (N, H, W, 3).

    value = (x / 255 - mean) / std. The result is in channels_last memory, the layout of the frames: on the
    CPU convolutions take it without a reorder.
    """
    rgb = frames.permute(0, 3, 1, 2).flip(1).to(torch.float32)
    scale = 1 / (255 * torch.tensor(std, device=frames.device)).view(1, 3, 1, 1)
    shift = (torch.tensor(mean, device=frames.device) / torch.tensor(std, device=frames.device)).view(
        1, 3, 1, 1
    )
    return (rgb * scale - shift).contiguous(memory_format=torch.channels_last)


def predict_mask(model: FCN | FakeQuantized, frame: np.ndarray) -> np.ndarray:
    """Return the class ids, uint8 (H, W), of one uint8 BGR frame (H, W, 3). `model` is in eval mode.

    Scores that are NaN or infinite are a FcnEdgeError: no class is the largest.
    """
    device = next(model.parameters()).device
    with torch.inference_mode():
        batch = torch.from_numpy(np.ascontiguousarray(frame)).unsqueeze(0).to(device)
        scores = model(to_input(batch, model.mean, model.std))
        if not torch.isfinite(scores).all():
            raise FcnEdgeError(
                "the network gives scores that are not finite (NaN or infinite)",
                hint="its weights are broken: take an earlier checkpoint",
            )
        return scores[0].argmax(0).to(torch.uint8).cpu().numpy()
