"""Functional calibration: all functions of all parameters fitted together to the targets of all systems.

From many quasi-random starts, downhill on the surrogates' means with their variances held and renewed between rounds
(iteratively reweighted least squares; all starts at once, the worse half given up after each round); then the few
best that differ, with full derivatives, by ``scipy.optimize.least_squares``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import qmc

from beadsmith.calibrate.functional.descent import descend
from beadsmith.calibrate.functional.family import Family
from beadsmith.calibrate.functional.forms import Form, form_from_json, function_to_json
from beadsmith.calibrate.functional.objective import DEFAULT_PRIOR, Objective, Rule
from beadsmith.calibrate.functional.prediction import Predictor
from beadsmith.calibrate.functional.systems import System, check_states, make_family
from beadsmith.errors import ProblemError
from beadsmith.problem.functions import Function
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Rounds of the way down: iterations, and the part of the starts that goes on afterwards.
_ROUNDS = ((5, 0.5), (6, 0.5), (12, 1.0))

#: Two minima are one if no function differs by more than this part of its range at any state.
_SAME = 0.05

#: Steps of the last fit.
_MOST_STEPS = 60


@dataclass(frozen=True)
class Prediction:
    """One target and what the calibrated model is predicted to give.

    Attributes:
        system, observable, state: which.
        value, stderr: prediction of the surrogate and its standard deviation.
        target, target_stderr: what it should be.
    """

    system: str
    observable: str
    state: State
    value: float
    stderr: float
    target: float
    target_stderr: float

    def to_json(self) -> dict[str, Any]:
        """``{system, observable, state, value, stderr, target, target_stderr}``."""
        names = {"system": self.system, "observable": self.observable, "state": self.state.as_dict()}
        numbers = {"value": self.value, "stderr": self.stderr}
        return {**names, **numbers, "target": self.target, "target_stderr": self.target_stderr}


@dataclass(frozen=True)
class Minimum:
    """A place where starts arrived.

    Attributes:
        objective: sum of squares there.
        starts: how many of those that were followed to the end arrived here.
    """

    objective: float
    starts: int


@dataclass(frozen=True)
class Calibration:
    """Calibrated functions.

    Attributes:
        family: forms, ranges of parameters, interval of states.
        coordinates: of the functions, in [0, 1], in the order of ``family.labels``.
        rule: of the misfit.
        prior: width of the prior in units of the range; None if there was none.
        objective: the sum of squares that was made small (see :mod:`.objective`).
        misfit: weighted mean over observables and systems of the mean over states of the squared deviation without
            unit; of ``giuntoli2021`` the sum of Eq. 3 in the observables' own units.
        rmspe: root mean squared percentage error by system and observable; nan where a target is 0.
        predictions: one for each target.
        minima: the different ones, best first.
        starts: how many there were.
        evaluations: of all predictions with their derivatives.
        excursion: largest distance of a function from its range, in units of the range; 0 if all are inside.
        warnings: sentences.
    """

    family: Family
    coordinates: tuple[float, ...]
    rule: Rule
    prior: float | None
    objective: float
    misfit: float
    rmspe: Mapping[str, Mapping[str, float]]
    predictions: tuple[Prediction, ...]
    minima: tuple[Minimum, ...]
    starts: int
    evaluations: int
    excursion: float
    warnings: tuple[str, ...]

    @property
    def functions(self) -> dict[str, Function]:
        """By parameter: records of the model file."""
        return self.family.functions(np.asarray(self.coordinates))

    @property
    def forms(self) -> Mapping[str, Form]:
        """By parameter."""
        return self.family.forms

    @property
    def free_parameters(self) -> int:
        """Numbers that were fitted."""
        return self.family.size

    @property
    def log10_shape(self) -> float | None:
        """Of all radial basis functions; None if there are none."""
        found = self.family.log10_shapes(np.array([self.coordinates]))
        return float(found[0]) if self.family.has_shape else None

    @property
    def mean_rmspe(self) -> float:
        """Mean over systems and observables, as the paper reports it."""
        return mean_rmspe(self.rmspe)

    def to_json(self) -> dict[str, Any]:
        """Plain types.

        Keys: ``forms`` (by parameter, see :meth:`.Form.to_json`), ``ranges`` and ``states`` (``[low, high]`` by name),
        ``coordinates``, ``labels``, ``log10_shape``, ``functions`` (by parameter, words of the model file),
        ``misfit_rule``, ``prior``, ``objective``, ``misfit``, ``rmspe`` (percent, by system and observable; null
        where undefined), ``mean_rmspe``, ``free_parameters``, ``predictions``, ``minima`` (``[{objective,
        starts}]``), ``starts``, ``evaluations``, ``excursion``, ``warnings``.
        """
        return {
            "forms": {name: form.to_json() for name, form in self.forms.items()},
            "ranges": {name: list(ends) for name, ends in self.family.ranges.items()},
            "states": {name: list(ends) for name, ends in self.family.states.items()},
            "coordinates": list(self.coordinates),
            "labels": list(self.family.labels),
            "log10_shape": self.log10_shape,
            "functions": {name: function_to_json(function) for name, function in self.functions.items()},
            "misfit_rule": self.rule,
            "prior": self.prior,
            "objective": self.objective,
            "misfit": self.misfit,
            "rmspe": rmspe_to_json(self.rmspe),
            "mean_rmspe": number_or_none(self.mean_rmspe),
            "free_parameters": self.free_parameters,
            "predictions": [prediction.to_json() for prediction in self.predictions],
            "minima": [{"objective": one.objective, "starts": one.starts} for one in self.minima],
            "starts": self.starts,
            "evaluations": self.evaluations,
            "excursion": self.excursion,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Calibration:
        """The inverse of :meth:`to_json`."""
        return cls(
            family=family_from_json(document),
            coordinates=tuple(document["coordinates"]),
            rule=document["misfit_rule"],
            prior=document["prior"],
            objective=document["objective"],
            misfit=document["misfit"],
            rmspe=rmspe_from_json(document["rmspe"]),
            predictions=tuple(
                Prediction(**{**one, "state": State.of(one["state"])}) for one in document["predictions"]
            ),
            minima=tuple(Minimum(**one) for one in document["minima"]),
            starts=document["starts"],
            evaluations=document["evaluations"],
            excursion=document["excursion"],
            warnings=tuple(document["warnings"]),
        )


def calibrate(
    systems: Sequence[System],
    forms: Mapping[str, Form],
    *,
    misfit: Rule = "combined_variance",
    prior: float | Literal["default"] | None = "default",
    starts: int = 64,
    seed: int = 0,
    begin: Sequence[Array] = (),
    outside: Literal["refuse", "warn"] = "refuse",
    finalists: int = 3,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Calibration:
    """Fit all functions together (Giuntoli et al. 2021, Eq. 3, and what replaces its misfit).

    Args:
        systems: with surrogates and references; parameters of the same name are the same function.
        forms: by parameter (:func:`.make_forms`).
        misfit: see :mod:`.objective`.
        prior: width of a prior towards the centre of all ranges, in units of the range; ``"default"`` is 1 for
            ``combined_variance`` and none for the others.
        starts: quasi-random starts; 0 if ``begin`` has some.
        seed: of the starts.
        begin: coordinates to start from besides (:meth:`.Family.nearest`), shape (size,) each.
        outside: targets at states where a surrogate was not trained are refused, or fitted with a warning.
        finalists: different minima that are refined.
        ranges: by parameter, where its function may be; everywhere where the surrogates were trained if left out.

    Raises:
        ProblemError: nothing to fit, states outside while refusing, forms that do not match the parameters, an
            uncertainty or a target that the rule cannot use.
    """
    sentences = check_states(systems, outside)
    objective = Objective(Predictor(make_family(forms, systems, ranges), tuple(systems)), misfit, _width(prior, misfit))
    places = _begin(objective.predictor.family.size, starts, seed, begin)
    way = _descend_all(objective, places)
    coordinates, minima, evaluations = _refined(objective, way, finalists)
    return summarise(
        objective, coordinates, minima=minima, starts=len(places), evaluations=evaluations, sentences=sentences
    )


def refit(objective: Objective, begin: Array) -> tuple[Array, float, int]:
    """The minimum next to a place, with full derivatives.

    Args:
        objective: to be made small.
        begin: shape (size,), in [0, 1].

    Returns: coordinates, sum of squares, evaluations.
    """
    kept: dict[bytes, tuple[Array, Array]] = {}

    def both(place: Array) -> tuple[Array, Array]:
        # The optimiser asks for residuals and for their derivatives at the same place, one after the other.
        key = place.tobytes()
        if key not in kept:
            kept.clear()
            found, slopes = objective.residuals(place[None])
            kept[key] = (found[0], slopes[0])
        return kept[key]

    found = least_squares(
        lambda place: both(place)[0],
        np.clip(begin, 1e-6, 1.0 - 1e-6),
        jac=lambda place: both(place)[1],
        bounds=(0.0, 1.0),
        method="trf",
        ftol=1e-7,
        xtol=1e-7,
        gtol=1e-7,
        max_nfev=_MOST_STEPS,
    )
    return np.asarray(found.x), 2.0 * float(found.cost), int(found.nfev)


def summarise(
    objective: Objective,
    coordinates: Array,
    *,
    minima: Sequence[Minimum] = (),
    starts: int = 0,
    evaluations: int = 0,
    sentences: Sequence[str] = (),
) -> Calibration:
    """All that is reported of functions whose coordinates, shape (size,), are known."""
    predictor = objective.predictor
    mean, variance = (one[0] for one in predictor.predict(coordinates[None]))
    away, _ = predictor.excursions(coordinates[None])
    return Calibration(
        family=predictor.family,
        coordinates=tuple(float(one) for one in coordinates),
        rule=objective.rule,
        prior=objective.prior,
        objective=float(objective.value(coordinates[None])[0]),
        misfit=_misfit(objective, mean, variance),
        rmspe=_rmspe(predictor, mean),
        predictions=_predictions(predictor, mean, variance),
        minima=tuple(minima),
        starts=starts,
        evaluations=evaluations,
        excursion=float(away.max(initial=0.0)),
        warnings=tuple(sentences),
    )


def mean_rmspe(rmspe: Mapping[str, Mapping[str, float]]) -> float:
    """Mean over systems and observables of those that are defined; nan if none is."""
    found = [value for row in rmspe.values() for value in row.values() if math.isfinite(value)]
    return math.fsum(found) / len(found) if found else math.nan


def family_from_json(document: Mapping[str, Any]) -> Family:
    """From ``forms``, ``ranges`` and ``states``."""
    return Family(
        {name: form_from_json(form) for name, form in document["forms"].items()},
        {name: (ends[0], ends[1]) for name, ends in document["ranges"].items()},
        {name: (ends[0], ends[1]) for name, ends in document["states"].items()},
    )


def number_or_none(value: float) -> float | None:
    """JSON has no nan."""
    return value if math.isfinite(value) else None


def rmspe_to_json(rmspe: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Percent by system and observable, null where undefined."""
    return {system: {name: number_or_none(one) for name, one in row.items()} for system, row in rmspe.items()}


def rmspe_from_json(document: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    """The inverse of :func:`rmspe_to_json`."""
    return {
        system: {name: math.nan if one is None else one for name, one in row.items()}
        for system, row in document.items()
    }


@dataclass(frozen=True)
class _Way:
    """Starts that were followed to the end, best first."""

    coordinates: Array
    values: Array
    evaluations: int


def _width(prior: float | str | None, rule: Rule) -> float | None:
    if isinstance(prior, str):
        return DEFAULT_PRIOR if rule == "combined_variance" else None
    return prior


def _begin(size: int, starts: int, seed: int, begin: Sequence[Array]) -> Array:
    if starts < 0 or starts + len(begin) < 1:
        raise ProblemError("starts", str(starts), "at least one start")
    for one in begin:
        if np.shape(one) != (size,):
            raise ProblemError("starts", f"coordinates of shape {np.shape(one)}", f"{size} coordinates")
    places = [np.asarray(one)[None] for one in begin]
    if starts:
        powers = max(starts - 1, 0).bit_length()
        places.append(qmc.Sobol(size, scramble=True, rng=seed).random_base2(powers)[:starts])
    return np.clip(np.concatenate(places), 0.0, 1.0)


def _descend_all(objective: Objective, places: Array) -> _Way:
    evaluations = 0
    values: Array = np.zeros(len(places))
    for iterations, part in _ROUNDS:
        _, variances = objective.predictor.predict(places)
        found = descend(objective.frozen(variances), places, iterations)
        evaluations += found.evaluations + 2 * len(places)
        values = objective.value(found.coordinates)
        kept = np.argsort(values)[: max(math.ceil(part * len(places)), min(len(places), 4))]
        places, values = found.coordinates[kept], values[kept]
    return _Way(places, values, evaluations)


def _refined(objective: Objective, way: _Way, finalists: int) -> tuple[Array, tuple[Minimum, ...], int]:
    groups = _groups(objective.predictor, way.coordinates)
    evaluations = way.evaluations
    found = []
    for first, members in groups[: max(finalists, 1)]:
        place, value, steps = refit(objective, way.coordinates[first])
        evaluations += steps
        found.append((value, members, place))
    found.sort(key=lambda one: one[0])
    again = _groups(objective.predictor, np.array([place for _, _, place in found]))
    minima = []
    for first, _ in again:
        near = [
            members
            for index, (_, members, _) in enumerate(found)
            if index == first or _same(objective.predictor, found[index][2], found[first][2])
        ]
        minima.append(Minimum(found[first][0], sum(near)))
    return found[0][2], tuple(minima), evaluations


def _groups(predictor: Predictor, coordinates: Array) -> list[tuple[int, int]]:
    """First member and number of members of each set of coordinates that mean the same functions."""
    groups: list[tuple[int, int]] = []
    for index in range(len(coordinates)):
        for position, (first, members) in enumerate(groups):
            if _same(predictor, coordinates[index], coordinates[first]):
                groups[position] = (first, members + 1)
                break
        else:
            groups.append((index, 1))
    return groups


def _same(predictor: Predictor, first: Array, second: Array) -> bool:
    family = predictor.family
    states = tuple(dict.fromkeys(state for block in predictor.blocks for state in block.reference.states))
    values = family.evaluate(np.stack([first, second]), states).values
    spans = np.array([high - low for low, high in family.ranges.values()])
    return bool(np.all(np.abs(values[0] - values[1]) <= _SAME * spans))


def _misfit(objective: Objective, mean: Array, variance: Array) -> float:
    predictor = objective.predictor
    deviations = mean - predictor.targets
    match objective.rule:
        case "combined_variance":
            squares = deviations**2 / (predictor.target_variances + variance)
        case "relative":
            squares = (deviations / predictor.targets) ** 2
        case "giuntoli2021":
            squares = deviations**2
    weights = np.array([block.reference.weight for block in predictor.blocks])
    means = np.array([squares[block.rows].mean() for block in predictor.blocks])
    total = float(weights @ means)
    return total if objective.rule == "giuntoli2021" else total / float(weights.sum())


def _rmspe(predictor: Predictor, mean: Array) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for block in predictor.blocks:
        target = block.reference.values
        defined = bool((target != 0).all())
        parts = (mean[block.rows] - target) / np.where(target == 0, 1.0, target)
        found.setdefault(block.system, {})[block.observable] = (
            100.0 * math.sqrt(float((parts**2).mean())) if defined else math.nan
        )
    return found


def _predictions(predictor: Predictor, mean: Array, variance: Array) -> tuple[Prediction, ...]:
    deviations = np.sqrt(variance)
    return tuple(
        Prediction(
            block.system,
            block.observable,
            state,
            float(mean[block.rows][index]),
            float(deviations[block.rows][index]),
            float(block.reference.values[index]),
            float(block.reference.stderrs[index]),
        )
        for block in predictor.blocks
        for index, state in enumerate(block.reference.states)
    )
