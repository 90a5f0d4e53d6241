"""Run a design: every point of every system once, resumable, in any order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from beadsmith.campaign.chains import cures_of
from beadsmith.campaign.curing import model_of_cure
from beadsmith.campaign.driver import as_they_end, first_difference, seed_of
from beadsmith.campaign.evaluate import PendingEvaluation, submit
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.renormalization.systems import System, problem_of_cures, run_problem, scalars_of
from beadsmith.campaign.renormalization.table import Row
from beadsmith.campaign.study import Manifest, Study
from beadsmith.design import DesignPoint, design_points
from beadsmith.errors import StudyError
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation
from beadsmith.surrogate.axes import places_of

#: Table of a study that holds its design; the label of a row is its system, its number that of the point.
TABLE = "design"

#: What a study of a design has instead of a search.
METHOD = "design"

#: Seeds of a design are the seventh kind that derives from a study's (see ``seed_of``).
_SEEDS = 7

#: Evaluations open at once, for each worker: while one waits for its last simulation, others go on.
_OPEN_PER_WORKER = 2


@dataclass(frozen=True)
class DesignStep:
    """Progress: one more point is known.

    Attributes:
        system: its system.
        evaluation: what was measured; None where a table that was brought along says it.
        done, total: of all systems together.
        known: whether it came from disk.
    """

    system: str
    evaluation: Evaluation | None
    done: int
    total: int
    known: bool


def design_manifest(problem: Problem, seed: int, engine: str) -> Manifest:
    """What makes a design what it is: not its targets, which may be changed later."""
    return Manifest(
        title=problem.file.title,
        problem=_digest(problem),
        problem_file=problem.path.name,
        fidelity=problem.fidelity,
        method=METHOD,
        seed=seed,
        in_flight=0,
        engine=engine,
        problem_folder=str(problem.path.absolute().parent),
    )


def check_design(problem: Problem, study: Study) -> None:
    """See that what was designed in a study, if anything was, is what a problem would design.

    The seed may be another one, and LAMMPS may be: they do not matter to those who learn from the design.

    Raises:
        StudyError: it is not.
    """
    stored = study.manifest()
    if stored is None or stored.method != METHOD:
        return
    if what := stored.difference_to(design_manifest(problem, stored.seed, stored.engine)):
        raise StudyError(
            f"{study.folder}: holds a design with {what}; undo what has changed about what is simulated "
            f"(all but targets and calibration), or name another folder with --study and run 'beadsmith design' there"
        )


def points_of(system: System, seed: int, number: int) -> tuple[DesignPoint, ...]:
    """Points of the design of a system.

    Args:
        number: of the system, 0 first.
    """
    return design_points(system.parameters, system.states, seed_of(seed, _SEEDS, number), system.points)


def brought_points(
    problem: Problem, system: System, points: Sequence[DesignPoint], rows: Sequence[Row]
) -> frozenset[int]:
    """Numbers of the points of a design that a user's tables hold, up to the rounding of tables.

    An observable that they measure nowhere has to be simulated, so then none counts.

    Args:
        rows: of the tables, of all systems.
    """
    own = [row for row in rows if row.system == system.name]
    measured = {name for row in own for name in row.values}
    if not own or not points or not measured.issuperset(scalars_of(problem, system)):
        return frozenset()
    axes = [(one.name, one.high - one.low) for one in system.parameters]
    axes += [(one.name, one.high - one.low) for one in system.states]
    inputs = [{**point.parameters, **point.state.as_dict()} for point in points] + [row.inputs for row in own]
    # A state variable of one value has no width, and is the same everywhere.
    unit = np.array([[one[name] / (width or 1.0) for name, width in axes] for one in inputs])
    places = places_of(unit).tolist()
    known = set(places[len(points) :])
    return frozenset(point.number for point, place in zip(points, places, strict=False) if place in known)


def run_design(
    laboratory: Laboratory,
    study: Study,
    systems: Sequence[System],
    seed: int,
    workers: int,
    brought: Sequence[Row] = (),
) -> Iterator[DesignStep]:
    """Measure all points of a design that are not known yet; yields every one once, as they end.

    Args:
        workers: how many simulations run at once.
        brought: rows of a user's tables; points that are there are not simulated.

    Raises:
        StudyError: stored points are not those of this design.
    """
    recorded = {(row.label, row.number): row for row in study.rows(TABLE)}
    total, done = sum(system.points for system in systems), 0
    wanted: list[tuple[System, DesignPoint, int]] = []
    for number, system in enumerate(systems):
        points = points_of(system, seed, number)
        elsewhere = brought_points(laboratory.problem, system, points, brought)
        for point in points:
            known = recorded.get((system.name, point.number))
            if known is not None:
                _check_same(known, point)
            elif point.number not in elsewhere:
                wanted.append((system, point, seed_of(seed, _SEEDS, number, point.number)))
                continue
            done += 1
            yield DesignStep(system.name, known, done, total, known=True)
    if wanted:
        _cure(laboratory, systems)
    submissions = (_submitted(laboratory, *one) for one in wanted)
    for evaluation in as_they_end(submissions, _OPEN_PER_WORKER * workers):
        study.append(TABLE, evaluation)
        done += 1
        yield DesignStep(evaluation.label, evaluation, done, total, known=False)


def _submitted(
    laboratory: Laboratory, system: System, point: DesignPoint, seed: int
) -> tuple[Laboratory, PendingEvaluation]:
    problem = laboratory.problem
    own = replace(laboratory, problem=run_problem(problem, system.name, point.state), judge=False)
    # What the system does not depend on must have some value, and always the same.
    values = {**problem.parameters.middle, **point.parameters}
    model = constant_model(f"{system.name}, point {point.number}", problem.parameters, values)
    recorded = {**point.parameters, **point.state.as_dict()}
    return own, submit(own, model, point.number, seed, recorded, system.name)


def _cure(laboratory: Laboratory, systems: Sequence[System]) -> None:
    """Networks that all models share, to the highest degree, before anything waits for them."""
    for system in systems:
        cured = problem_of_cures(laboratory.problem, system)
        if cured is None or (model := model_of_cure(cured, system.name)) is None:
            continue
        own = replace(laboratory, problem=cured, judge=False)
        for cure in cures_of(own, model, system.name, seed=0):
            _ = cure.settled  # failures show up again, in the runs


def _check_same(known: Evaluation, point: DesignPoint) -> None:
    wanted = {**point.parameters, **point.state.as_dict()}
    if (name := first_difference(known.point, wanted)) is not None:
        raise StudyError(
            f"{known.label}, point {known.number} of the design: the stored one has {name} = {known.point.get(name)}, "
            f"the sequence now gives {wanted[name]:g}; the study was made with other ranges or another seed: "
            "name another --study"
        )


def _digest(problem: Problem) -> str:
    sections = {"beads", "molecules", "forcefield", "reactions", "parameters", "experiments", "observables"}
    essence = problem.file.model_dump(mode="json", include=sections)
    essence["states"] = {} if problem.file.design is None else dict(problem.file.design.states)
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()[:16]
