"""The frame graph: a uint8 camera frame in, class scores or a uint8 class map out."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from fcn_edge.ground.errors import MisuseError, unknown_name
from fcn_edge.network.tail import TAILS


class FrameGraph(nn.Module):
    """An FCN with everything a runtime could get wrong put inside.

    Input `frame`: uint8 (1, H, W, 3), BGR as a camera gives it. The first operation is a Cast (TensorRT
    insists). tail "scores": float32 (1, C, ceil(H/S), ceil(W/S)) class scores at the network's score stride
    S. tail "mask": uint8 (1, H, W) class ids; bilinear upsampling and argmax in the graph, the last
    operation a Cast.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, fcn: nn.Module, size: tuple[int, int], tail: str = "scores") -> None:
        super().__init__()
        if tail not in TAILS:
            raise unknown_name("tail", tail, TAILS)
        if min(size) < 1:
            raise MisuseError(
                f"size {size[0]}x{size[1]} has no pixels", hint="give height and width of 1 or more"
            )
        self.size, self.tail = size, tail
        self.fcn: Any = copy.deepcopy(fcn).eval()
        swap_input_channels(self.fcn)
        mean = torch.as_tensor(fcn.mean, dtype=torch.float64).flatten().flip(0)
        std = torch.as_tensor(fcn.std, dtype=torch.float64).flatten().flip(0)
        # (x / 255 - mean) / std as one multiplication and one addition, for BGR
        self.register_buffer("scale", (1 / (255 * std)).float().view(1, 3, 1, 1))
        self.register_buffer("shift", (-mean / std).float().view(1, 3, 1, 1))

    def forward(self, frame: Tensor) -> Tensor:
        """Return scores or mask (see the class)."""
        image = frame.float().permute(0, 3, 1, 2)
        scores = self.fcn.forward_scores(image * self.scale + self.shift)
        if self.tail == "scores":
            return scores
        return self._upsample(scores).argmax(dim=1).to(torch.uint8)

    def _upsample(self, scores: Tensor) -> Tensor:
        if self.fcn.score_stride > 1:
            scores = nn.functional.interpolate(
                scores, scale_factor=float(self.fcn.score_stride), mode="bilinear", align_corners=False
            )
        return scores[:, :, : self.size[0], : self.size[1]]


def swap_input_channels(fcn: Any) -> None:
    """Make an FCN for RGB input take BGR, in place: its first convolution is reversed.

    Costs nothing at run time, where a channel swap of the frame would be one more pass over it.
    """
    stem = next((module for module in fcn.backbone.modules() if isinstance(module, nn.Conv2d)), None)
    if stem is None or stem.in_channels != 3:
        raise MisuseError(
            "the network's first convolution does not take 3 channels", hint="only colour frames work"
        )
    with torch.no_grad():
        stem.weight.copy_(stem.weight.flip(1))
