"""A network as a person would look at it: beads by type, bonds of molecules thin, crosslinks thick and red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from beadsmith.build.system import Integers
from beadsmith.crosslink.cure import Cured
from beadsmith.crosslink.periodic import separations
from beadsmith.report.figures.raster import Array, Balls, Image, Sticks, image_of
from beadsmith.report.figures.style import Picture, draw, legend_below, legend_label
from beadsmith.report.formatting import count, number

#: More beads than this hide each other: then only a slab is drawn.
MOST_BEADS = 2500

#: Of beads; from M. Okabe and K. Ito, "Color Universal Design" (2008), without the red that crosslinks have.
BEAD_COLOURS = ("#8fa3b8", "#56B4E9", "#F2C230", "#6fbf8b", "#2b5fa8", "#c9a0dc", "#E08A1E", "#4d4d4d")
CROSSLINK, _BOND, _BOX = "#D81B3A", "#8b8f96", "#b4bac2"

# Radii as parts of the edge of the cube that one bead has to itself.
_BALL, _CROSSLINK_STICK, _BOND_STICK = 0.18, 0.12, 0.042
_EDGE = 0.0025  # of the box
#: No ball is smaller than this part of a mean one: crosslinks would hide it.
_SMALLEST = 0.78
#: Letters of a label: descriptions of beads are long, and there are two columns.
_LETTERS = 46

_PIXELS = 680
_PANEL = 3.55
#: How far the viewer stands off, in diagonals of the box.
_DISTANCE = 4.0
#: Turn about the upright axis, then tilt, in degrees.
_TURN, _TILT = 24.0, 16.0


@dataclass(frozen=True)
class Scene:
    """One system in its box.

    Attributes:
        title: above the picture.
        positions: angstrom, within the box, shape (beads, 3).
        cell: edge vectors as rows, angstrom.
        bead_types: 0 first, shape (beads,).
        masses: shape (beads,).
        bonds, crosslinks: as beads, 0 first, shape (bonds, 2).
        slab: lowest and highest share of the third edge that is drawn.
    """

    title: str
    positions: Array
    cell: Array
    bead_types: Integers
    masses: Array
    bonds: Integers
    crosslinks: Integers
    slab: tuple[float, float] = (0.0, 1.0)

    @property
    def shown(self) -> Integers:
        """Beads in the slab."""
        third = (self.positions @ np.linalg.inv(self.cell))[:, 2]
        return np.flatnonzero((third >= self.slab[0]) & (third < self.slab[1])).astype(np.int64)


def scene_of(cured: Cured, title: str, most: int = MOST_BEADS) -> Scene:
    """A system with every bead moved into the box; a slab of it if it has more than ``most`` beads."""
    sites = cured.network.sites
    inside = (cured.positions @ np.linalg.inv(cured.cell)) % 1.0
    half = min(0.5, 0.5 * most / len(inside))
    return Scene(
        title,
        inside @ cured.cell,
        cured.cell,
        sites.bead_types,
        sites.masses,
        sites.bonds,
        cured.network.bonds,
        (0.5 - half, 0.5 + half),
    )


def network_picture(
    scenes: Sequence[Scene],
    names: Sequence[str],
    descriptions: Mapping[str, str],
    caption: str = "",
    *,
    particle: str = "bead",
) -> Picture:
    """Systems side by side, all at the same scale of their boxes.

    Args:
        scenes: one or more.
        names: of the bead types.
        descriptions: by name; may be empty.
        caption: what to know beside what the picture says of itself.
        particle: ``bead`` or ``atom``.
    """
    images = [image(scene) for scene in scenes]
    present = np.unique(np.concatenate([scene.bead_types for scene in scenes])).tolist()
    crosslinked = any(len(scene.crosslinks) for scene in scenes)

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(scenes), squeeze=False)[0]
        for axes, scene, pixels in zip(panels, scenes, images, strict=True):
            axes.imshow(pixels, interpolation="none")
            axes.set_axis_off()
            axes.set_title(scene.title)
        for kind in present:
            said = descriptions.get(names[kind], "")
            label = legend_label(f"{names[kind]}, {said}" if said else names[kind], _LETTERS)
            panels[0].add_line(_ball(_colour_of(kind), label))
        panels[0].add_line(Line2D([], [], color=_BOND, linewidth=1.2, label="bond of a molecule"))
        if crosslinked:
            panels[0].add_line(Line2D([], [], color=CROSSLINK, linewidth=3.2, label="crosslink"))
        legend_below(figure, [panels[0]])

    text = "; ".join(
        f"{scene.title}: {count(len(scene.positions), particle)}, {count(len(scene.crosslinks), 'crosslink')}"
        for scene in scenes
    )
    width = _PANEL * max(len(scenes), 2)
    sentences = " ".join(filter(None, [_caption(scenes, particle), caption]))
    return draw(paint, _PANEL, f"{particle.capitalize()}s and bonds in the periodic box. {text}", sentences, width)


def image(scene: Scene, width: int = _PIXELS) -> Image:
    """The system seen from somewhat above and aside, nearer things larger, farther ones fading."""
    shown = scene.shown
    corners = _corners(scene)
    view = _View.of(corners)
    room = float(abs(np.linalg.det(scene.cell)) / len(scene.positions)) ** (1.0 / 3.0)
    radii = _BALL * room * np.maximum(np.cbrt(scene.masses[shown] / scene.masses.mean()), _SMALLEST)
    colours = np.array([to_rgb(_colour_of(kind)) for kind in scene.bead_types[shown].tolist()]).reshape(-1, 3)
    centres, nearness = view.project(scene.positions[shown])
    balls = Balls(centres, radii * nearness, colours)
    edge = _EDGE * float(np.linalg.norm(scene.cell, axis=1).max())
    sticks = [
        _sticks(view, *_halves(scene, scene.bonds), _BOND_STICK * room, _BOND),
        _sticks(view, *_halves(scene, scene.crosslinks), _CROSSLINK_STICK * room, CROSSLINK),
        _sticks(view, *_edges(corners), edge, _BOX),
    ]
    outline, _ = view.project(corners)
    margin = 0.03 * float(np.ptp(outline[:, :2], axis=0).max()) + 0.5 * room
    low, high = outline[:, :2].min(axis=0) - margin, outline[:, :2].max(axis=0) + margin
    # Square pictures stand beside each other at the same height.
    middle, half = (low + high) / 2, float((high - low).max()) / 2
    extent = (middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)
    return image_of(balls, sticks, extent, width)


def _colour_of(kind: int) -> str:
    return BEAD_COLOURS[kind % len(BEAD_COLOURS)]


def _ball(colour: str, label: str) -> Line2D:
    look: dict[str, Any] = {"markerfacecolor": colour, "markeredgecolor": "#555555", "markeredgewidth": 0.5}
    return Line2D([], [], linestyle="none", marker="o", markersize=7, label=label, **look)


def _caption(scenes: Sequence[Scene], particle: str) -> str:
    sentence = f"Every {particle} is drawn inside the periodic box; a bond that leaves the box is drawn as two halves."
    parts = [(scene, len(scene.shown)) for scene in scenes]
    cut = [(scene, shown) for scene, shown in parts if shown < len(scene.positions)]
    if not cut:
        return sentence
    scene, shown = cut[-1]
    thick = (scene.slab[1] - scene.slab[0]) * float(np.linalg.norm(scene.cell[2]))
    deep = float(np.linalg.norm(scene.cell[2]))
    return (
        f"{sentence} Only a slab from the middle is shown, {number(thick, 2)} of {number(deep, 3)} Å deep with "
        f"{shown:,} of {len(scene.positions):,} {particle}s."
    )


def _halves(scene: Scene, bonds: Integers) -> tuple[Array, Array]:
    """Each bond as two halves, one from each of its beads, so that none crosses the box; those in the slab."""
    first, second = scene.positions[bonds[:, 0]], scene.positions[bonds[:, 1]]
    apart = separations(first, second, scene.cell)
    starts, ends = np.concatenate([first, second]), np.concatenate([first + apart / 2, second - apart / 2])
    drawn = np.isin(np.concatenate([bonds[:, 0], bonds[:, 1]]), scene.shown)
    return starts[drawn], ends[drawn]


def _corners(scene: Scene) -> Array:
    low, high = scene.slab
    shares = [(a, b, c) for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (low, high)]
    return np.asarray(np.array(shares) @ scene.cell)


def _edges(corners: Array) -> tuple[Array, Array]:
    """Between corners whose numbers differ in one binary digit."""
    pairs = [(one, one | bit) for one in range(8) for bit in (1, 2, 4) if not one & bit]
    first, second = np.array(pairs).T
    return corners[first], corners[second]


def _sticks(view: _View, starts: Array, ends: Array, radius: float, colour: str) -> Sticks:
    near_starts, nearness = view.project(starts)
    near_ends, _ = view.project(ends)
    return Sticks(near_starts, near_ends, radius * nearness, np.tile(to_rgb(colour), (len(starts), 1)))


@dataclass(frozen=True)
class _View:
    """Where the viewer stands."""

    middle: Array
    axes: Array
    distance: float

    @classmethod
    def of(cls, corners: Array) -> _View:
        turn, tilt = np.radians(_TURN), np.radians(_TILT)
        about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
        diagonal = float(np.linalg.norm(corners.max(axis=0) - corners.min(axis=0)))
        return cls(corners.mean(axis=0), about_x @ about_y, _DISTANCE * diagonal)

    def project(self, points: Array) -> tuple[Array, Array]:
        """Coordinates in the picture, and by how much things there appear larger."""
        turned = (points - self.middle) @ self.axes.T
        nearness = self.distance / (self.distance - turned[:, 2])
        return np.column_stack([turned[:, :2] * nearness[:, None], turned[:, 2]]), nearness
