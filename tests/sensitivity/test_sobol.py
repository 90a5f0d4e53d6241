"""Sobol' indices of functions whose indices are known in closed form."""

import numpy as np
import pytest

from beadsmith.errors import EstimateError, ProblemError
from beadsmith.sensitivity.groups import by_bead, by_kind
from beadsmith.sensitivity.sobol import sobol_indices
from beadsmith.surrogate.axes import Axis


def ishigami(inputs):
    x, y, z = inputs.T
    return np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)


ISHIGAMI = tuple(Axis(name, -np.pi, np.pi) for name in "xyz")


def ishigami_indices(a=7.0, b=0.1):
    first, second, both = 0.5 * (1 + b * np.pi**4 / 5) ** 2, a**2 / 8, 8 * b**2 * np.pi**8 / 225
    whole = first + second + both
    return np.array([first, second, 0.0]) / whole, np.array([first + both, second, both]) / whole


WEIGHTS = np.array([0.0, 1.0, 4.5, 9.0, 99.0])


def g_function(inputs):
    return np.prod((np.abs(4 * inputs - 2) + WEIGHTS) / (1 + WEIGHTS), axis=1)


def g_indices():
    parts = 1 / (3 * (1 + WEIGHTS) ** 2)
    whole = np.prod(1 + parts) - 1
    return parts / whole, parts * np.prod(1 + parts) / (1 + parts) / whole


SLOPES = np.array([3.0, -2.0, 1.0, 0.0])


def line(inputs):
    return 5 + inputs @ SLOPES


def line_indices():
    return (SLOPES**2 / (SLOPES**2).sum(),) * 2


def box(count):
    return tuple(Axis(f"x{number}", 0.0, 1.0) for number in range(count))


@pytest.mark.parametrize(
    ("function", "axes", "known"),
    [(ishigami, ISHIGAMI, ishigami_indices()), (g_function, box(5), g_indices()), (line, box(4), line_indices())],
    ids=["ishigami", "g", "line"],
)
def test_known_indices_lie_within_their_intervals(function, axes, known):
    found = sobol_indices(function, axes, seed=1)
    for shares, expected in zip((found.main, found.total), known, strict=True):
        np.testing.assert_allclose(shares.estimates, expected, atol=0.02)
        assert (shares.lows <= expected + 1e-9).all()
        assert (shares.highs >= expected - 1e-9).all()
        assert (shares.highs - shares.lows < 0.15).all()


def test_the_deviation_is_that_of_the_function():
    # Uniform on an interval of length 1: variance 1/12.
    assert sobol_indices(line, box(4)).deviation == pytest.approx(np.sqrt((SLOPES**2).sum() / 12), rel=0.01)


def test_groups_take_the_interactions_inside_them():
    """x and z of Ishigami act together or not at all: main and total index are one."""
    found = sobol_indices(ishigami, ISHIGAMI, groups={"both": ["x", "z"]})
    main, total = ishigami_indices()
    assert found.names == ("both", "y")
    np.testing.assert_allclose(found.main.estimates, [total[0], main[1]], atol=0.02)
    np.testing.assert_allclose(found.total.estimates, [total[0], main[1]], atol=0.02)


def test_one_group_of_all_has_everything():
    found = sobol_indices(ishigami, ISHIGAMI, groups={"all": ["x", "y", "z"]})
    assert found.names == ("all",)
    assert found.main.estimates == found.total.estimates == [1.0]


def test_indices_conditional_on_a_state():
    """At sin x = 1, what is left of Ishigami is a sum of a function of y and one of z."""
    found = sobol_indices(ishigami, ISHIGAMI, held={"x": np.pi / 2})
    parts = np.array([49 / 8, 0.01 * 16 * np.pi**8 / 225])  # variances of 7 sin^2 y and of z^4 / 10
    assert found.names == ("y", "z")
    assert found.held == {"x": np.pi / 2}
    np.testing.assert_allclose(found.main.estimates, parts / parts.sum(), atol=0.02)
    np.testing.assert_allclose(found.total.estimates, parts / parts.sum(), atol=0.02)


def test_held_axes_keep_their_columns():
    seen = []

    def function(inputs):
        seen.append(inputs)
        return inputs.sum(axis=1)

    sobol_indices(function, box(3), held={"x1": 0.25}, base=16)
    assert (seen[0][:, 1] == 0.25).all()
    assert (np.ptp(seen[0], axis=0) > 0).tolist() == [True, False, True]


def test_random_draws_of_a_function_widen_the_intervals():
    def uncertain(inputs):
        slopes = SLOPES + 0.5 * np.random.default_rng(1).normal(size=(40, 4))
        return slopes @ inputs.T

    sure = sobol_indices(line, box(4), base=1024)
    unsure = sobol_indices(uncertain, box(4), base=1024, resamples=8)
    assert (unsure.main.highs - unsure.main.lows)[0] > 1.5 * (sure.main.highs - sure.main.lows)[0]
    assert unsure.main.lows[0] < line_indices()[0][0] < unsure.main.highs[0]


def test_the_same_seed_gives_the_same_numbers_and_another_others():
    """Also the seed 0, which is a seed like any other."""
    first, again, other = (sobol_indices(ishigami, ISHIGAMI, base=256, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.total.highs, again.total.highs)
    assert (first.total.estimates != other.total.estimates).any()


NAMES = ["DC", "pair.1.epsilon", "pair.1.sigma", "pair.2.epsilon", "bond.1-2.k"]


def test_groups_by_the_names_of_parameters():
    assert by_kind(NAMES) == {
        "epsilon": ["pair.1.epsilon", "pair.2.epsilon"],
        "sigma": ["pair.1.sigma"],
        "k": ["bond.1-2.k"],
    }
    assert by_bead(NAMES) == {"1": ["pair.1.epsilon", "pair.1.sigma"], "2": ["pair.2.epsilon"], "1-2": ["bond.1-2.k"]}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"held": {"w": 0.0}}, "held: received w, expected one of the axes x, y, z"),
        ({"held": {"x": 4.0}}, r"held\.x: received 4, expected a value from -3\.1"),
        ({"held": {"x": np.nan}}, r"held\.x: received nan"),
        ({"held": {"x": 0.0, "y": 0.0, "z": 0.0}}, "expected at least one axis that varies"),
        ({"groups": {"a": ["w"]}}, r"groups\.a: received w, expected one of the axes"),
        ({"groups": {"a": ["x"], "b": ["x"]}}, r"groups\.b: received x, expected an axis that is not in a already"),
        ({"groups": {"y": ["x"]}}, "groups: received y, expected names that are not those of axes"),
    ],
)
def test_groups_and_states_that_do_not_fit(words, sentence):
    with pytest.raises(ProblemError, match=sentence):
        sobol_indices(ishigami, ISHIGAMI, **words)


def test_a_missing_library_is_asked_for(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ProblemError, match=r"the optional SALib to be installed; pip install \"\.\[gp\]\" in the folder of"
    ):
        sobol_indices(ishigami, ISHIGAMI)


def test_functions_without_indices():
    with pytest.raises(EstimateError, match="does not vary over the box"):
        sobol_indices(lambda inputs: np.full(len(inputs), 2.0), ISHIGAMI)
    with pytest.raises(EstimateError, match="not finite"):
        sobol_indices(lambda inputs: np.where(inputs[:, 0] > 3, np.nan, inputs[:, 1]), ISHIGAMI)
    with pytest.raises(ValueError, match="the design has 1000 points, expected a power of 2"):
        sobol_indices(ishigami, ISHIGAMI, base=1000)
