"""Joint augmentation of a frame and its mask: geometry moves both, light changes the frame only."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fcn_edge.data.dataset import IGNORE

MEAN_BGR = (104, 116, 124)  # ImageNet's mean colour: what padding looks like after normalisation is zero


@dataclass(frozen=True)
class Augmentation:
    """How far each change may go. Every one is drawn anew for each sample; 0 (or a chance of 0) turns it off.

    Lengths are pixels of the cropped frame, light changes are fractions.
    """

    crop: tuple[int, int] | None = None  # (height, width) handed out; None keeps the frame's size
    scale: tuple[float, float] = (0.5, 2.0)  # factor on the frame before the crop, drawn log-uniformly
    flip: float = 0.5  # chance to mirror left and right
    brightness: float = 0.2  # added to values in 0..1
    contrast: float = 0.25  # about mid-grey
    saturation: float = 0.3
    hue: float = 0.02  # turns of the colour circle
    gamma: float = 0.2  # exponent, as a factor 1/(1+g) .. 1+g
    channel_gain: float = 0.06  # white balance: one factor a channel
    blur: float = 0.15  # chance of a Gaussian blur
    blur_sigma: float = 1.5  # largest sigma, pixels
    noise: float = 0.2  # chance of Gaussian noise
    noise_sigma: float = 0.04  # largest sigma, of values in 0..1
    jpeg: float = 0.1  # chance of JPEG artefacts, quality 30..90
    shadow: float = 0.0  # chance that one side of a line across the frame darkens by up to half
    cutout: float = 0.0  # chance that a rectangle of up to a quarter of each side is blanked and made void

    @classmethod
    def strong(cls, crop: tuple[int, int] | None = None) -> Augmentation:
        """Return strengths meant to carry over to other streets, other cameras and other light (dusk)."""
        return cls(
            crop=crop, brightness=0.3, contrast=0.4, saturation=0.6, hue=0.05, gamma=0.6, channel_gain=0.15,
            blur=0.25, blur_sigma=2.0, noise=0.35, noise_sigma=0.06, jpeg=0.25, shadow=0.25,
        )  # fmt: skip

    @classmethod
    def none(cls, crop: tuple[int, int] | None = None) -> Augmentation:
        """Return the identity apart from the crop."""
        return cls(
            crop=crop, scale=(1.0, 1.0), flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0,
            gamma=0.0, channel_gain=0.0, blur=0.0, noise=0.0, jpeg=0.0,
        )  # fmt: skip

    def __call__(
        self, frame: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return changed copies of `frame` uint8 (H, W, 3) BGR and `mask` uint8 (H, W), of size `crop`."""
        frame, mask = self.geometry(frame, mask, rng)
        frame = self.light(frame, rng)
        return self._cut_out(frame, mask, rng)

    def geometry(
        self, frame: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scale, crop and mirror. What lies outside the frame is the mean colour, and void in the mask."""
        height, width = self.crop or frame.shape[:2]
        low, high = self.scale
        scale = float(np.exp(rng.uniform(np.log(low), np.log(high)))) if low < high else low
        top, left, rows, cols = _window(frame.shape[:2], (height, width), scale, rng)
        frame, mask = frame[top : top + rows, left : left + cols], mask[top : top + rows, left : left + cols]
        size = (max(1, min(width, round(cols * scale))), max(1, min(height, round(rows * scale))))
        if size != (cols, rows):
            frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
        frame, mask = _pad(frame, mask, (height, width), rng)
        if rng.random() < self.flip:
            frame, mask = frame[:, ::-1], mask[:, ::-1]
        return np.ascontiguousarray(frame), np.ascontiguousarray(mask)

    def light(self, frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change colour, exposure and sharpness of uint8 BGR; the scene stays where it is."""
        if self.saturation or self.hue:
            frame = _mix_channels(frame, self._signed(rng, self.saturation), self._signed(rng, self.hue))
        frame = cv2.LUT(frame, self._tone_curves(rng))
        if rng.random() < self.shadow:
            frame = _cast_shadow(frame, rng)
        if rng.random() < self.blur:
            frame = cv2.GaussianBlur(frame, (0, 0), rng.uniform(0.3, self.blur_sigma))
        if rng.random() < self.noise:
            sigma = 255 * rng.uniform(0.0, self.noise_sigma)
            grain = sigma * rng.standard_normal(frame.shape, dtype=np.float32)
            frame = cv2.add(frame, grain, dtype=cv2.CV_8U)
        if rng.random() < self.jpeg:
            quality = int(rng.integers(30, 91))
            packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            frame = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
        return frame

    def _tone_curves(self, rng: np.random.Generator) -> np.ndarray:
        """Return one table (1, 256, 3) for gain, gamma, contrast and brightness together."""
        value = np.linspace(0.0, 1.0, 256)[:, None]
        gain = np.exp(rng.uniform(-1, 1, 3) * np.log1p(self.channel_gain))
        value = np.clip(value * gain, 0, None) ** np.exp(rng.uniform(-1, 1) * np.log1p(self.gamma))
        contrast, brightness = 1 + self._signed(rng, self.contrast), self._signed(rng, self.brightness)
        value = (value - 0.5) * contrast + 0.5 + brightness
        return np.clip(np.rint(255 * value), 0, 255).astype(np.uint8)[None]

    def _cut_out(
        self, frame: np.ndarray, mask: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        if rng.random() >= self.cutout:
            return frame, mask
        height, width = mask.shape
        rows, cols = 1 + int(rng.integers(max(1, height // 4))), 1 + int(rng.integers(max(1, width // 4)))
        top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - cols + 1))
        frame, mask = frame.copy(), mask.copy()
        frame[top : top + rows, left : left + cols] = MEAN_BGR
        mask[top : top + rows, left : left + cols] = IGNORE
        return frame, mask

    @staticmethod
    def _signed(rng: np.random.Generator, strength: float) -> float:
        return float(rng.uniform(-strength, strength))


def _window(
    size: tuple[int, int], crop: tuple[int, int], scale: float, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return (top, left, rows, cols) of the part of a frame that fills `crop` once scaled."""
    rows, cols = (min(n, max(1, round(c / scale))) for n, c in zip(size, crop, strict=True))
    return int(rng.integers(size[0] - rows + 1)), int(rng.integers(size[1] - cols + 1)), rows, cols


def _pad(
    frame: np.ndarray, mask: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Place frame and mask at a random spot of a canvas of `size`."""
    down, right = size[0] - mask.shape[0], size[1] - mask.shape[1]
    if down == 0 and right == 0:
        return frame, mask
    top, left = int(rng.integers(down + 1)), int(rng.integers(right + 1))
    border = (top, down - top, left, right - left, cv2.BORDER_CONSTANT)
    return cv2.copyMakeBorder(frame, *border, value=MEAN_BGR), cv2.copyMakeBorder(mask, *border, value=IGNORE)


def _mix_channels(frame: np.ndarray, saturation: float, hue: float) -> np.ndarray:
    """Change saturation (fraction) and hue (turns) by one 3x3 matrix about the grey axis.

    A rotation of RGB about (1, 1, 1) is the usual linear stand-in for a turn of the HSV circle.
    """
    grey = np.full((3, 3), 1 / 3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    cos, sin = np.cos(2 * np.pi * hue), np.sin(2 * np.pi * hue)
    turn = cos * np.eye(3) + sin * cross + (1 - cos) * grey
    return cv2.transform(frame, (grey + (1 + saturation) * (turn - grey)).astype(np.float32))


def _cast_shadow(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Darken one side of a random line with a soft edge."""
    height, width = frame.shape[:2]
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3) * max(height, width)
    x = (np.arange(width, dtype=np.float32) - width / 2) * np.cos(angle)
    y = (np.arange(height, dtype=np.float32) - height / 2) * np.sin(angle)
    inside = np.clip((x[None, :] + y[:, None] + offset) / (0.05 * width) + 0.5, 0, 1)
    factor = 1 - rng.uniform(0.2, 0.5) * inside.astype(np.float32)
    return cv2.multiply(frame, cv2.merge([factor] * 3), dtype=cv2.CV_8U)
