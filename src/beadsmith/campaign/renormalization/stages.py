"""The stages of a renormalization, one after the other: what each finds is a document of plain types in the study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from beadsmith.calibrate.functional.baselines import Baselines
from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.calibrate.functional.envelopes import Uncertainty, compare_widths
from beadsmith.calibrate.functional.posterior import posterior_uncertainty, randomised_uncertainty
from beadsmith.calibrate.functional.published import ENOUGH, published_uncertainty
from beadsmith.calibrate.functional.simplification import (
    CRITERIA,
    Simplification,
    check_numbers,
    published_simplification,
    simplify,
)
from beadsmith.calibrate.functional.systems import System as CalibratedSystem
from beadsmith.calibrate.functional.systems import reference_from_surrogate
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.renormalization.dataset import refinement_table, validation_table, validation_tables
from beadsmith.campaign.renormalization.functions import Fit, fitted, fitted_baselines, model_of
from beadsmith.campaign.renormalization.learning import (
    Learnt,
    calibrated_systems,
    check_held,
    is_held_out,
    reference_emulators,
    states_to_validate,
)
from beadsmith.campaign.renormalization.refining import wished_runs
from beadsmith.campaign.renormalization.surrogates import fit_document, judge
from beadsmith.campaign.renormalization.validating import (
    Comparison,
    compare,
    runs_of_model,
    simulate_runs,
    simulated_rmspe,
)
from beadsmith.campaign.renormalization.workbench import (
    Workbench,
    digest_of_calibration,
    document_path,
    note_newest,
    read_stage,
    targets_of,
)
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Study
from beadsmith.errors import EstimateError, ProblemError, StudyError
from beadsmith.problem.document import write_document
from beadsmith.problem.model import Model, document_from_model
from beadsmith.problem.problem import load_model
from beadsmith.problem.records import Evaluation
from beadsmith.problem.schema import Mean
from beadsmith.sensitivity.groups import by_bead, by_kind
from beadsmith.sensitivity.of_emulator import emulator_indices
from beadsmith.sensitivity.sobol import Shares, SobolIndices
from beadsmith.surrogate.diagnostics import Diagnostics
from beadsmith.surrogate.emulator import Emulator

#: Samples of the published likelihood.
SAMPLES = 4096

#: Model files of a study, that with the fewest numbers first.
MODELS = ("simplified", "calibrated")


def judged_surrogates(bench: Workbench) -> dict[str, Any]:
    """``fit.json``: the surrogates and how good each of them is."""
    learnt, digest = bench.learnt()
    return bench.remembered("fit", digest, lambda: fit_document(learnt, _judged(bench, learnt)), digest)


def sensitivities(bench: Workbench, held: Mapping[str, float], *, force: bool) -> dict[str, Any]:
    """``sensitivity.json``: what the variance of each observable comes from, parameter by parameter and in groups.

    Observables with poor surrogates are left out, with the reason.

    Args:
        held: state variables that do not vary.
        force: use poor surrogates, too.

    Raises:
        EstimateError: no surrogate is good enough.
        ProblemError: a state variable that nothing was simulated at, or with which nothing varies.
    """
    learnt, digest = bench.learnt()
    check_held(learnt, held)
    document = bench.remembered(
        "sensitivity",
        [digest, dict(held), force],
        lambda: _sensitivities(bench, learnt, held, force=force),
        digest,
    )
    if not document["sensitivity"]:
        raise EstimateError(next(iter(document["refused"].values()), "there are no surrogates"))
    return document


def calibration(bench: Workbench, fit: Fit) -> tuple[dict[str, Any], Calibration]:
    """``calibration.json``: functions fitted to the targets."""
    digest, systems = systems_with_targets(bench)
    own = bench.problem.file.calibration
    essence = [digest, targets_of(bench.problem), asdict(fit), own.over, own.centres, own.extrapolation, own.held_out]
    document = bench.remembered("calibration", essence, lambda: fitted(bench.problem, systems, fit).to_json(), digest)
    found = Calibration.from_json(document)
    note_newest(bench.study, bench.rounds or 0, digest_of_calibration(found))
    return document, found


def baselines(bench: Workbench, fit: Fit) -> Baselines:
    """``baselines.json``: what functions of other forms, and each observable alone, come to.

    Args:
        fit: of the functions that they are compared with.
    """
    digest, systems = systems_with_targets(bench)
    own = bench.problem.file.calibration
    essence = [digest, targets_of(bench.problem), asdict(fit), own.over, own.centres, own.extrapolation, own.held_out]

    def find() -> dict[str, Any]:
        shown = partial(bench.progress, "baselines")
        return fitted_baselines(bench.problem, systems, fit, shown).to_json()

    return Baselines.from_json(bench.remembered("baselines", essence, find, digest))


def uncertainty(
    bench: Workbench, fit: Fit, found: Calibration, *, sampler: str, samples: int
) -> tuple[dict[str, Any], Uncertainty]:
    """``uncertainty.json``: envelopes of all functions, by the posterior and by the published likelihood.

    Args:
        fit: how the functions were fitted.
        found: those functions.
        sampler: of the posterior, see ``calibration.posterior`` of the problem file.
        samples: of the published way.

    Returns: the document, and the way of the two that simplification relies on: the posterior where there is one.
    """
    digest, systems = systems_with_targets(bench)
    essence = [digest, targets_of(bench.problem), asdict(fit), sampler, samples]

    def find() -> dict[str, Any]:
        if found.rule != "combined_variance":
            published = _published(bench, found, systems, samples)
            return {
                "posterior": None,
                "published": published.to_json(),
                "comparison": [],
                "sentences": list(published.sentences),
            }
        posterior = _posterior(bench, found, systems, sampler)
        try:
            published = _published(bench, found, systems, samples)
        except ProblemError as error:
            sentence = f"There is no published likelihood: {error}."
            return {"posterior": posterior.to_json(), "published": None, "comparison": [], "sentences": [sentence]}
        rows, sentences = compare_widths(published, posterior)
        return {
            "posterior": posterior.to_json(),
            "published": published.to_json(),
            "comparison": [row.to_json() for row in rows],
            "sentences": list(sentences),
        }

    document = bench.remembered("uncertainty", essence, find, digest_of_calibration(found))
    return document, Uncertainty.from_json(document["posterior"] or document["published"])


def uncertainty_of_simplified(bench: Workbench, found: Calibration, *, sampler: str, samples: int) -> Uncertainty:
    """``simplified-uncertainty.json``: how far the functions with fewer numbers are known.

    By the posterior; by the published likelihood where the misfit is no likelihood.

    Args:
        found: those functions.
        sampler, samples: see :func:`uncertainty`.
    """
    digest, systems = systems_with_targets(bench)

    def find() -> dict[str, Any]:
        if found.rule != "combined_variance":
            return _published(bench, found, systems, samples).to_json()
        return _posterior(bench, found, systems, sampler).to_json()

    essence = [digest, targets_of(bench.problem), sampler, samples, bench.seed]
    about = digest_of_calibration(found)
    return Uncertainty.from_json(bench.remembered("simplified-uncertainty", essence, find, about))


def _posterior(bench: Workbench, found: Calibration, systems: Sequence[CalibratedSystem], sampler: str) -> Uncertainty:
    bench.progress("posterior", 0, 1)
    sample = posterior_uncertainty if sampler == "nuts" else randomised_uncertainty
    posterior = sample(found, systems, seed=bench.seed)
    bench.progress("posterior", 1, 1)
    return posterior


def _published(bench: Workbench, found: Calibration, systems: Sequence[CalibratedSystem], samples: int) -> Uncertainty:
    """As published: references are Gaussian processes over the state, and systems that show the same are added up."""
    bench.progress("published likelihood", 0, 1)
    smooth = reference_emulators(systems, bench.seed)
    restated = [_as_published(bench, system, smooth) for system in systems]
    alike = len({tuple(sorted(system.surrogates)) for system in restated}) == 1
    published = published_uncertainty(
        found, restated, samples=samples, seed=bench.seed, systems_as="sum" if alike else "product"
    )
    bench.progress("published likelihood", 1, 1)
    return published


def _as_published(bench: Workbench, system: CalibratedSystem, smooth: Mapping[str, Emulator]) -> CalibratedSystem:
    """Observables under the names of what they are, such as density, which systems have in common."""
    references, surrogates = [], {}
    for one in system.references:
        declared = bench.problem.observables[one.observable]
        name = declared.column if isinstance(declared, Mean) else declared.kind
        name = one.observable if name in surrogates else name
        surrogates[name] = system.surrogates[one.observable]
        if (smoothed := smooth.get(one.observable)) is None:
            references.append(replace(one, observable=name))
        else:
            source = f"Gaussian process of {one.source}"
            references.append(reference_from_surrogate(name, smoothed, one.states, weight=one.weight, source=source))
    return CalibratedSystem(system.name, surrogates, tuple(references))


def validation(bench: Workbench, model: Model, number: int) -> dict[str, Any]:
    """``validation-N.json``: real runs of a model beside what surrogates that did not know them predict.

    Args:
        model: to be simulated.
        number: of the round, 1 first; runs of the rounds before are known to the surrogates.
    """
    learnt, _ = replace(bench, rounds=number - 1).learnt()
    states = states_to_validate(bench.problem, learnt)
    total = sum(len(own) for own in states.values())
    runs: list[Evaluation] = []
    with open_laboratory(bench.problem, bench.study, judge=False) as laboratory:
        planned = runs_of_model(bench.systems, model, states)
        for run in simulate_runs(laboratory, bench.study, validation_table(number), planned, bench.seed):
            runs.append(run)
            bench.progress(f"validate {number}", len(runs), total)
    comparisons = compare(learnt, bench.systems, runs, bench.problem.targets)
    held_out = [one for one in comparisons if is_held_out(bench.problem, one.state)]
    document = {
        "model": model.title,
        "about": model.provenance.get("calibration"),
        **validation_document(number, runs, comparisons),
    }
    document["rmspe_held_out"] = simulated_rmspe(held_out)
    write_json(document_path(bench.study, f"validation-{number}"), document)
    return document


def refinement(bench: Workbench, known: Uncertainty, number: int) -> int:
    """Simulate models that the calibration does not rule out, where surrogates know least; how many runs that took.

    Args:
        known: draws of the functions.
        number: of the round of validation before, 1 first.
    """
    wanted = bench.problem.file.calibration.refine
    if not wanted:
        return 0
    # Its own runs do not count: they would change what is wished for while it is simulated, and when it is asked again.
    learnt, _ = replace(bench, rounds=number).learnt(refinements=number - 1)
    wishes = wished_runs(bench, learnt, calibrated_systems(bench.problem, learnt), known, wanted)
    with open_laboratory(bench.problem, bench.study, judge=False) as laboratory:
        runs = simulate_runs(laboratory, bench.study, refinement_table(number), wishes, bench.seed)
        for done, _ in enumerate(runs, start=1):
            bench.progress(f"refine {number}", done, len(wishes))
    return len(wishes)


def last_round(study: Study) -> int:
    """Number of the last round of validation that has runs; 0 if none has."""
    return max((int(table.rpartition("-")[2]) for table in validation_tables(study)), default=0)


def next_round(study: Study) -> int:
    """Number of the round of validation to run: one that was interrupted, or a new one."""
    number = len(validation_tables(study))
    return number if number and read_stage(study, f"validation-{number}") is None else number + 1


def newest_model(bench: Workbench) -> Path:
    """The model file that was written last; the simplified one of two that were written at the same time.

    Raises:
        StudyError: there is none.
    """
    written = [path for name in MODELS if (path := bench.study.folder / f"{name}.yaml").is_file()]
    if not written:
        raise StudyError(
            f"{bench.study.folder}: holds no calibrated model; run 'beadsmith calibrate' first, or name --model"
        )
    return max(written, key=lambda path: path.stat().st_mtime_ns)


def validation_document(number: int, runs: Sequence[Evaluation], comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What a round of validation says.

    It is passed when no more simulations lie outside the 95 % interval of their prediction than chance explains (in 95
    of 100 cases, were they independent).  Whether they lie at their targets is another question: a prediction may be
    right about a model that is not good enough.
    """
    count, apart = len(comparisons), sum(not one.agrees for one in comparisons)
    chance = _explained_by_chance(count)
    distances = [one.from_target for one in comparisons if one.from_target is not None]
    missed = sum(one.misses for one in comparisons)
    return {
        "round": number,
        "runs": len(runs),
        "failures": [failure.to_json() for run in runs for failure in run.failures],
        "comparisons": [one.to_json() for one in comparisons],
        "disagreements": apart,
        "explained_by_chance": chance,
        "passed": count > 0 and apart <= chance,
        "targets": len(distances),
        "missed": missed,
        "targets_met": missed <= _explained_by_chance(len(distances)),
        "misfit": float(np.mean(np.square(distances))) if distances else None,
        "rmspe": simulated_rmspe(comparisons),
        "core_seconds": sum(run.core_seconds for run in runs),
    }


def _explained_by_chance(count: int) -> int:
    """So many of a number of values lie outside their 95 % intervals in 95 of 100 cases, or fewer."""
    return int(binom.ppf(0.95, count, 0.05)) if count else 0


def simplification(
    bench: Workbench, found: Calibration, known: Uncertainty, wanted: str | int
) -> tuple[dict[str, Any], Calibration]:
    """``simplification.json``: functions with fewer numbers, by the published rule and along a path.

    The model that is handed on is the step of the path that was asked for; by the published rule, where the misfit is
    no likelihood and has no score; and as it was, with a warning, where its envelopes come from too few samples, too.
    Another step of the same path is had without walking it again.

    Args:
        found: to be simplified.
        known: envelopes of its functions.
        wanted: see ``calibration.simplify`` of the problem file.

    Raises:
        ProblemError: a number of numbers that the path does not come to.
    """
    if isinstance(wanted, int):
        check_numbers(found, wanted)
    criterion: Any = wanted if wanted in CRITERIA else CRITERIA[0]
    digest, systems = systems_with_targets(bench)
    worth = known.diagnostics.get("effective_samples", math.inf)
    method = known.method if worth >= ENOUGH else "none"
    essence = [digest, targets_of(bench.problem), method, criterion]

    def find() -> dict[str, Any]:
        bench.progress("published rule", 0, 1)
        published = published_simplification(found, known, systems, seed=bench.seed) if worth >= ENOUGH else None
        bench.progress("published rule", 1, 1)
        document = {"published": None if published is None else published.to_json(), "path": None}
        if found.rule != "combined_variance":
            return {**document, "calibration": (published or _as_it_was(found, worth)).to_json()}
        path = simplify(found, systems, criterion=criterion, progress=partial(bench.progress, "simplify"))
        return {**document, "path": path.to_json()}

    document = bench.remembered("simplification", essence, find, digest_of_calibration(found))
    if document["path"] is not None and document.get("wanted") != wanted:
        place = Simplification.from_json(document["path"]).chosen(wanted)
        chosen = document["path"]["steps"][place]["calibration"]
        document = {**document, "wanted": wanted, "chosen": place, "calibration": chosen}
        write_json(document_path(bench.study, "simplification", bench.rounds), document)
    return document, Calibration.from_json(document["calibration"])


def _as_it_was(found: Calibration, worth: float) -> Calibration:
    sentence = (
        f"nothing was simplified: the samples of the published likelihood are worth {worth:.3g} independent ones, "
        f"expected {ENOUGH:g} or more for envelopes to simplify by; calibrate with the misfit combined_variance"
    )
    return replace(found, warnings=(*found.warnings, sentence))


def write_model(bench: Workbench, name: str, title: str, found: Calibration, known: Uncertainty | None) -> Model:
    """Write a calibrated model file into the study; the model as the file says it, with its digits.

    Args:
        name: of the file.
        title: of the model.
        known: how far its functions are known, if that is known; the file has the mean standard deviation of each
            over the states.
    """
    provenance = {
        "study": str(bench.study.folder),
        "calibration": digest_of_calibration(found),
        "misfit": f"{found.rule} {found.misfit:.4g}",
        "mean_rmspe_percent": round(found.mean_rmspe, 3),
        "free_parameters": found.free_parameters,
        "seed": bench.seed,
    }
    envelopes = {} if known is None else known.envelopes
    widths = {name: envelope.width for name, envelope in envelopes.items()}
    model = model_of(bench.problem, title, found.functions, found.family.states, widths, provenance)
    path = bench.study.folder / f"{name}.yaml"
    write_document(path, document_from_model(model, bench.problem.parameters))
    # So that a run of the file, and one in the closed loop, are the same run.
    return load_model(path, bench.problem)


def systems_with_targets(bench: Workbench) -> tuple[str, tuple[CalibratedSystem, ...]]:
    """A digest of what is known, and the systems to be calibrated."""
    learnt, digest = bench.learnt()
    return digest, calibrated_systems(bench.problem, learnt)


def _judged(bench: Workbench, learnt: Learnt) -> dict[str, Diagnostics]:
    names = [name for emulators in learnt.emulators.values() for name in emulators]
    return judge(learnt, lambda name: bench.progress("judge", names.index(name) + 1, len(names)))


def _sensitivities(bench: Workbench, learnt: Learnt, held: Mapping[str, float], *, force: bool) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}
    names = [(system, name) for system, emulators in learnt.emulators.items() for name in emulators]
    judged = _judged(bench, learnt)
    for done, (system, name) in enumerate(names, start=1):
        emulator = learnt.emulators[system][name]
        axes = [axis.name for axis in emulator.axes]
        own = {variable: value for variable, value in held.items() if variable in axes}
        free = [axis for axis in axes if axis not in own]
        ways: dict[str, Mapping[str, list[str]]] = {"parameters": {}, "beads": by_bead(free), "kinds": by_kind(free)}
        try:
            found.setdefault(system, {})[name] = {
                way: _indices(
                    emulator_indices(
                        emulator, diagnostics=judged[name], groups=groups, held=own, seed=bench.seed, force=force
                    )
                )
                for way, groups in ways.items()
            }
        except EstimateError as error:
            refused[name] = str(error)
        bench.progress("sensitivity", done, len(names))
    return {
        "sensitivity": {system: entries for system, entries in found.items() if entries},
        "held": dict(held),
        "refused": refused,
    }


def _indices(found: SobolIndices) -> dict[str, Any]:
    return {
        "names": list(found.names),
        "main": _shares(found.main),
        "total": _shares(found.total),
        "deviation": found.deviation,
    }


def _shares(shares: Shares) -> list[dict[str, float]]:
    rows = np.column_stack([shares.estimates, shares.lows, shares.highs]).tolist()
    return [{"value": value, "low": low, "high": high} for value, low, high in rows]
