"""What to cite: the references of the methods a study really used, found from its problem file and its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from beadsmith.problem.functions import RadialBasis
from beadsmith.problem.problem import Problem
from beadsmith.problem.schema import (
    Dreiding,
    ForceField,
    Formulas,
    FromSeries,
    GlassTransitionHyperbola,
    Martins2025,
    Mean,
    OfMolecules,
)
from beadsmith.report.findings import Findings

_GREY_BOX = ("astudillo2019", "frazier2009", "ament2023", "eriksson2019", "hvarfner2024", "balandat2020")

_OF_METHOD = {
    "gauss-newton": ("levenberg1944", "marquardt1963"),
    "grey-box": _GREY_BOX,
    "combined": ("levenberg1944", "marquardt1963", *_GREY_BOX),
    "optuna-gp": ("akiba2019", "ament2023"),
    "tpe": ("bergstra2011", "akiba2019"),
    "tpe-martins2025": ("martins2025", "bergstra2011", "akiba2019"),
    "cma-es": ("hansen2001", "nomura2024"),
    "sobol": ("sobol1967",),
    "random": (),
}

_OF_IDENTIFIABILITY = ("gutenkunst2007", "transtrum2010", "transtrum2015", "mackay1992")


@dataclass(frozen=True)
class Reference:
    """One entry of the bibliography.

    Attributes:
        authors: as printed.
        published: where and when, as printed.
        doi: empty if it has none.
        url: used where there is no DOI.
    """

    key: str
    authors: str
    title: str
    published: str
    doi: str = ""
    url: str = ""

    @property
    def link(self) -> str:
        """Where to find it; empty if only a library knows."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url


@dataclass(frozen=True)
class Citation:
    """Something to cite, and what for.

    Attributes:
        reference: None if the bibliography does not know it; then ``text`` is what the problem file says.
        reasons: what it was used for.
    """

    text: str
    reference: Reference | None
    reasons: tuple[str, ...]


@cache
def bibliography() -> dict[str, Reference]:
    """The references that the package knows, by key; the keys are those of ``docs/references.bib``."""
    text = resources.files("beadsmith.report").joinpath("references.json").read_text(encoding="utf-8")
    return {key: Reference(key, **entry) for key, entry in json.loads(text).items()}


def citations(findings: Findings) -> tuple[Citation, ...]:
    """What to cite for a study, each once, in the order of the reasons."""
    return gathered(_used(findings))


def gathered(used: Iterable[tuple[str, str]]) -> tuple[Citation, ...]:
    """What to cite, each once.

    Args:
        used: keys of the bibliography, or free text, each with a reason.
    """
    reasons: dict[str, list[str]] = {}
    for key, reason in used:
        known = reasons.setdefault(key, [])
        if reason not in known:
            known.append(reason)
    return tuple(Citation(key, bibliography().get(key), tuple(why)) for key, why in reasons.items())


def keys_of_problem(problem: Problem) -> Iterator[tuple[str, str]]:
    """What a problem file asks to cite, and the simulations that it stands on."""
    yield from _for(problem.file.citations, "this problem")
    yield from _of_force_field(problem)
    simulated = {name for name, experiment in problem.experiments.items() if not isinstance(experiment, Formulas)}
    if simulated:
        yield "thompson2022", "the simulations, LAMMPS"
        yield "rocklin2015", "running many simulations, Dask"
    series = [one for one in problem.observables.values() if isinstance(one, FromSeries | Mean | OfMolecules)]
    if any(one.experiment in simulated for one in series):
        yield from _for(("shirts2008", "chodera2007", "chodera2016"), "standard errors and equilibration, pymbar")


def _of_force_field(problem: Problem) -> Iterator[tuple[str, str]]:
    if isinstance(problem.file.forcefield, Dreiding):
        yield "mayo1990", "the force field of the atoms, DREIDING"
        if problem.file.forcefield.charges == "gasteiger":
            yield "gasteiger1980", "charges of the atoms"
        yield "martinez2009", "packing, Packmol"
    elif isinstance(problem.file.forcefield, ForceField) and problem.file.forcefield.pair.style == "mie/cut":
        yield "avendano2011", "coarse-grained Mie potentials"


def _used(findings: Findings) -> Iterator[tuple[str, str]]:
    problem = findings.problem
    problems = [problem, *(one.problem for one in findings.finalists)]
    observables = [observable for one in problems for observable in one.observables.values()]
    yield from keys_of_problem(problem)
    for compared in findings.compared:
        if compared.model is not None:
            yield from _for(compared.model.citations, compared.label)
            if any(isinstance(function, RadialBasis) for function in compared.model.functions.values()):
                yield "giuntoli2021", "radial basis functions of the state"
    if isinstance(problem.file.misfit, Martins2025):
        yield "martins2025", "the misfit"
    if findings.manifest is not None:
        yield from _for(_OF_METHOD.get(findings.manifest.method, ()), f"the search, {findings.manifest.method}")
    if findings.identified is not None:
        yield from _for(_OF_IDENTIFIABILITY, "what the targets tell about the parameters")
        yield from _for(("kritchman2009", "benaychgeorges2012"), "derivatives without their noise")
    if any(isinstance(observable, GlassTransitionHyperbola) for observable in observables):
        yield "patrone2016", "glass transition by hyperbola"
    if findings.networks:
        yield from _for(("macosko1976", "miller1976"), "the ideal network beside the simulated ones")


def _for(keys: Iterable[str], reason: str) -> Iterator[tuple[str, str]]:
    return ((key, reason) for key in keys)
