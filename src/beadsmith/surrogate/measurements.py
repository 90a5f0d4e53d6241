"""What is known of one observable of one system: the rows of the dataset that an emulator learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from beadsmith.errors import ProblemError
from beadsmith.surrogate.axes import Axis, places_of, unit_coordinates

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measurements:
    """Values of one observable over parameters and states.

    Attributes:
        system: the experiment they come from.
        observable: its name.
        axes: coordinates, in the order of the columns.
        inputs: natural units, shape (points, axes).
        values: natural units, shape (points,).
        stderrs: standard errors of the values, shape (points,); NaN where not known, 0 for an exact value.

    Raises:
        ValueError: shapes that do not fit.
        ProblemError: a number that cannot be one: names the row.
    """

    system: str
    observable: str
    axes: tuple[Axis, ...]
    inputs: Array
    values: Array
    stderrs: Array

    def __post_init__(self) -> None:
        points = len(self.values)
        shapes = self.inputs.shape, self.values.shape, self.stderrs.shape
        if shapes != ((points, len(self.axes)), (points,), (points,)):
            raise ValueError(
                f"{self.name}: received inputs, values and standard errors of the shapes {shapes}, "
                f"expected (points, {len(self.axes)}), (points,) and (points,)"
            )
        self._refuse(~np.isfinite(self.inputs).all(axis=1), "a coordinate that is not finite", "finite coordinates")
        self._refuse(~np.isfinite(self.values), "a value that is not finite", "finite values")
        self._refuse(
            (self.stderrs < 0) | np.isinf(self.stderrs),
            "a standard error that is negative or infinite",
            "standard errors of 0 or more, or none where they are not known",
        )

    @property
    def name(self) -> str:
        """Of the system and the observable together."""
        return f"{self.system}.{self.observable}"

    def __len__(self) -> int:
        """Points."""
        return len(self.values)

    def at(self, rows: NDArray[np.intp]) -> Measurements:
        """Some of the rows."""
        return replace(self, inputs=self.inputs[rows], values=self.values[rows], stderrs=self.stderrs[rows])

    def without_copies(self) -> Measurements:
        """Each run once, in the order of its first appearance.

        A row that agrees with another in every number is the same run listed again, and would count as evidence that
        it is not.  Rows at one place with different values are replicates, and stay.
        """
        table = np.column_stack([self.inputs, self.values, np.nan_to_num(self.stderrs, nan=-1.0)])
        _, first = np.unique(table, axis=0, return_index=True)
        return self.at(np.sort(first))

    def places(self) -> NDArray[np.intp]:
        """For each row the number of its place, the same for replicates, shape (points,).

        Replicates may have come from tables that round: see :func:`beadsmith.surrogate.axes.places_of`.
        """
        return places_of(unit_coordinates(self.axes, self.inputs))

    def _refuse(self, wrong: NDArray[np.bool_] | np.bool_, received: str, expected: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ProblemError(
                self.name, f"{received} in row {row + 1} of {len(self)}", expected, "leave failed runs out"
            )
