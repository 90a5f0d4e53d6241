"""How far runs of one protocol are apart, and how far off their mean is: what ``beadsmith precision`` measures."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beadsmith.errors import ProblemError
from beadsmith.problem.records import Observation
from beadsmith.problem.schema import Experiment, ProblemFile
from beadsmith.problem.state import State, same_state

_NUMBERS = ("between_runs", "bias", "bias_stderr")


@dataclass(frozen=True)
class Spread:
    """What a protocol does to one observable at one state, in the unit of the observable.

    Attributes:
        observable, state: which.
        between_runs: standard deviation between independent runs beyond the error that each claims.
        bias: what to subtract from a value: the mean of a run minus that of the reference protocol, shrunk towards
            zero by as much as it is uncertain.
        bias_stderr: standard error of ``bias`` for a model that was not measured: its scatter over models included.
    """

    observable: str
    state: State
    between_runs: float
    bias: float
    bias_stderr: float


def protocol_digest(experiments: Mapping[str, Experiment]) -> str:
    """Digest of experiments as far as they decide what comes out: not how long they may take, nor on how many cores.

    Keys that are left out and keys that say the default are the same.
    """
    essence = {
        name: experiment.model_dump(mode="json", exclude_defaults=True, exclude={"time_limit", "processors"})
        for name, experiment in experiments.items()
    }
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]


def load_spreads(path: Path, file: ProblemFile) -> tuple[Spread, ...]:
    """Read what was measured about the protocol of a problem file.

    Raises:
        ProblemError: no such file, something else in it, or it was measured for other experiments.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        measured = document["experiments"]
        spreads = tuple(_spread(record) for record in document["spreads"])
        _check_once(spreads)
    except (OSError, ValueError, KeyError, TypeError) as error:
        received = getattr(error, "strerror", None) or str(error)
        expected = "a file written by: beadsmith precision"
        raise ProblemError(str(path), received, expected, "write it, or leave out precision.measured") from error
    if measured != protocol_digest(file.experiments):
        raise ProblemError(
            str(path),
            "numbers for another protocol",
            "numbers measured for the experiments of this fidelity",
            "measure again with: beadsmith precision",
        )
    return spreads


def corrected(observations: Sequence[Observation], spreads: Sequence[Spread]) -> tuple[Observation, ...]:
    """Observations of single runs, without the protocol's bias, with error bars that hold what a run cannot see.

    A run knows neither in what respect it differs from another run of the same model (a glass keeps the structure in
    which it was quenched), nor in what respect all such runs differ from longer ones (a glass that was cooled faster
    is lighter).  The first is zero on average, so it only widens the error bar, by ``between_runs``.  The second is
    taken off, as far as it is known, and what is not known of it widens the error bar, by ``bias_stderr``:

        value - bias,  stderr^2 + between_runs^2 + bias_stderr^2.

    All runs share the error of the bias: it does not become smaller by averaging over them.

    Args:
        observations: each of a single run; an undetermined one (infinite error) stays as it is.
        spreads: at most one for each observable and state; observations without one stay as they are.
    """
    return tuple(_corrected_one(one, spreads) for one in observations)


def _corrected_one(observation: Observation, spreads: Sequence[Spread]) -> Observation:
    if not (math.isfinite(observation.value) and math.isfinite(observation.stderr)):
        return observation
    for spread in spreads:
        if spread.observable == observation.observable and same_state(spread.state, observation.state):
            stderr = math.hypot(observation.stderr, spread.between_runs, spread.bias_stderr)
            return replace(observation, value=observation.value - spread.bias, stderr=stderr)
    return observation


def _check_once(spreads: Sequence[Spread]) -> None:
    known = [(one.observable, one.state) for one in spreads]
    for number, (observable, state) in enumerate(known):
        if (observable, state) in known[:number]:
            raise ValueError(f"{observable} twice at {state.label or 'its only state'}")


def _spread(record: Mapping[str, Any]) -> Spread:
    """One record of the file; it may say more than is needed here.

    Raises:
        KeyError: something is missing.
        ValueError, TypeError: something is no finite number, or a standard deviation is negative.
    """
    numbers = {name: float(record[name]) for name in _NUMBERS}
    for name, value in numbers.items():
        if not math.isfinite(value) or (value < 0 and name != "bias"):
            raise ValueError(f"{name} {value:g} of {record['observable']}")
    return Spread(str(record["observable"]), State.of(record["state"]), **numbers)
