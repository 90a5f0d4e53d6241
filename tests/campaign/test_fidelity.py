"""A protocol compared with a slower one, on a stand-in whose bias, scatter and relaxation are known."""

from __future__ import annotations

import math
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from beadsmith.campaign.fidelity import (
    Measured,
    findings,
    mean_bias,
    measure_protocol,
    planned_simulations,
    protocols,
    usual_models,
)
from beadsmith.campaign.laboratory import Laboratory
from beadsmith.campaign.store import RunResult
from beadsmith.campaign.study import Study
from beadsmith.campaign.task import question_of
from beadsmith.errors import ProblemError, StudyError
from beadsmith.problem.problem import load_problem
from beadsmith.problem.recording import Recording, Series
from beadsmith.problem.records import Failure, FailureKind, Observation
from beadsmith.problem.state import State

HOT = State.of(T=300)
#: Of the pressure: what a run claims, what runs differ by beside it, and what the short protocol is off by (atm).
CLAIMED, BETWEEN, BIAS = 20.0, 60.0, 250.0
#: Relaxation time of the recorded pressure, in samples; there are 120.
TIME = 60.0


class AtOnce(Executor):
    """Runs a task when it is submitted."""

    def __init__(self) -> None:
        self.started = 0

    def submit(self, fn, /, *args, **kwargs):
        self.started += 1
        future: Future[object] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def noisy(task, engine):
    """An answer that depends on the model, the seed and the length of the protocol, and a series beside it."""
    simulation = task.simulation
    rng = np.random.default_rng(int(simulation.name, 16))
    text = simulation.files["in.lammps"]
    words = next(line for line in text.splitlines() if line.startswith("pair_coeff 1 1")).split()
    short = simulation.steps <= 300
    recordings: tuple[Recording, ...] = ()
    failure = None
    if simulation.experiment == "melt":
        value = 1000 * float(words[4]) + (BIAS if short else 0.0) + rng.normal() * math.hypot(CLAIMED, BETWEEN)
        observation = Observation("pressure", HOT, value, CLAIMED, equilibrated=not short)
        phi = math.exp(-1 / TIME)
        noise = rng.normal(size=120) * math.sqrt(1 - phi**2)
        noise[0] = rng.normal()
        recordings = (Recording("melt", HOT, Series(50.0, {"pressure": lfilter([1.0], [1.0, -phi], noise)})),)
        if float(words[4]) > 3.95:
            failure = Failure(FailureKind.LOST_ATOMS, "melt", "far out")
    else:
        observation = Observation("length", HOT, 3.6 + 0.1 * rng.normal(), 0.1)
    result = RunResult(
        simulation.name,
        simulation.experiment,
        question_of(task.observables, simulation.experiment),
        () if failure else (observation,),
        failure,
        1.0,
        1.0,
    )
    task.store.finish(task.store.attempt(simulation.name), result, () if failure else recordings)
    return result


@pytest.fixture
def measured(tiny, tmp_path, no_engine):
    """Measures both protocols of a problem with some models and replicas."""

    def measure_both(models=None, replicas=3, problem=tiny, executor=None):
        study = Study(tmp_path / "study")
        study.folder.mkdir(exist_ok=True)
        lease = study.folder / ".lease"
        lease.touch()
        chosen = models or usual_models(problem)
        both = []
        for protocol in protocols(problem, problem, 4.0):
            laboratory = Laboratory(
                protocol.problem, study.store, lease, executor or AtOnce(), no_engine, runner=noisy, judge=False
            )
            evaluations = {label: [] for label in chosen}
            for label, evaluation in measure_protocol(laboratory, protocol, chosen, replicas, seed=1):
                evaluations[label].append(evaluation)
            both.append(Measured(protocol, {label: tuple(each) for label, each in evaluations.items()}))
        return *both, study.store

    return measure_both


def test_bias_scatter_flags_and_relaxation_are_found(measured):
    own, reference, store = measured(replicas=40)
    pressure, length = findings(own, reference, store)
    assert (pressure.observable, pressure.state, pressure.runs, pressure.models) == ("pressure", HOT, 120, 3)
    assert pressure.bias is not None
    assert pressure.bias.significant
    assert abs(pressure.bias.mean - BIAS) < 4 * pressure.bias.stderr
    assert np.mean(list(pressure.differences.values())) == pytest.approx(pressure.bias.mean)
    assert list(pressure.differences) == list(own.evaluations)
    assert pressure.scatter.between_runs == pytest.approx(BETWEEN, rel=0.2)
    assert pressure.flagged == 1.0
    assert pressure.relaxation is not None
    assert pressure.relaxation.lowest < 120 / TIME < pressure.relaxation.highest
    assert pressure.relaxation.hold == 50.0 * 120

    assert length.bias is not None
    assert not length.bias.significant
    assert length.scatter.ratio == pytest.approx(1.0, rel=0.2)
    assert length.flagged == 0.0
    assert length.relaxation is None  # the stand-in records no positions


def test_mean_over_states_of_one_state_is_that_state(measured):
    own, reference, store = measured()
    pressure = findings(own, reference, store)[0]
    mean = mean_bias("pressure", own, reference)
    assert pressure.bias is not None
    assert mean is not None
    assert mean.mean == pytest.approx(pressure.bias.mean)
    assert mean_bias("nothing", own, reference) is None


def test_every_run_has_a_seed_of_its_own_and_is_announced(measured, no_engine):
    own, reference, _ = measured()
    runs = [run for each in (own, reference) for many in each.evaluations.values() for one in many for run in one.runs]
    seeds = [one.seed for each in (own, reference) for many in each.evaluations.values() for one in many]
    assert len(set(runs)) == len(runs) == 3 * 3 * 2 * 2
    assert len(set(seeds)) == len(seeds) == 18
    models = usual_models(own.protocol.problem)
    planned = planned_simulations(own.protocol, models, 3, 1, no_engine.version)
    assert {run for names in planned.values() for run in names} == {
        run for many in own.evaluations.values() for one in many for run in one.runs
    }


def test_more_replicas_and_models_repeat_nothing(measured):
    first, second = AtOnce(), AtOnce()
    models = usual_models(measured()[0].protocol.problem)
    measured(executor=first)
    assert first.started == 0
    measured(replicas=4, executor=second)
    assert second.started == 3 * 2 * 2
    third = AtOnce()
    measured(models={**models, "another": models["point 1 of the box"]}, executor=third)
    assert third.started == 3 * 2 * 2


def test_models_that_fail_are_left_out(measured, tiny):
    models = usual_models(tiny)
    point = {"pair.A.epsilon": 0.3, "pair.A.sigma": 3.99}
    broken = replace(models["centre of the box"], functions=tiny_model(tiny, point).functions)
    own, reference, store = measured(models={**models, "broken": broken})
    assert own.failures == 3
    assert findings(own, reference, store)[0].models == 3
    own, reference, store = measured(models={"centre": models["centre of the box"], "broken": broken})
    with pytest.raises(StudyError, match="1 of 2 models went well twice"):
        findings(own, reference, store)


def tiny_model(problem, point):
    from beadsmith.problem.model import constant_model

    return constant_model("", problem.parameters, point)


def test_a_state_that_the_reference_lacks_has_no_bias(measured):
    own, reference, store = measured()
    elsewhere = {
        label: tuple(
            replace(
                one,
                observations=[
                    replace(o, state=State.of(T=999)) if o.observable == "pressure" else o for o in one.observations
                ],
            )
            for one in many
        )
        for label, many in reference.evaluations.items()
    }
    pressure, length = findings(own, replace(reference, evaluations=elsewhere), store)
    assert pressure.bias is None
    assert pressure.scatter.freedom == 6
    assert length.bias is not None


def test_undetermined_values_are_left_out(measured):
    own, reference, store = measured()
    label = next(iter(own.evaluations))
    first, *others = own.evaluations[label]
    lost = replace(first, observations=[replace(o, value=math.nan, stderr=math.inf) for o in first.observations])
    found = findings(replace(own, evaluations={**own.evaluations, label: (lost, *others)}), reference, store)
    assert [one.runs for one in found] == [8, 8]
    assert (
        mean_bias("pressure", replace(own, evaluations={**own.evaluations, label: (lost, *others)}), reference) is None
    )


def test_models_come_from_compare_and_from_the_box(tiny, tiny_file):
    assert list(usual_models(tiny)) == ["centre of the box", "point 1 of the box", "point 2 of the box"]
    model = tiny_file.parent / "known.yaml"
    model.write_text("title: known\nparameters: {pair.A.epsilon: 0.2 kcal/mol, pair.A.sigma: 3.5 angstrom}\n")
    tiny_file.write_text(tiny_file.read_text() + "compare: {Known: known.yaml}\n")
    compared = load_problem(tiny_file)
    assert list(usual_models(compared)) == ["Known", "centre of the box", "point 1 of the box"]


def test_a_protocol_is_not_compared_with_itself_or_with_other_parameters(tiny):
    with pytest.raises(ProblemError, match="--longer 4"):
        protocols(tiny, tiny, 1.0)
    fewer = replace(tiny, parameters=replace(tiny.parameters, free=tiny.parameters.free[:1]))
    with pytest.raises(ProblemError, match="same free parameters"):
        protocols(tiny, fewer, 4.0)


def test_precision_that_was_asked_for_does_not_change_what_is_measured(tiny, tiny_file):
    tiny_file.write_text(tiny_file.read_text() + "precision: {replicas: 5, longest: 3}\n")
    asked = load_problem(tiny_file)
    for plain, precise in zip(protocols(tiny, tiny, 4.0), protocols(asked, asked, 4.0), strict=True):
        assert precise.label == plain.label
        assert precise.problem.file.precision is None
        assert precise.problem.experiments == plain.problem.experiments
