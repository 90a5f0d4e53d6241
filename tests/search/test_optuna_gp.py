"""The baseline against Optuna itself: the same proposals."""

import optuna
import pytest
from optuna.samplers import GPSampler

from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search

RANGES = {"a": (2.5, 5.0), "b": (1.0, 12.0), "c": (70.0, 180.0)}
PARAMETERS = [Parameter(name, low, high, "number") for name, (low, high) in RANGES.items()]


def misfit(point):
    a, b, c = ((point[name] - low) / (high - low) for name, (low, high) in RANGES.items())
    return (a - 0.2) ** 2 + 2 * (b - 0.7) ** 2 + abs(c - 0.5)


@pytest.mark.parametrize("lag", [1, 3])
def test_it_is_what_optuna_does(lag):
    search = make_search("optuna-gp", PARAMETERS, 5)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=GPSampler(seed=5))
    optuna.logging.set_verbosity(verbosity)
    distributions = {name: optuna.distributions.FloatDistribution(*ends) for name, ends in RANGES.items()}
    points, trials = [], []
    for number in range(16):
        if number >= lag:
            search.tell(number - lag, misfit(points[number - lag]))
            study.tell(trials[number - lag], misfit(trials[number - lag].params))
        points.append(search.ask(number))
        trials.append(study.ask(distributions))
    for point, trial in zip(points, trials, strict=True):
        assert point == pytest.approx(trial.params, rel=1e-6)


def test_failures_count_as_the_worst_success_once_there_is_one():
    search = make_search("optuna-gp", PARAMETERS, 1)
    for number, told in enumerate([None, None, 3.0, 7.0, None, 5.0]):
        search.ask(number)
        search.tell(number, told)
    trials = search._strategy._study.get_trials(deepcopy=False)
    assert [trial.value for trial in trials] == [3.0, 3.0, 3.0, 7.0, 7.0, 5.0]


def test_before_the_first_success_failures_wait():
    search = make_search("optuna-gp", PARAMETERS, 1)
    for number in range(3):
        search.ask(number)
        search.tell(number, None)
    trials = search._strategy._study.get_trials(deepcopy=False)
    assert all(trial.state == optuna.trial.TrialState.RUNNING for trial in trials)
