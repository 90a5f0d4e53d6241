"""What comes out of simulations, as frozen records, and their JSON form.

``Observation | Failure`` per experiment, gathered into an :class:`Evaluation` of one model, gathered into a dataset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from beadsmith.problem.state import State


@dataclass(frozen=True)
class Observation:
    """One property at one state, with its standard error.

    Attributes:
        observable: its name in the problem file.
        state: where it was measured.
        value, stderr: in the unit of the observable (kcal/mol, angstrom, g/cm^3, K, ...).  The standard error accounts
            for correlation in time and between molecules.
        samples: effective number of independent samples behind ``value``.
        equilibrated: False if the property was still drifting; the value must then not be trusted.
        note: a remark for the reader, empty if all is well.
        between: standard deviation between networks, beyond what follows from the errors within them; None where
            there are no networks, or a single one.
        within: standard deviation of measurements of one network, such as pulls along several axes, beyond the errors
            that they claim; None where each was measured once.
        networks: how many cured networks it is a mean over; 0 for what was not cured.
    """

    observable: str
    state: State
    value: float
    stderr: float
    samples: float = 1.0
    equilibrated: bool = True
    note: str = ""
    between: float | None = None
    within: float | None = None
    networks: int = 0

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        scatter = {"between": self.between, "within": self.within}
        return {
            "observable": self.observable,
            "state": self.state.as_dict(),
            # JSON knows neither NaN nor infinity: what is not determined is null.
            "value": None if math.isnan(self.value) else self.value,
            "stderr": None if math.isinf(self.stderr) else self.stderr,
            "samples": self.samples,
            "equilibrated": self.equilibrated,
            "note": self.note,
            **{name: value for name, value in scatter.items() if value is not None},
            **({"networks": self.networks} if self.networks else {}),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Observation:
        """The inverse of :meth:`to_json`."""
        value = math.nan if record["value"] is None else record["value"]
        stderr = math.inf if record["stderr"] is None else record["stderr"]
        return cls(**{**record, "state": State.of(record["state"]), "value": value, "stderr": stderr})


@dataclass(frozen=True)
class Gradient:
    """Derivative of one property at one state with respect to the free parameters, with standard errors.

    Attributes:
        observable: its name in the problem file.
        state: where it was measured.
        values, stderrs: by parameter name, unit of the observable over unit of the parameter.
    """

    observable: str
    state: State
    values: Mapping[str, float]
    stderrs: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        return {
            "observable": self.observable,
            "state": self.state.as_dict(),
            "values": dict(self.values),
            "stderrs": dict(self.stderrs),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Gradient:
        """The inverse of :meth:`to_json`."""
        return cls(**{**record, "state": State.of(record["state"])})


class FailureKind(Enum):
    """Why an experiment gave no answer.  The value is a sentence with the remedy."""

    # Only a search has ranges to narrow: a single model, and atoms, have none.
    ENGINE_ERROR = (
        "LAMMPS stopped with an error; the log says where: correct the script or the protocol; in a search, narrow the "
        "parameter ranges"
    )
    KILLED = "LAMMPS was killed by a signal; if by the system, it ran out of memory: run fewer simulations at once"
    TIMEOUT = "the simulation did not end within its time limit; raise time_limit, or shorten the protocol"
    NOT_A_NUMBER = (
        "energy or pressure became NaN or infinite; reduce the timestep or lengthen the push-off; in a search, narrow "
        "the parameter ranges"
    )
    LOST_ATOMS = (
        "atoms or bonds were lost; reduce the timestep or lengthen the push-off; in a search, narrow the parameter "
        "ranges"
    )
    NO_OUTPUT = "LAMMPS ended well but an expected output file is missing or cut short; check the script and the disk"
    BOX_TOO_SMALL = (
        "the box became smaller than twice the cutoff; simulate more molecules or shorten the cutoff; in a search, "
        "narrow the parameter ranges"
    )
    NOT_CURED = "the network did not reach the degree of crosslinking; change the rules, or relax longer between cycles"
    NOT_OBSERVABLE = "the simulation ended well but an observable could not be estimated from it"

    @property
    def label(self) -> str:
        """The name in lower case with spaces."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Failure:
    """An experiment that gave no answer: a result like any other.

    Attributes:
        kind: what happened.
        experiment: which experiment of the problem file.
        detail: the decisive line, such as LAMMPS' error message.
        log_tail: the last lines of the log.
        folder: where the files are, relative to the study.
    """

    kind: FailureKind
    experiment: str
    detail: str
    log_tail: str = ""
    folder: str = ""

    @property
    def sentence(self) -> str:
        """What happened, the decisive line, and what to do."""
        return f"{self.experiment}: {self.kind.label} ({self.detail}): {self.kind.value}"

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        return {
            "kind": self.kind.name,
            "experiment": self.experiment,
            "detail": self.detail,
            "log_tail": self.log_tail,
            "folder": self.folder,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Failure:
        """The inverse of :meth:`to_json`."""
        return cls(**{**record, "kind": FailureKind[record["kind"]]})


@dataclass(frozen=True)
class Target:
    """What an observable should be at a state.

    Attributes:
        value, stderr: in the unit of the observable; ``stderr`` is the target's own standard deviation.
        weight: relative weight of the whole observable in the misfit.
        source: where the number comes from.
    """

    observable: str
    state: State
    value: float
    stderr: float
    weight: float = 1.0
    source: str = ""


@dataclass(frozen=True)
class Considered:
    """An observable at a state that might become a target, to ask what it would tell.

    Attributes:
        stderr: standard deviation that its value would have, in the unit of the observable.
        source: where the value could come from.
    """

    observable: str
    state: State
    stderr: float
    source: str = ""


@dataclass(frozen=True)
class Evaluation:
    """One model, simulated: the row of the dataset.

    Attributes:
        number: index in the study, 0 first; the order in which the search proposed.
        point: value of every free parameter, by name (empty for a model from a file with functions).
        seed: the seed that its simulations were derived from.
        observations: everything measured, all experiments together.
        failures: experiments that gave no answer; observations of the others are still there.
        misfit: against the targets; None if it failed.
        terms: the misfit's parts by name (they need not add up to it; the misfit says how they combine).
        core_seconds: processor time of its simulations.
        runs: hashes of the simulations it stands on.
        gradients: derivatives of the observations, if the search asked for them.
        label: empty for a proposal of the search; else what it is ("Hybrid strategy", "re-measured", ...).
    """

    number: int
    point: Mapping[str, float]
    seed: int
    observations: Sequence[Observation]
    failures: Sequence[Failure] = ()
    misfit: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    core_seconds: float = 0.0
    runs: Sequence[str] = ()
    gradients: Sequence[Gradient] = ()
    label: str = ""

    @property
    def failed(self) -> bool:
        """Whether any experiment gave no answer."""
        return bool(self.failures)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        return {
            "number": self.number,
            "label": self.label,
            "seed": self.seed,
            "misfit": self.misfit,
            "terms": dict(self.terms),
            "point": dict(self.point),
            "observations": [observation.to_json() for observation in self.observations],
            "failures": [failure.to_json() for failure in self.failures],
            "core_seconds": self.core_seconds,
            "runs": list(self.runs),
            "gradients": [gradient.to_json() for gradient in self.gradients],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Evaluation:
        """The inverse of :meth:`to_json`."""
        return cls(
            **{
                **record,
                "observations": tuple(Observation.from_json(entry) for entry in record["observations"]),
                "failures": tuple(Failure.from_json(entry) for entry in record["failures"]),
                "runs": tuple(record["runs"]),
                "gradients": tuple(Gradient.from_json(entry) for entry in record["gradients"]),
            }
        )
