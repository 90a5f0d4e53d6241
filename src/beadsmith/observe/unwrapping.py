"""Paths of beads without the jumps at the faces of the periodic box, and without the motion of box and centre of mass.

Boxes are matrices whose rows are the edge vectors, in orthorhombic and in triclinic cells alike: a bead with the
fractional coordinates s lies at s h, where h is the matrix, and its images at (s + n) h with whole numbers n.
"""

from __future__ import annotations

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.timeseries import Array, check_finite

#: A step as long as this part of the box, in fractional coordinates, may as well be a step the other way round it.
LONGEST_STEP = 0.45


def unwrapped_by_steps(wrapped: Array, boxes: Array) -> Array:
    """Paths from wrapped positions alone: every step from frame to frame is the shortest of its images.

    Steps are compared in fractional coordinates, so the box may be triclinic and may change between frames.  The right
    image is found as long as no bead moves by half the box along any of its fractional coordinates.

    Args:
        wrapped: angstrom, measured from the corner of the box, shape (frames, beads, 3).
        boxes: edge vectors as rows, angstrom, shape (frames, 3, 3).

    Returns: angstrom, shape (frames, beads, 3); the first frame is left as it is.

    Raises:
        EstimateError: a bead moved by almost half the box between two frames, so that its path cannot be told.
    """
    check_finite(wrapped)
    fractional = wrapped @ np.linalg.inv(boxes)
    steps = np.diff(fractional, axis=0)
    steps -= np.round(steps)
    longest = float(np.abs(steps).max(initial=0.0))
    if longest > LONGEST_STEP:
        raise EstimateError(
            f"a bead moved by {longest:.2f} of the box between two frames, so its path cannot be told; "
            "record frames more often, or unwrapped coordinates"
        )
    return np.asarray(np.concatenate([fractional[:1], fractional[:1] + np.cumsum(steps, axis=0)]) @ boxes)


def about_centre_of_mass(positions: Array, masses: Array) -> Array:
    """Positions relative to the centre of mass of each frame.

    Give all beads, also when only some are looked at later: the drift is that of the whole box.  What is left of the
    diffusion of N free beads of equal mass is 1 - 1/N of it.

    Args:
        positions: angstrom, unwrapped, shape (frames, beads, 3).
        masses: g/mol, shape (beads,).

    Returns: angstrom, same shape.
    """
    centre = np.einsum("fbx,b->fx", positions, masses / masses.sum())
    return np.asarray(positions - centre[:, None, :])


def in_mean_box(positions: Array, masses: Array, boxes: Array) -> Array:
    """Positions about the centre of mass without the breathing of the box, for simulations at constant pressure.

    A barostat scales all positions with the box, and unwrapped ones the more the farther a bead is from home; that is
    no motion of beads among each other.  The affine part is taken off: the fractional coordinates of each frame are
    put into the mean box, r' = (r - r_cm) h^-1 <h>.  In a box that does not change nothing but the drift is removed.

    Args:
        positions: angstrom, unwrapped, shape (frames, beads, 3).
        masses: g/mol, shape (beads,).
        boxes: edge vectors as rows, angstrom, shape (frames, 3, 3).

    Returns: angstrom, same shape as ``positions``.
    """
    return np.asarray(about_centre_of_mass(positions, masses) @ (np.linalg.inv(boxes) @ boxes.mean(axis=0)))
