"""Shaded balls and sticks as an image, by a depth buffer: whatever is nearer hides what is behind it.

A page of balls drawn as circles from the back to the front would need thousands of marks and still get bonds wrong that
pass between two balls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
#: Of buffers: finer than any screen, and half as much to move about.
_Single = NDArray[np.float32]

#: Pixels of the buffer for each pixel of the image, along an edge: smooth outlines.
_FINER = 2
#: Towards the light, from the upper left in front.
_LIGHT = np.array([-0.40, 0.52, 0.755])
#: Light from everywhere, that from the lamp, and the width of the outlines that set balls apart.
_AMBIENT, _LAMP, _OUTLINE = 0.50, 0.55, 0.30
#: How far the farthest things fade into the background.
_FOG = 0.62
#: Steps of colour: the fewer, the smaller the file.
_STEP = 10


@dataclass(frozen=True)
class Balls:
    """Balls in the picture's own coordinates: x to the right, y up, z towards the viewer.

    Attributes:
        centres: shape (balls, 3).
        radii: shape (balls,).
        colours: red, green, blue from 0 to 1, shape (balls, 3).
    """

    centres: Array
    radii: Array
    colours: Array


@dataclass(frozen=True)
class Sticks:
    """Sticks between two points.

    Attributes:
        starts, ends: shape (sticks, 3).
        radii: shape (sticks,).
        colours: shape (sticks, 3).
    """

    starts: Array
    ends: Array
    radii: Array
    colours: Array


def image_of(balls: Balls, sticks: Sequence[Sticks], extent: tuple[float, float, float, float], width: int) -> Image:
    """Draw balls and sticks on white.

    Args:
        balls, sticks: what to draw.
        extent: left, right, bottom and top of the picture.
        width: of the image in pixels; its height follows.

    Returns: red, green, blue, the uppermost row first, shape (height, width, 3).
    """
    left, right, bottom, top = extent
    height = max(1, round(width * (top - bottom) / (right - left)))
    scale = _FINER * width / (right - left)
    buffer = _Buffer.empty(_FINER * height, _FINER * width)
    origin = np.array([left, bottom, 0.0])
    for group in sticks:
        starts, ends = scale * (group.starts - origin), scale * (group.ends - origin)
        for start, end, radius, colour in zip(starts, ends, scale * group.radii, group.colours, strict=True):
            buffer.stick(start, end, max(float(radius), 1.0), colour)
    for centre, radius, colour in zip(
        scale * (balls.centres - origin), scale * balls.radii, balls.colours, strict=True
    ):
        buffer.ball(centre, float(radius), colour)
    return buffer.image()


@dataclass(frozen=True)
class _Buffer:
    """Depth, colour and brightness of what is nearest in each pixel, the lowest row first."""

    depth: _Single
    colour: _Single
    light: _Single

    @classmethod
    def empty(cls, height: int, width: int) -> _Buffer:
        shape = (height, width)
        return cls(np.full(shape, -np.inf, np.float32), np.ones((*shape, 3), np.float32), np.ones(shape, np.float32))

    def ball(self, centre: Array, radius: float, colour: Array) -> None:
        window = self._window(centre - radius, centre + radius)
        if window is None:
            return
        x, y = self._pixels(window)
        across, up = (x - centre[0]) / radius, (y - centre[1]) / radius
        facing = np.sqrt(np.maximum(1.0 - across**2 - up**2, 0.0))
        self._put(window, facing > 0.0, centre[2] + radius * facing, (across, up, facing), colour)

    def stick(self, start: Array, end: Array, radius: float, colour: Array) -> None:
        window = self._window(np.minimum(start, end) - radius, np.maximum(start, end) + radius)
        if window is None:
            return
        x, y = self._pixels(window)
        along = end - start
        length = float(along[0] ** 2 + along[1] ** 2) or 1.0
        part = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0.0, 1.0)
        across = (x - start[0] - part * along[0]) / radius
        up = (y - start[1] - part * along[1]) / radius
        facing = np.sqrt(np.maximum(1.0 - across**2 - up**2, 0.0))
        depth = start[2] + part * along[2] + radius * facing
        self._put(window, facing > 0.0, depth, (across, up, facing), colour)

    def image(self) -> Image:
        """With the farthest things faded, at the resolution that was asked for."""
        drawn = np.isfinite(self.depth)
        shown: _Single = np.ones_like(self.colour)
        if drawn.any():
            near, far = float(self.depth[drawn].max()), float(self.depth[drawn].min())
            fog = np.float32(_FOG / ((near - far) or 1.0)) * (np.float32(near) - self.depth[drawn])
            lit = np.clip(self.colour[drawn] * self.light[drawn, None], 0.0, 1.0)
            shown[drawn] = lit + (1.0 - lit) * fog[:, None]
        height, width = self.depth.shape
        mean = shown.reshape(height // _FINER, _FINER, width // _FINER, _FINER, 3).mean(axis=(1, 3))
        levels = np.round(255.0 * mean[::-1] / _STEP) * _STEP
        return np.where(mean[::-1] > 0.999, 255, np.minimum(levels, 255)).astype(np.uint8)

    def _window(self, low: Array, high: Array) -> tuple[slice, slice] | None:
        """Pixels that something may cover; None if it lies outside the picture."""
        height, width = self.depth.shape
        x, y = (max(0, int(np.floor(low[axis]))) for axis in (0, 1))
        right, top = min(width, int(np.ceil(high[0])) + 1), min(height, int(np.ceil(high[1])) + 1)
        return (slice(y, top), slice(x, right)) if x < right and y < top else None

    @staticmethod
    def _pixels(window: tuple[slice, slice]) -> tuple[Array, Array]:
        y, x = (np.arange(one.start, one.stop) + 0.5 for one in window)
        return x[None, :], y[:, None]

    def _put(
        self,
        window: tuple[slice, slice],
        inside: NDArray[np.bool_],
        depth: Array,
        normal: tuple[Array, Array, Array],
        colour: Array,
    ) -> None:
        nearer = inside & (depth > self.depth[window])
        light = _AMBIENT + _LAMP * np.maximum(sum(n * part for n, part in zip(normal, _LIGHT, strict=True)), 0.0)
        light = light * np.clip(normal[2] / _OUTLINE, 0.45, 1.0)
        self.depth[window][nearer] = depth[nearer]
        self.colour[window][nearer] = colour
        self.light[window][nearer] = light[nearer]
