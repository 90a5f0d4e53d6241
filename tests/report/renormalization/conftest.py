"""A renormalization made of formulas: its documents are written by the code that writes those of real ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from beadsmith.calibrate.functional.calibration import Calibration, Minimum, Prediction
from beadsmith.calibrate.functional.envelopes import Uncertainty, envelopes_of
from beadsmith.calibrate.functional.family import Family
from beadsmith.calibrate.functional.forms import ConstantForm, LinearForm, RadialBasisForm
from beadsmith.calibrate.functional.simplification import Simplification, Step
from beadsmith.campaign.renormalization.learning import Learnt
from beadsmith.campaign.renormalization.stages import validation_document
from beadsmith.campaign.renormalization.surrogates import fit_document
from beadsmith.campaign.renormalization.validating import Comparison
from beadsmith.campaign.renormalization.workbench import digest_of_calibration
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem, load_problem
from beadsmith.problem.records import Evaluation, Observation
from beadsmith.surrogate.diagnostics import Diagnostics
from beadsmith.surrogate.output_transform import Identity

TWIN = Path(__file__).parents[3] / "examples" / "epoxy" / "twin.yaml"
RUNS = 40
#: Digest of what the surrogates learnt.
LEARNT = "learnt"
STATES = {"DC": (0.0, 0.95)}
#: A part of the twin has all that pages show, and is drawn in a tenth of the time.
OBSERVABLES = ("pacm_density", "pacm_cage", "d400_density", "d400_cage")
PARAMETERS = ("pair.B1.epsilon", "pair.B3.epsilon", "pair.B1.sigma", "pair.B6.sigma")
DEGREES = (0.0, 0.25, 0.5, 0.75, 0.95)


def system_of(observable: str) -> str:
    return observable.partition("_")[0]


def parameters_of(system: str) -> list[str]:
    return [name for name in PARAMETERS if not (system == "pacm" and "B6" in name)]


def made_diagnostics(problem: Problem, observable: str, scatter: float = 0.05) -> Diagnostics:
    """Predictions that scatter about the values, and are as sure as they ought to be."""
    rng = np.random.default_rng(sum(map(ord, observable)))
    targets = np.array([one.value for one in problem.targets if one.observable == observable])
    values = rng.uniform(targets.min(), targets.max(), RUNS)
    deviation = scatter * np.ptp(values)
    predicted = values + deviation * rng.standard_normal(RUNS)
    reach = ndtri(0.975) * deviation
    residuals = (values - predicted) / deviation
    q2 = 1.0 - float(((values - predicted) ** 2).mean() / values.var())
    poor = q2 < 0.72
    return Diagnostics(
        system=system_of(observable),
        observable=observable,
        values=values,
        stderrs=np.full(RUNS, np.nan),
        predicted=predicted,
        intervals=np.array([predicted - reach, predicted + reach]),
        residuals=residuals,
        q2=q2,
        q2_beyond_noise=q2,
        q2_interval=(q2 - 0.02, q2 + 0.02),
        claimed_share=0.0,
        refuted=False,
        coverage68=float((abs(residuals) < 1.0).mean()),
        coverage95=float((abs(residuals) < ndtri(0.975)).mean()),
        learning=None,
        judged=True,
        warnings=("it predicts less than 70% of the variance that is no noise",) if poor else (),
    )


def made_fit(problem: Problem, scatters: Mapping[str, float] | None = None) -> dict[str, Any]:
    """``fit.json``; scatters by observable make surrogates poor."""
    emulators: dict[str, dict[str, Any]] = {}
    for name in problem.observables:
        emulators.setdefault(system_of(name), {})[name] = SimpleNamespace(axes=(), transform=Identity())
    diagnostics = {
        name: made_diagnostics(problem, name, (scatters or {}).get(name, 0.05)) for name in problem.observables
    }
    return fit_document(Learnt(emulators, {}, {"gone": "gone is the same in all runs"}), diagnostics)


def made_sensitivity(problem: Problem) -> dict[str, Any]:
    """``sensitivity.json``: shares that fall from one name to the next."""

    def shares(names: list[str]) -> dict[str, Any]:
        values = 0.6 * 0.7 ** np.arange(len(names))
        main = [{"value": one, "low": one - 0.02, "high": one + 0.03} for one in values.tolist()]
        total = [{key: value + 0.05 for key, value in one.items()} for one in main]
        return {"names": names, "main": main, "total": total, "deviation": 1.0}

    found: dict[str, Any] = {}
    for name in problem.observables:
        parameters = parameters_of(system_of(name))
        beads = list(dict.fromkeys(name.split(".")[1] for name in parameters))
        found.setdefault(system_of(name), {})[name] = {
            "parameters": shares([*parameters, "DC"]),
            "beads": shares([*beads, "DC"]),
            "kinds": shares(["epsilon", "sigma", "DC"]),
        }
    return {"sensitivity": found, "held": {}, "refused": {"gone": "its surrogate is poor"}}


def made_family(problem: Problem, simple: int = 0) -> Family:
    """Radial basis functions; the first so many parameters are constants, and one is a line."""
    forms: dict[str, Any] = {}
    for place, name in enumerate(PARAMETERS):
        line = LinearForm("DC", 0.0, 0.95) if place == simple and simple else RadialBasisForm("DC", (0.0, 0.5, 1.0))
        forms[name] = ConstantForm() if place < simple else line
    ranges = {one.name: (one.low, one.high) for one in problem.parameters.free if one.name in PARAMETERS}
    return Family(forms, ranges, STATES)


def made_calibration(problem: Problem, simple: int = 0, away: float = 0.02, seed: int = 0) -> Calibration:
    """Predictions that are a certain part too high; coordinates about the middle."""
    family = made_family(problem, simple)
    rng = np.random.default_rng(seed)
    predictions = tuple(
        Prediction(
            system_of(one.observable),
            one.observable,
            one.state,
            one.value * (1.0 + away),
            0.01 * one.value,
            one.value,
            one.stderr,
        )
        for one in problem.targets
    )
    rmspe: dict[str, dict[str, float]] = {}
    for place, name in enumerate(problem.observables):
        rmspe.setdefault(system_of(name), {})[name] = 100.0 * away + 0.11 * place
    return Calibration(
        family=family,
        coordinates=tuple(rng.uniform(0.35, 0.65, family.size).tolist()),
        rule="combined_variance",
        prior=1.0,
        objective=120.0 * (1.0 + 10.0 * away),
        misfit=0.7,
        rmspe=rmspe,
        predictions=predictions,
        minima=(Minimum(120.0, 5),),
        starts=64,
        evaluations=1000,
        excursion=0.0,
        warnings=(),
    )


def made_uncertainty(calibration: Calibration, method: str, width: float) -> Uncertainty:
    """Normal about the calibrated coordinates."""
    rng = np.random.default_rng(7)
    draws = np.clip(
        np.asarray(calibration.coordinates) + width * rng.standard_normal((60, calibration.family.size)), 0, 1
    )
    weights = np.full(60, 1.0 / 60.0)
    envelopes = envelopes_of(calibration.family, draws, weights)
    return Uncertainty(method, calibration.family, envelopes, draws, weights, {}, (f"{method} has run.",))


def made_simplification(problem: Problem) -> dict[str, Any]:
    """``simplification.json``: errors rise slowly, then quickly."""
    steps = [Step(None, None, made_calibration(problem), 300.0)]
    for simple, name in enumerate(PARAMETERS, start=1):
        away = 0.02 + 0.0005 * simple + (0.04 if simple > 3 else 0.0)
        score = 300.0 - 10.0 * simple + (400.0 if simple > 3 else 0.0)
        steps.append(Step(name, "constant", made_calibration(problem, simple, away), score))
    path = Simplification("bic", tuple(steps), best=3, knee=2)
    published = made_calibration(problem, 1, 0.025)
    return {
        "about": digest_of_calibration(steps[0].calibration),
        "published": published.to_json(),
        "path": path.to_json(),
        "calibration": steps[path.best].calibration.to_json(),
    }


def made_runs(problem: Problem, away: float = 0.01, number: int = 1) -> list[Evaluation]:
    """Simulations that are a certain part too high."""
    by_place: dict[tuple[str, float], list[Observation]] = {}
    for one in problem.targets:
        observation = Observation(one.observable, one.state, one.value * (1.0 + away), one.stderr)
        by_place.setdefault((system_of(one.observable), one.state["DC"]), []).append(observation)
    return [
        Evaluation(place, {"DC": degree}, number, tuple(observations), core_seconds=30.0, label=system)
        for place, ((system, degree), observations) in enumerate(by_place.items())
    ]


def made_validation(
    problem: Problem, number: int = 1, apart: int = 0, missed: int = 0, of: Calibration | None = None
) -> dict[str, Any]:
    """``validation-N.json``; so many of its simulations are far from their prediction, or their target.

    Args:
        of: the calibration whose model was simulated; that of :func:`made_calibration` if None.
    """
    comparisons = [
        Comparison(
            system_of(one.observable),
            one.observable,
            one.state,
            one.value * (3.0 if place < apart else 1.02),
            0.05 * one.value,
            one.value + 0.5 * one.stderr,
            one.stderr,
            0.0,
            one.value * (3.0 if place < missed else 1.0),
            one.stderr,
        )
        for place, one in enumerate(problem.targets)
    ]
    about = digest_of_calibration(made_calibration(problem) if of is None else of)
    return {"about": about, **validation_document(number, made_runs(problem, number=number), comparisons)}


@dataclass(frozen=True)
class Maker:
    """Writes a study, or parts of it, as a renormalization leaves it."""

    problem: Problem

    def documents(self) -> dict[str, dict[str, Any]]:
        """All of them, by name."""
        found = made_calibration(self.problem)
        posterior, published = made_uncertainty(found, "posterior", 0.05), made_uncertainty(found, "giuntoli2021", 0.2)
        simplification = made_simplification(self.problem)
        simplified = Calibration.from_json(simplification["calibration"])
        return {
            "fit": {"about": LEARNT, **made_fit(self.problem)},
            "sensitivity": {"about": LEARNT, **made_sensitivity(self.problem)},
            "calibration": {"about": LEARNT, **found.to_json()},
            "uncertainty": {
                "about": digest_of_calibration(found),
                "posterior": posterior.to_json(),
                "published": published.to_json(),
                "comparison": [],
                "sentences": ["The two agree."],
            },
            "simplification": simplification,
            "simplified-uncertainty": {
                "about": digest_of_calibration(simplified),
                **made_uncertainty(simplified, "posterior", 0.01).to_json(),
            },
            "validation-1": made_validation(self.problem),
        }

    def study(self, folder: Path, documents: Mapping[str, Mapping[str, Any]]) -> Study:
        """A folder with documents, and the runs of each validation."""
        folder.mkdir(parents=True)
        study = Study(folder)
        for name, document in documents.items():
            write_json(folder / f"{name}.json", {"digest": "0", **document})
            if name.startswith("validation-"):
                for run in made_runs(self.problem):
                    study.append(name, run)
        return study

    fit = staticmethod(made_fit)
    calibration = staticmethod(made_calibration)
    validation = staticmethod(made_validation)


@pytest.fixture(scope="session")
def twin() -> Problem:
    whole = load_problem(TWIN)
    observables = {name: one for name, one in whole.observables.items() if name in OBSERVABLES}
    targets = tuple(
        one
        for one in whole.targets
        if one.observable in OBSERVABLES and any(math.isclose(one.state["DC"], degree) for degree in DEGREES)
    )
    return replace(whole, file=whole.file.model_copy(update={"observables": observables}), targets=targets)


@pytest.fixture(scope="session")
def maker(twin: Problem) -> Maker:
    return Maker(twin)


@pytest.fixture(scope="session")
def documents(maker: Maker) -> dict[str, dict[str, Any]]:
    return maker.documents()


@pytest.fixture(scope="session")
def renormalized(maker: Maker, documents: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with all documents."""
    return maker.study(tmp_path_factory.mktemp("renormalized") / "twin", documents)


@pytest.fixture
def part(maker: Maker, documents: dict[str, Any], tmp_path: Path) -> Callable[..., Study]:
    """A study with some documents; more of them, or others, as further arguments."""

    def make(*names: str, **changed: Mapping[str, Any]) -> Study:
        own = {name: documents[name] for name in names} | {name.replace("_", "-"): one for name, one in changed.items()}
        return maker.study(tmp_path / "study", own)

    return make
