"""The two TPE searches against Optuna itself: the same proposals, bit for bit."""

import optuna
import pytest
from optuna.samplers import TPESampler

from beadsmith.problem.parameters import Parameter
from beadsmith.search import make_search
from beadsmith.search.tpe import _size_of_best_group, _WidthsOfVersion4

RANGES = {"a": (2.5, 5.0), "b": (1.0, 12.0), "c": (70.0, 180.0)}
PARAMETERS = [Parameter(name, low, high, "number") for name, (low, high) in RANGES.items()]

# What `optuna.create_study(sampler=TPESampler(seed=7))` of Optuna 4.5.0 asked for `misfit` below, told one by one.
# 4.0.0, 4.2.1 and 4.8.0 agree to the last digit but one.
OPTUNA_4 = {
    0: (2.690770723434893, 9.579106714641261, 118.22501545849829),
    9: (4.376024647755087, 8.359145649723052, 121.45281457194787),
    10: (2.8507212021118344, 11.282814655514466, 74.21121108914078),
    11: (2.545576196659129, 8.134506499564596, 175.42758277929244),
    25: (3.221389270996628, 8.969889298408512, 171.5690533001388),
    40: (3.683527891994711, 10.790881342425788, 134.64838836396683),
    59: (2.849766638732476, 6.3768949185205885, 140.53064536602514),
}


def misfit(point):
    a, b, c = ((point[name] - low) / (high - low) for name, (low, high) in RANGES.items())
    return (a - 0.2) ** 2 + 2 * (b - 0.7) ** 2 + abs(c - 0.5)


def proposals(method, seed, evaluations, lag=1):
    search = make_search(method, PARAMETERS, seed)
    points = []
    for number in range(evaluations):
        if number >= lag:
            search.tell(number - lag, misfit(points[number - lag]))
        points.append(search.ask(number))
    return points


def plain_optuna(sampler, evaluations, lag=1):
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=sampler)
    optuna.logging.set_verbosity(verbosity)
    distributions = {name: optuna.distributions.FloatDistribution(*ends) for name, ends in RANGES.items()}
    trials = []
    for number in range(evaluations):
        if number >= lag:
            study.tell(trials[number - lag], misfit(trials[number - lag].params))
        trials.append(study.ask(distributions))
    return [trial.params for trial in trials]


@pytest.mark.parametrize("lag", [1, 4])
def test_tpe_is_what_optuna_does_by_default(lag):
    assert proposals("tpe", 5, 60, lag) == plain_optuna(TPESampler(seed=5), 60, lag)


def test_tpe_martins2025_is_what_optuna_4_did_by_default():
    points = proposals("tpe-martins2025", 7, 60)
    for number, expected in OPTUNA_4.items():
        assert tuple(points[number].values()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("lag", [1, 4])
def test_tpe_martins2025_is_optuna_with_pinned_settings(lag):
    sampler = TPESampler(multivariate=False, constant_liar=False, seed=5)
    sampler._parzen_estimator_cls = _WidthsOfVersion4
    assert proposals("tpe-martins2025", 5, 120, lag) == plain_optuna(sampler, 120, lag)


def test_settings_alone_do_not_make_todays_optuna_the_old_one():
    today = plain_optuna(TPESampler(multivariate=False, constant_liar=False, seed=7), 12)
    assert today[9] == pytest.approx(dict(zip("abc", OPTUNA_4[9], strict=True)), rel=1e-9)
    assert today[11] != pytest.approx(dict(zip("abc", OPTUNA_4[11], strict=True)), rel=1e-3)


@pytest.mark.parametrize("evaluations", [1, 9, 10, 11, 99, 100, 240, 250, 251, 1000])
def test_the_best_group_has_the_size_that_optuna_gives_it(evaluations):
    assert _size_of_best_group(evaluations) == optuna.samplers._tpe.sampler.default_gamma(evaluations)


@pytest.mark.parametrize("method", ["tpe", "tpe-martins2025"])
def test_failures_before_the_first_success_attract_nobody(method):
    # Were they told at once, the first failure would be "the best tenth", and TPE would search around it.
    search = make_search(method, PARAMETERS, 1)
    first = search.ask(0)
    search.tell(0, None)
    for number in range(1, 60):
        search.ask(number)
        search.tell(number, None)
    near = 0
    for number in range(60, 100):
        point = search.ask(number)
        search.tell(number, None)
        near += sum(abs(point[name] - first[name]) < 0.1 * (high - low) for name, (low, high) in RANGES.items())
    assert near < 0.35 * 3 * 40  # by chance a fifth


def test_failures_are_told_once_they_cannot_count_as_good():
    # Twenty failures, then twenty successes: the failures must come to count, as though they were told late.
    search = make_search("tpe-martins2025", PARAMETERS, 1)
    for number in range(40):
        point = search.ask(number)
        search.tell(number, None if number < 20 else misfit(point))
    trials = search._strategy._study.get_trials(deepcopy=False)
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials)
    assert [trial.value == float("inf") for trial in trials] == [True] * 20 + [False] * 20
