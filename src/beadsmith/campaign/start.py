"""Where a search starts: models from files, as points that it can propose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem, load_model
from beadsmith.problem.state import State


@dataclass(frozen=True)
class Start:
    """A model that is evaluated before the search proposes anything.

    Attributes:
        file: name of its file.
        point: a value inside its range for every free parameter.
        moved: free parameters that the file has outside their range; the point has the nearest end.
    """

    file: str
    point: Mapping[str, float]
    moved: tuple[str, ...]

    @property
    def remark(self) -> str:
        """What differs from the file, as a sentence; empty if nothing does."""
        if not self.moved:
            return ""
        some, those = ("1 parameter", "it") if len(self.moved) == 1 else (f"{len(self.moved)} parameters", "them")
        names = ", ".join(self.moved)
        return f"{self.file}: {some} outside the range, the search starts at the nearest end of {those}: {names}"


def load_start(path: Path, problem: Problem) -> Start:
    """Read a model file as a point to start from.

    Parameters that depend on the state are taken at that of the first target.

    Raises:
        ProblemError: the file cannot be read, lacks a parameter, or has one that this problem does not know.
    """
    values = _values(load_model(path, problem), problem)
    point = {one.name: min(max(values[one.name], one.low), one.high) for one in problem.parameters.free}
    return Start(path.name, point, tuple(name for name, value in point.items() if value != values[name]))


def digest_of_starts(starts: Sequence[Start]) -> str:
    """Digest of the points that a search starts from, in their order; empty without any."""
    if not starts:
        return ""
    points = [sorted(start.point.items()) for start in starts]
    return hashlib.sha256(json.dumps(points).encode()).hexdigest()[:16]


def _values(model: Model, problem: Problem) -> dict[str, float]:
    state = next((target.state for target in problem.targets if target.state.variables), State())
    return model.at(state)
