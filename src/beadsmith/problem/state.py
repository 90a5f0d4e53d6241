"""A state: the values of the variables on which a force field, or a property, may depend."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Variables that only curves have, such as the distance at the middle of a bin, or a time.  No force field depends on
#: them, and no simulation is made at them.
COORDINATES = ("r", "theta", "t", "strain")


#: The degree of crosslinking: bonds that have formed over those that stoichiometry allows, 0 to 1.
DEGREE = "DC"


@dataclass(frozen=True, order=True)
class State:
    """Named state variables, such as ``T`` (temperature, K) or ``DC`` (degree of crosslinking, 0 to 1).

    Hashable and ordered, so that it can be a key; variables are kept sorted by name.
    """

    variables: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, float] | None = None, **more: float) -> State:
        """``State.of(T=300, DC=0.5)``."""
        merged = {**(values or {}), **more}
        return cls(tuple(sorted((name, float(value)) for name, value in merged.items())))

    def __getitem__(self, name: str) -> float:
        """Value of one variable.

        Raises:
            KeyError: if the state does not say.
        """
        return dict(self.variables)[name]

    def __contains__(self, name: str) -> bool:
        return any(name == own for own, _ in self.variables)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.variables)

    def as_dict(self) -> dict[str, float]:
        """A plain dictionary, for JSON."""
        return dict(self.variables)

    def with_(self, **changes: float) -> State:
        """The same state with some variables set."""
        return State.of(self.as_dict(), **changes)

    def without(self, *names: str) -> State:
        """The same state without some variables; those that it lacks are passed over."""
        return State.of({name: value for name, value in self.variables if name not in names})

    @property
    def label(self) -> str:
        """``T=300, DC=0.5``; empty for the empty state."""
        return ", ".join(f"{name}={value:g}" for name, value in self.variables)


def same_state(first: State, second: State) -> bool:
    """Whether two states have the same variables with the same values, up to rounding.

    150 K written by LAMMPS with six digits is still 150 K.
    """
    return [*first] == [*second] and all(
        math.isclose(first[name], second[name], rel_tol=1e-6, abs_tol=1e-12) for name in first
    )
