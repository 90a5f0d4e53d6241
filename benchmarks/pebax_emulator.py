"""Where `beadsmith/search/synthetic/pebax.json` comes from: real evaluations of the Pebax example, and a fit to them.

    python benchmarks/pebax_emulator.py collect --study studies/emulator      # 20 minutes on two cores
    python benchmarks/pebax_emulator.py fit studies/emulator STUDY ...        # some minutes

`collect` simulates points spread over the box, with derivatives, and a few of them again and again.  `fit` reads any
studies of the example, whatever search and fidelity made them: where an evaluation was made without derivatives, they
come from its stored frames.  One evaluation in five is kept out of the fit and says how well it predicts.

What is shipped comes from 306 evaluations: 261 of searches by `tpe` and `tpe-martins2025` at the `fast` fidelity, with
derivatives from their frames; 15 of a Gauss-Newton study; 30 of points spread over the box, three of them repeated (by
an earlier form of `collect`).  With their derivatives they are 12 MB and not part of the repository; the same studies
in the same order give the same file, byte for byte, and others a file like it.

Fitted is ln y = B [a + b x + x A x] by least squares on values and derivatives together, each in units of its error,
with normal priors on b and A; see `beadsmith.search.synthetic.pebax`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import qmc

from beadsmith.calibrate.response import response_of
from beadsmith.campaign.driver import measure, seed_of
from beadsmith.campaign.laboratory import open_laboratory
from beadsmith.campaign.study import Study
from beadsmith.observe.response import observable_gradients
from beadsmith.problem.model import constant_model
from beadsmith.problem.problem import Problem, load_model, load_problem
from beadsmith.problem.records import Evaluation, Gradient
from beadsmith.problem.state import State
from beadsmith.search.box import Array, Box
from beadsmith.search.synthetic.pebax import basis_functions

PROBLEM = Path("examples/pebax/problem.yaml")
OUTPUT = Path("src/beadsmith/search/synthetic/pebax.json")

#: Components whose bends the data determine: levels of glass, melt and radius, and the radius' change with temperature.
BENT = (0, 2, 4, 5)

#: Prior standard deviations, in units of a component's spread over the evaluations: of a slope, and of a bend.
PRIOR_SLOPE = 1.0
PRIOR_BEND = {0: 0.3, 2: 0.3, 4: 0.3, 5: 0.1}

#: What a quadratic cannot follow: of the values in units of their spread, of derivatives in units of their size.
LACK_OF_FIT = 0.1
LACK_OF_FIT_OF_DERIVATIVES = 0.3


@dataclass(frozen=True)
class Table:
    """Evaluations as arrays; components are of the logarithms, derivatives by unit coordinates.

    Attributes:
        kinds: where each evaluation comes from.
        units: shape (evaluations, parameters).
        values, stderrs: of the targets, shape (evaluations, targets).
        jacobian_stderrs: shape (evaluations, targets, parameters).
        components: shape (evaluations, components).
        slopes, slope_stderrs: shape (evaluations, components, parameters).
    """

    kinds: tuple[str, ...]
    units: Array
    values: Array
    stderrs: Array
    jacobian_stderrs: Array
    components: Array
    slopes: Array
    slope_stderrs: Array

    def only(self, rows: Array) -> Table:
        chosen = {name: getattr(self, name)[rows] for name in self.__dataclass_fields__ if name != "kinds"}
        return Table(kinds=tuple(np.array(self.kinds)[rows]), **chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    collecting = commands.add_parser("collect", help="simulate")
    collecting.add_argument("--study", type=Path, required=True)
    collecting.add_argument("--points", type=int, default=24, help="in the whole box, and as many in its inner half")
    collecting.add_argument("--repeats", type=int, default=8, help="of the published model and of one of the points")
    collecting.set_defaults(work=collect)
    fitting = commands.add_parser("fit", help="fit and write the emulator")
    fitting.add_argument("studies", nargs="+", type=Path)
    fitting.add_argument("--output", type=Path, default=OUTPUT)
    fitting.set_defaults(work=fit)
    arguments = parser.parse_args()
    arguments.work(arguments)


def collect(arguments: argparse.Namespace) -> None:
    """Measure a design of points at the quick fidelity, with derivatives; goes on where it stopped."""
    problem = load_problem(PROBLEM, "quick")
    box = Box.of(problem.parameters.free)
    study = Study(arguments.study)
    done = {row.label for row in study.rows("measurements")} if study.folder.is_dir() else set()
    with open_laboratory(problem, study) as opened:
        laboratory = replace(opened, gradients=True)
        for number, (label, unit) in enumerate(_design(problem, box, arguments.points, arguments.repeats)):
            if label in done:
                continue
            point = box.point(unit)
            model = constant_model(label, problem.parameters, point)
            for evaluation in measure(laboratory, study, [(label, model, point)], [seed_of(77, 3, number)]):
                print(label, evaluation.misfit, flush=True)


def _design(problem: Problem, box: Box, points: int, repeats: int) -> Iterator[tuple[str, Array]]:
    wide = qmc.Sobol(box.dimension, rng=np.random.default_rng(5)).random(points)
    middle = 0.25 + 0.5 * qmc.Sobol(box.dimension, rng=np.random.default_rng(6)).random(points)
    published = load_model(problem.file_named("models/martins2025-bo.yaml"), problem).at(State.of({"T": 300.0}))
    best = box.unit(box.clipped({name: published[name] for name in box.names}))
    for number in range(points):
        yield f"middle {number} 0", middle[number]
        yield f"wide {number} 0", wide[number]
    for repeat in range(repeats):
        yield f"bo 0 {repeat}", best
        yield f"centre 0 {repeat}", np.full(box.dimension, 0.5)


def fit(arguments: argparse.Namespace) -> None:
    """Fit on four fifths, predict the last fifth, and write what was found."""
    problem = load_problem(PROBLEM, "quick")
    table, repeats = _table(problem, arguments.studies)
    count = len(table.kinds)
    held_out = np.random.default_rng(1).permutation(np.arange(count) % 5) == 0
    training, test = table.only(~held_out), table.only(held_out)
    constants, slopes, bends = fitted(training)
    document = {
        "what": "Quadratic emulator of the Pebax example at the quick fidelity; see pebax.py beside this file.",
        "made_by": "benchmarks/pebax_emulator.py",
        "fitted_to": {kind: training.kinds.count(kind) for kind in sorted(set(table.kinds))},
        "predicts": {"evaluations": len(test.kinds), **_errors(test, constants, slopes, bends)},
        "parameters": [[one.name, one.low, one.high, one.kind] for one in problem.parameters.free],
        "constants": _rounded(constants, 6),
        "slopes": _rounded(slopes, 4),
        "bends": {str(place): _triangle(bends[place]) for place in BENT},
        "noise": _noise(table, repeats),
    }
    arguments.output.write_text(_as_text(document), encoding="utf-8")
    print(json.dumps(document["predicts"], indent=1), json.dumps(document["noise"], indent=1)[:1500])


def fitted(table: Table) -> tuple[Array, Array, dict[int, Array]]:
    """Constants, slopes, and symmetric bends by component, at the quick fidelity."""
    shift = np.array([[kind.endswith("fast")] for kind in table.kinds], dtype=float)
    size = table.units.shape[1]
    x = table.units - 0.5
    upper = np.triu_indices(size)
    linear = np.column_stack([np.ones(len(x)), x])
    products = x[:, upper[0]] * x[:, upper[1]]
    derivatives = np.zeros((len(x), size, 1 + size + len(upper[0])))
    derivatives[:, np.arange(size), 1 + np.arange(size)] = 1.0
    for place, (first, second) in enumerate(zip(*upper, strict=True), start=1 + size):
        derivatives[:, first, place] += x[:, second]
        derivatives[:, second, place] += x[:, first]
    constants, slopes, bends = [], [], {}
    for component in range(table.components.shape[1]):
        bent = component in BENT
        columns = np.column_stack([linear, products] if bent else [linear])
        length = columns.shape[1]
        solution = _least_squares(table, component, np.column_stack([columns, shift]), derivatives[:, :, :length])
        constants.append(solution[0])
        slopes.append(solution[1 : 1 + size])
        if bent:
            bend = np.zeros((size, size))
            bend[upper] = solution[1 + size : length]
            bends[component] = (bend + bend.T) / 2.0
    return np.array(constants), np.array(slopes), bends


def _least_squares(table: Table, component: int, columns: Array, derivatives: Array) -> Array:
    """The last column is the shift between fidelities, which derivatives do not see."""
    values, slopes = table.components[:, component], table.slopes[:, component]
    spread = float(np.std(values))
    error = LACK_OF_FIT * spread
    stderrs = table.slope_stderrs[:, component]
    signal = max(0.0, float(np.mean(slopes**2 - stderrs**2)))
    floor = 0.3 * np.median(stderrs)  # some error bars are too small by chance
    stderrs = np.sqrt(stderrs**2 + floor**2 + LACK_OF_FIT_OF_DERIVATIVES**2 * signal)
    length, size = derivatives.shape[2], slopes.shape[1]
    scaled = (derivatives / stderrs[:, :, None]).reshape(-1, length)
    matrix = columns.T @ columns / error**2
    matrix[:length, :length] += scaled.T @ scaled
    right = columns.T @ values / error**2
    right[:length] += scaled.T @ (slopes / stderrs).ravel()
    bends = np.full(length - 1 - size, spread * PRIOR_BEND.get(component, 1.0))
    prior = np.concatenate([[np.inf], np.full(size, spread * PRIOR_SLOPE), bends, [0.05]])
    return np.asarray(cho_solve(cho_factor(matrix + np.diag(prior**-2.0)), right))


def predicted(units: Array, constants: Array, slopes: Array, bends: dict[int, Array]) -> Array:
    """Components, shape (evaluations, components)."""
    x = units - 0.5
    found = constants + x @ slopes.T
    for component, bend in bends.items():
        found[:, component] += np.einsum("ki,ij,kj->k", x, bend, x)
    return np.asarray(found)


def _table(problem: Problem, folders: Sequence[Path]) -> tuple[Table, list[list[int]]]:
    """All evaluations with derivatives, and the places of those that measured the same point."""
    box = Box.of(problem.parameters.free)
    widths = np.array(box.high) - np.array(box.low)
    projection = np.linalg.pinv(basis_functions())
    kinds, rows = [], []
    for kind, evaluation, gradients in _evaluations(problem, folders):
        response = response_of(evaluation.observations, gradients, problem.targets[:23], box.names)
        if not response.differentiated.all():
            continue
        jacobian, doubt = (one * widths for one in (response.jacobian, response.jacobian_stderrs))
        slopes = projection @ (jacobian / response.values[:, None])
        slope_stderrs = np.sqrt(projection**2 @ (doubt / response.values[:, None]) ** 2)
        components = projection @ np.log(response.values)
        unit = box.unit(evaluation.point)
        kinds.append(kind)
        rows.append((unit, response.values, response.stderrs, doubt, components, slopes, slope_stderrs))
        print(f"\r{len(rows)}", end="", flush=True)
    table = Table(tuple(kinds), *(np.array(column) for column in zip(*rows, strict=True)))
    points: dict[bytes, list[int]] = {}
    for place, (kind, unit) in enumerate(zip(kinds, table.units, strict=True)):
        if not kind.endswith("fast"):
            points.setdefault(unit.round(6).tobytes(), []).append(place)
    return table, [places for places in points.values() if len(places) > 2]


def _evaluations(problem: Problem, folders: Sequence[Path]) -> Iterator[tuple[str, Evaluation, Sequence[Gradient]]]:
    for folder in folders:
        study = Study(folder)
        manifest = study.manifest()
        kind = f"{manifest.method}, {manifest.fidelity}" if manifest else "spread over the box, quick"
        for row in (*study.rows("evaluations"), *study.rows("measurements")):
            if row.point and not row.failed:
                yield kind, row, row.gradients or _gradients_of_frames(problem, study, row)


def _gradients_of_frames(problem: Problem, study: Study, row: Evaluation) -> list[Gradient]:
    model = constant_model("", problem.parameters, row.point)
    found = []
    for name in row.runs:
        result = study.store.result(name)
        recordings = study.store.recordings(name)
        if result is None or not all(recording.frames for recording in recordings):
            return []
        for one in observable_gradients(recordings, problem, model, result.experiment):
            values, stderrs = (dict(zip(one.parameters, part, strict=True)) for part in (one.values, one.stderrs))
            found.append(Gradient(one.observable, one.state, values, stderrs))
    return found


def _errors(table: Table, constants: Array, slopes: Array, bends: dict[int, Array]) -> dict[str, list[float]]:
    """By observable: root mean square and median error of unseen evaluations, and their spread; g/cm^3 and angstrom."""
    basis = basis_functions()
    deviations = np.exp(predicted(table.units, constants, slopes, bends) @ basis.T) - table.values
    windows = {"glass": slice(0, 4), "melt": slice(4, 8), "radius_of_gyration": slice(8, 23)}
    return {
        name: _rounded(
            np.array(
                [
                    np.sqrt(np.mean(deviations[:, window] ** 2)),
                    np.median(np.abs(deviations[:, window])),
                    np.std(table.values[:, window]),
                ]
            ),
            3,
        )
        for name, window in windows.items()
    }


def _noise(table: Table, repeats: Sequence[Sequence[int]]) -> dict[str, object]:
    """Scatter between seeds, what evaluations say of their own errors, and errors of the derivatives."""
    quick = np.array([not kind.endswith("fast") for kind in table.kinds])
    residuals = np.concatenate(
        [
            np.sqrt(len(places) / (len(places) - 1)) * (table.values[places] - table.values[places].mean(axis=0))
            for places in map(list, repeats)
        ]
    )
    repeated = np.concatenate([list(places) for places in repeats])
    scatter = np.sqrt((residuals**2).mean(axis=0))
    correlation = np.corrcoef(residuals.T)
    glass = correlation[:4, :4][np.triu_indices(4, 1)].mean()
    melt, radius = (np.diag(correlation[window, window], 1).mean() for window in (slice(4, 8), slice(8, 23)))
    # A line through the logarithms: so few repeats tell no more.
    places = np.arange(15)
    of_radius = np.exp(np.polyval(np.polyfit(places, np.log(scatter[8:]), 1), places))
    doubt = np.median(np.log(np.maximum(table.jacobian_stderrs[quick], 1e-9)), axis=0)
    windows = {"density": slice(0, 8), "radius_of_gyration": slice(8, 23)}
    of_targets = [doubt[window].mean(axis=1) - doubt[window].mean() for window in windows.values()]
    return {
        "repeats": [len(one) for one in repeats],
        "glass": {"scatter": _rms(scatter[:4]), "correlation": round(float(glass), 2)},
        "melt": {"scatter": _rms(scatter[4:8]), "correlation_of_neighbours": round(float(melt), 2)},
        "radius_of_gyration": {
            "scatter": _rounded(of_radius, 3),
            "correlation_of_neighbours": round(float(radius), 2),
        },
        "stderrs": _rounded(np.exp(np.log(table.stderrs[repeated]).mean(axis=0)), 3),
        "jacobian_stderrs_of_targets": _rounded(np.exp(np.concatenate(of_targets)), 3),
        "jacobian_stderrs_of_parameters": {
            name: _rounded(np.exp(doubt[window].mean(axis=0)), 3) for name, window in windows.items()
        },
    }


def _triangle(bend: Array) -> list[list[float]]:
    """Coefficients of x_i x_j for i <= j: of the first parameter with all, of the second with all but the first, ..."""
    doubled = 2.0 * np.triu(bend, 1) + np.diag(np.diag(bend))
    return [_rounded(row[place:], 3) for place, row in enumerate(doubled)]


def _rms(values: Array) -> float:
    return float(f"{np.sqrt(np.mean(values**2)):.3g}")


def _rounded(values: Array, digits: int) -> list[float]:
    if values.ndim > 1:
        return [_rounded(row, digits) for row in values]  # type: ignore[misc]
    return [float(f"{value:.{digits}g}") for value in values]


def _as_text(document: dict[str, object]) -> str:
    """JSON with one line for each list of numbers."""
    text = json.dumps(document, indent=1)
    return re.sub(r"\[([^][{}]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


if __name__ == "__main__":
    main()
