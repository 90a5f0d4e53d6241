"""The page of a renormalization: from the surrogates to functions of the state, and what simulations say of these."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beadsmith.calibrate.functional.calibration import Calibration
from beadsmith.campaign.renormalization.history import Command
from beadsmith.campaign.study import Study
from beadsmith.problem.functions import RadialBasis
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Failure
from beadsmith.report.findings import Subject
from beadsmith.report.formatting import core_time, count
from beadsmith.report.html import filled, write_page
from beadsmith.report.labels import observable_label, variable_unit
from beadsmith.report.provenance import made_with, sources_of_targets
from beadsmith.report.references import Citation, gathered, keys_of_problem
from beadsmith.report.renormalization_summary import remarks_of, summary_of, tiles_of, warnings_of
from beadsmith.report.renormalization_tables import error_table, round_rows, surrogate_rows
from beadsmith.report.stages import Document, Stages, read_stages

if TYPE_CHECKING:
    from beadsmith.report.figures.style import Picture

#: The page in a study's folder.
PAGE = "renormalization.html"


@dataclass(frozen=True)
class Pictures:
    """Figures of the page; None, or empty, where there is nothing to draw."""

    parity: Picture | None
    sensitivities: tuple[Picture, ...]
    functions: Picture | None
    properties: Picture | None
    path: Picture | None
    curves: tuple[Picture, ...]


def write_renormalization_report(problem: Problem, study: Study, path: Path | None = None) -> Path:
    """Write the page of a renormalization as one HTML file.

    Reads what the stages stored, ``fit.json`` and so on, those of the last round of the closed loop; what is missing
    has no section.  Nothing is computed anew, and nothing in the study is changed but the page itself.

    Args:
        problem: what was renormalized, at the fidelity of the study.
        study: with all stages, some, or none.
        path: where to write; ``renormalization.html`` in the study if None.

    Returns: where it was written.

    Raises:
        StudyError: a document that cannot be read, or a page that cannot be written.
    """
    target = study.folder / PAGE if path is None else path
    write_page(target, filled("renormalization.html", context_of(problem, read_stages(study))))
    return target


def context_of(problem: Problem, stages: Stages) -> dict[str, Any]:
    """What the template needs, by name."""
    return {
        "title": problem.file.title,
        "fidelity": problem.fidelity,
        "stages": stages,
        "sentences": list(summary_of(stages)),
        "tiles": list(tiles_of(stages)),
        "pictures": pictures_of(problem, stages),
        "surrogates": () if stages.fit is None else surrogate_rows(stages.fit),
        "remarks": () if stages.fit is None else list(remarks_of(stages.fit)),
        "errors": error_table(stages),
        "rounds": round_rows(stages.rounds),
        "warnings": list(warnings_of(stages)),
        "failures": [one.sentence for one in _failures(stages)],
        "facts": _facts(problem, stages),
        "commands": _commands(stages),
        "sources": sources_of_targets(problem),
        "citations": _citations(problem, stages),
        "held": _held(stages.sensitivity),
        "observable_label": observable_label,
        "count": count,
    }


def pictures_of(problem: Problem, stages: Stages) -> Pictures:
    """All figures."""
    # Matplotlib is slow to import.
    from beadsmith.report.figures.family import family_pictures
    from beadsmith.report.figures.functions import functions_picture
    from beadsmith.report.figures.predicted import properties_picture
    from beadsmith.report.figures.sensitivities import sensitivity_pictures
    from beadsmith.report.figures.simplification import path_picture
    from beadsmith.report.figures.surrogates import parity_picture

    known = stages.fit is not None and any(stages.fit["surrogates"].values())
    explained = stages.sensitivity is not None and any(stages.sensitivity["sensitivity"].values())
    return Pictures(
        parity=parity_picture(problem, stages.fit) if known and stages.fit else None,
        sensitivities=tuple(sensitivity_pictures(problem, stages.sensitivity))
        if explained and stages.sensitivity
        else (),
        functions=functions_picture(problem, stages),
        properties=properties_picture(problem, stages),
        path=None if stages.path is None else path_picture(stages.path, stages.by_rule),
        curves=tuple(family_pictures(problem, [_simulated(stages)])),
    )


def _simulated(stages: Stages) -> Subject:
    """Curves of the model that was validated."""
    observations = tuple(one for run in stages.runs if not run.failed for one in run.observations)
    return Subject("simulation", "", observations, None, {}, {}, result=True)


def _failures(stages: Stages) -> list[Failure]:
    return [failure for run in stages.runs for failure in run.failures]


def _held(sensitivity: Document | None) -> str:
    """State variables that did not vary in the sensitivities, in words."""
    held = {} if sensitivity is None else sensitivity["held"]
    return ", ".join(f"{name} = {value:g} {variable_unit(name)}".rstrip() for name, value in held.items())


def _facts(problem: Problem, stages: Stages) -> Mapping[str, str]:
    """What another person needs to know to do it again."""
    manifest = stages.manifest
    spent = sum(run.core_seconds for run in (*stages.design, *stages.runs))
    facts = {"Study": stages.name, "Fidelity": problem.fidelity}
    if manifest is not None:
        facts |= {
            "Problem file": Path(manifest.problem_file).name,
            "Digest of the problem": manifest.problem,
            "Seed": str(manifest.seed),
            **made_with(manifest),
        }
    if stages.calibration is not None:
        facts |= _facts_of_calibration(stages.calibration)
    return facts | ({"Processor time of the simulations": core_time(spent)} if spent else {})


def _facts_of_calibration(calibration: Calibration) -> dict[str, str]:
    prior, minima = calibration.prior, len(calibration.minima)
    ending = "one minimum" if minima == 1 else f"{minima} different minima"
    return {
        "Misfit": calibration.rule.replace("_", " "),
        "Prior": "none" if prior is None else f"centres of the ranges, {prior:g} times a range wide",
        "Starts": f"{calibration.starts}, those followed to the end arrived in {ending}",
    }


def _commands(stages: Stages) -> list[list[str]]:
    """The commands that do it again, each in parts that stay together on a line; none if nothing was simulated."""
    manifest = stages.manifest
    commands = list(stages.commands)
    if not commands and manifest is not None:
        # Made from Python.
        usual = (("--fidelity", manifest.fidelity), ("--seed", str(manifest.seed)))
        commands = [Command("renormalize", Path(manifest.problem_file).name, usual)]
    return [_parts(one, f"{stages.name}-again") for one in commands]


def _parts(command: Command, study: str) -> list[str]:
    words = [("beadsmith", command.name, command.problem), *command.options, ("--study", study)]
    return [shlex.join(word for word in part if word) for part in words]


def _citations(problem: Problem, stages: Stages) -> tuple[Citation, ...]:
    return gathered([*keys_of_problem(problem), *_methods(stages)])


def _methods(stages: Stages) -> Iterator[tuple[str, str]]:
    """Keys of the bibliography, and what each was used for."""
    yield "giuntoli2021", "energy renormalization: functions of the state fitted through surrogates"
    if stages.design:
        yield "sobol1967", "the design"
    if stages.fit is not None:
        yield "rasmussen2006", "surrogates, Gaussian processes"
    if stages.sensitivity is not None:
        for key in ("sobol2001", "saltelli2010", "legratiet2014", "iwanaga2022"):
            yield key, "sensitivity, Sobol' indices by SALib"
    yield from _OF_SAMPLER.get(stages.sampler, ())
    if stages.published:
        yield "giuntoli2021", "the published likelihood"
    if stages.path is not None:
        for key in _OF_CRITERION.get(stages.path.criterion, ()):
            yield key, "simplification"
        yield "satopaa2011", "the knee"
    models = [one for one in (stages.calibration, stages.simplified) if one is not None]
    if any(isinstance(function, RadialBasis) for one in models for function in one.functions.values()):
        yield "giuntoli2021", "radial basis functions of the state"


#: By the method that an uncertainty names.  Chains of NUTS start at randomised optima.
_OF_SAMPLER = {
    "randomised": (("oliver1996", "posterior of the functions, randomised maximum likelihood"),),
    "posterior": (
        ("hoffman2014", "posterior of the functions, NUTS of Pyro"),
        ("bingham2019", "posterior of the functions, NUTS of Pyro"),
        ("oliver1996", "where the chains of NUTS start"),
    ),
}
_OF_CRITERION = {"bic": ("schwarz1978",), "aicc": ("hurvich1989",)}
