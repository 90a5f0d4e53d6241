"""Studies made of formulas: the report cannot tell them from simulated ones, and they cost nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from beadsmith.calibrate import make_misfit
from beadsmith.campaign.curing import examine, model_of_cure
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Manifest, Study, digest_of
from beadsmith.crosslink.analysis import analyse
from beadsmith.crosslink.cure import Cured, CureOrder, Cycle
from beadsmith.crosslink.network import uncured
from beadsmith.crosslink.schedule import Progress, run_cycle
from beadsmith.observe import derive_observations
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.records import Evaluation, Failure, FailureKind, Observation
from beadsmith.problem.state import State
from beadsmith.report.networks import GrownNetwork

EPOXY = Path(__file__).parents[2] / "examples" / "epoxy" / "pacm.yaml"
PEBAX = Path(__file__).parents[2] / "examples" / "pebax" / "problem.yaml"

TINY = """
title: {title}
citations: [martins2025, "A. Nobody, private communication <2024>"]
beads:
  A: {{mass: 50 g/mol, description: everything}}
molecules:
  dimer: {{beads: A A}}
forcefield:
  pair: {{style: lj/cut, cutoff: 9 angstrom}}
parameters:
  bond.A-A.k: 1 to 12 kcal/mol/angstrom^2
  bond.A-A.length: {{fixed: 3 angstrom}}
  pair.A.sigma: 2.5 to 5 angstrom
  pair.A.epsilon: 0.3 to 1.5 kcal/mol
experiments:
  melt:
    kind: melt
    molecules: {{dimer: 200}}
    initial_density: 0.5 g/cm^3
    timestep: 4 fs
    protocol:
      - {{stage: push-off, temperature: 300 K, steps: 100}}
      - {{stage: npt, temperature: 300 K, duration: 10 ps, record: yes}}
observables:
  density: {{kind: density, experiment: melt}}
  pressure: {{kind: pressure, experiment: melt}}
targets:
  density:
    state: {{T: 300 K}}
    value: 1.05 g/cm^3
    uncertainty: 0.01 g/cm^3
    source: "a handbook"
compare: {{"Somebody's": missing.yaml}}
"""

VOID = {"meta", "img", "br", "link", "hr", "input"}
LOG = "\n".join(f"Step {step} Temp 5{step}0.0 <b>not bold</b> & more" for step in range(12)) + "\nERROR: Lost atoms"


def unit_point(problem: Problem, point: Mapping[str, float]) -> np.ndarray:
    """Positions in the ranges; models to compare with may lie outside."""
    return np.array([(point[p.name] - p.low) / (p.high - p.low) for p in problem.parameters.free])


def made_observations(problem: Problem, point: Mapping[str, float], seed: int) -> tuple[Observation, ...]:
    """Targets, shifted and tilted by how far the point is from the middle of the box, with noise and its error."""
    rng = np.random.default_rng(seed)
    u = unit_point(problem, point)
    shift = float(np.mean((u - 0.55) ** 2)) - 0.03
    tilt = float(np.mean(u[::3] - 0.5))
    direct = []
    for target in problem.targets:
        if problem.observables[target.observable].kind not in ("density", "radius_of_gyration", "pressure"):
            continue
        scale = 0.35 if target.observable == "density" else 1.2
        reduced = (target.state["T"] - 325) / 175 if "T" in target.state else 0.0
        noise = 0.4 * target.stderr
        value = target.value * (1 + scale * (0.7 * shift - 0.15 * tilt * reduced)) + rng.normal(0, noise)
        settled = not (target.state.label == "T=150" and seed % 2)
        direct.append(
            Observation(
                target.observable,
                target.state,
                value,
                noise,
                40.0,
                settled,
                "" if settled else "not equilibrated: still drifting",
            )
        )
    if "pressure" in problem.observables:
        direct.append(Observation("pressure", State.of(T=300.0), -12.5, 30.0))
    return (*direct, *derive_observations(direct, problem.observables))


def made_evaluation(
    problem: Problem, number: int, point: Mapping[str, float], seed: int, label: str = ""
) -> Evaluation:
    observations = made_observations(problem, point, seed)
    value = make_misfit(problem.file.misfit, problem.targets, problem.observables)(observations)
    return Evaluation(
        number,
        dict(point),
        seed,
        observations,
        misfit=value.total,
        terms=value.terms,
        core_seconds=9.0 + 4.0 * np.random.default_rng(seed).random(),
        runs=(f"melt{seed}{label}", f"vacuum{seed}{label}"),
        label=label,
    )


def failed_evaluation(problem: Problem, number: int, point: Mapping[str, float], kind: FailureKind) -> Evaluation:
    experiment = next(iter(problem.experiments))
    failure = Failure(kind, experiment, "ERROR: Lost atoms: original 320 current 311", LOG, f"runs/{number:04x}")
    return Evaluation(number, dict(point), number, (), (failure,), core_seconds=3.0, runs=(f"failed{number}",))


def made_points(problem: Problem, total: int, seed: int, at_bound: bool = True) -> list[dict[str, float]]:
    """A search that closes in on the middle of the box, the last parameter at its upper bound if so wished."""
    rng = np.random.default_rng(seed)
    points = []
    for number in range(total):
        spread = 0.5 * np.exp(-2.5 * number / max(total, 2)) + 0.08
        u = np.clip(0.55 + spread * rng.uniform(-1, 1, len(problem.parameters.free)), 0, 1)
        u[-1] = 0.995 if at_bound else 0.5
        points.append(
            {p.name: p.low + float(x) * (p.high - p.low) for p, x in zip(problem.parameters.free, u, strict=True)}
        )
    return points


def fill_study(
    problem: Problem,
    folder: Path,
    total: int = 60,
    seed: int = 1,
    failures: Sequence[FailureKind] = (FailureKind.LOST_ATOMS, FailureKind.BOX_TOO_SMALL),
    every: int = 9,
    replicas: int = 3,
    candidates: int = 3,
    at_bound: bool = True,
) -> Study:
    """A study as a calibration leaves it; every so many evaluations fail."""
    study = Study(folder)
    folder.mkdir(parents=True)
    write_json(folder / "study.json", asdict(manifest_of(problem, seed)))
    evaluations = []
    for number, point in enumerate(made_points(problem, total, seed, at_bound)):
        if failures and number % every == every - 1:
            evaluations.append(failed_evaluation(problem, number, point, failures[number // every % len(failures)]))
        else:
            evaluations.append(made_evaluation(problem, number, point, 1000 * seed + number))
    for evaluation in evaluations:
        study.append("evaluations", evaluation)
    best = sorted((one for one in evaluations if one.misfit is not None), key=lambda one: one.misfit or 0.0)
    measured = [(f"re-measured {one.number}", one.point) for one in best[:candidates]]
    measured += (
        [(label, point_of(problem, file)) for label, file in problem.file.compare.items()] if best and replicas else []
    )
    for replica in range(replicas):
        for label, point in measured:
            study.append("measurements", made_evaluation(problem, replica, point, 77_000 + replica, label))
    return study


def point_of(problem: Problem, file: str) -> dict[str, float]:
    """Free parameters of a model file; of a file that is not there, the middle of the box."""
    path = problem.file_named(file)
    if not path.is_file():
        return {p.name: 0.5 * (p.low + p.high) for p in problem.parameters.free}
    values = load_model(path, problem).at(State.of(T=300.0))
    return {p.name: values[p.name] for p in problem.parameters.free}


def manifest_of(problem: Problem, seed: int = 1) -> Manifest:
    return Manifest(
        title=problem.file.title,
        problem=digest_of(problem),
        problem_file=problem.path.name,
        fidelity=problem.fidelity,
        method="tpe",  # whatever the example chooses today
        seed=seed,
        in_flight=3,
        engine="22 Jul 2025",
    )


@pytest.fixture(scope="session")
def pebax() -> Problem:
    return load_problem(PEBAX)


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Problem]:
    """Makes a problem in which no state variable varies; further arguments replace pieces of its file."""

    def make(title: str = "Tiny", changes: Mapping[str, str] | None = None) -> Problem:
        text = TINY.format(title=json.dumps(title))
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "tiny.yaml"
        path.write_text(text, encoding="utf-8")
        return load_problem(path)

    return make


@pytest.fixture(scope="session")
def pebax_study(pebax: Problem, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """60 evaluations, 6 of them failed, 3 candidates and 2 compared models measured 3 times."""
    return fill_study(pebax, tmp_path_factory.mktemp("studies") / "pebax")


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Study]:
    return fill_study


@pytest.fixture(scope="session")
def epoxy() -> Problem:
    """140 beads."""
    return load_problem(EPOXY, "ci")


def grown_network(problem: Problem, to: float = 0.95, sample: int = 0) -> GrownNetwork:
    """A network without molecular dynamics: the crosslinker run on beads that do not move, so it may stop short."""
    order = CureOrder(problem, model_of_cure(problem, "network"), "network", 5 + sample, "none", to)
    cell = np.diag(order.packed.edges) if np.ndim(order.packed.edges) else order.packed.edges * np.eye(3)
    before = Cured(
        uncured(order.sites), order.packed.positions, cell, Progress(), (Cycle(0, 0.0, 0, 0.0, 1.0, 1.0, 1.0),)
    )
    spanning, cured = {0.0: 0}, before
    while cured.progress.outcome is None:
        progress, network = run_cycle(order.plan, cured.progress, cured.network, cured.positions, cell)
        cycle = Cycle(progress.cycle, network.degree, 0, 0.0, 1.0, 1.0, 1.1)
        cycles = cured.cycles if progress.cycle == cured.progress.cycle else (*cured.cycles, cycle)
        cured = Cured(network, cured.positions, cell, progress, cycles)
        spanning[network.degree] = analyse(network, cured.positions, cell).percolation
    return GrownNetwork("network", sample, to, before, examine(order, cured), spanning)


@pytest.fixture(scope="session")
def networks(epoxy: Problem) -> tuple[GrownNetwork, ...]:
    """Three of them."""
    return tuple(grown_network(epoxy, sample=sample) for sample in range(3))


@pytest.fixture(scope="session")
def grow() -> Callable[..., GrownNetwork]:
    return grown_network


DEGREES = tuple(round(0.1 * step, 12) for step in range(10))


def made_mechanics(problem: Problem, degrees: Sequence[float] = DEGREES, networks: int = 4) -> tuple[Observation, ...]:
    """What networks that stiffen with the degree of crosslinking would give, with scatter between them."""
    found = []
    between = 0.03 if networks > 1 else None
    for degree in degrees:
        state = State.of(DC=degree, T=300.0)

        def observe(name: str, value: float, stderr: float, note: str = "", where: State = state) -> None:
            scatter = None if between is None else between * abs(value)
            found.append(Observation(name, where, value, stderr, 100.0, note=note, between=scatter))

        modulus = 1.2 + 1.8 * degree
        observe("density", 1.05 + 0.11 * degree, 0.003)
        observe("debye_waller_factor", 1.6 - 0.9 * degree, 0.04)
        observe("youngs_modulus", modulus, 0.2)
        if degree < 0.25:
            observe(
                "yield_stress", float("nan"), float("inf"), "the curve stays above the line, so it has no yield point"
            )
        else:
            observe("yield_stress", 60.0 + 50.0 * degree, 4.0)
        observe("poissons_ratio", 0.42 - 0.06 * degree, 0.02)
        for time in problem.observables["mean_squared_displacement"].t:
            slope = 0.5 - 0.4 * degree
            observe(
                "mean_squared_displacement",
                (1.6 - 0.9 * degree) * (time / 3000.0) ** slope,
                0.05,
                "",
                state.with_(t=time),
            )
        for strain in problem.observables["stress"].strain:
            plateau = 60.0 + 50.0 * degree
            stress = 5.0 + plateau * np.tanh(1000.0 * modulus * strain / plateau)
            observe("stress", float(stress), 6.0, "", state.with_(strain=strain))
    return tuple(found)


@pytest.fixture(scope="session")
def mechanics() -> Callable[..., tuple[Observation, ...]]:
    return made_mechanics


class Page(HTMLParser):
    """Tags, attributes and text of a page; raises if a tag is left open or closed twice."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.cells: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.pieces.append(data)
        if "td" in self.open or "th" in self.open:
            self.cells[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def attributes(self, name: str) -> Iterator[str]:
        return (attributes[name] for _, attributes in self.tags if name in attributes)


@pytest.fixture(scope="session")
def parse() -> Callable[[str], Page]:
    """Reads a page: tags, attributes, text and the cells of tables."""
    return Page


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TRIVIAL = "data:text/html,<p>here</p>"


def rendered(browser: str, profile: Path, address: str) -> subprocess.CompletedProcess[str]:
    """The document after the browser has read it; what it complains of is in ``stderr``."""
    quiet = ("disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update")
    options = [f"--{name}" for name in (*quiet, "disable-sync", "no-sandbox", "enable-logging=stderr")]
    command = [browser, "--headless", *options, f"--user-data-dir={profile}", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def browse(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Opens an address in a real browser, where there is one."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    try:
        works = "here" in rendered(path, tmp_path / "probe", TRIVIAL).stdout
    except (OSError, subprocess.TimeoutExpired):
        works = False
    if not works:
        pytest.skip(f"{path} cannot show anything here")
    return lambda address: rendered(path, tmp_path / "profile", address)
