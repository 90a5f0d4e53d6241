"""Emulators of one observable: recovery, transforms, noise, few points, refusals, and the same numbers from a file."""

import numpy as np
import pytest
from scipy.stats import qmc

from beadsmith.errors import EstimateError, ProblemError, StudyError
from beadsmith.surrogate.axes import Axis
from beadsmith.surrogate.emulator import fit_emulator, fit_emulators
from beadsmith.surrogate.emulator_file import load_emulator, save_emulator
from beadsmith.surrogate.measurements import Measurements

AXES = (Axis("DC", 0.0, 0.95), Axis("pair.1.epsilon", 0.2, 1.4), Axis("pair.1.sigma", 4.0, 6.0))


def design(number, axes=AXES, seed=1):
    unit = qmc.Sobol(len(axes), rng=seed).random(1 << (number - 1).bit_length())[:number]
    return np.array([axis.low for axis in axes]) + unit * [axis.high - axis.low for axis in axes]


def density(inputs):
    return 1.0 + 0.1 * np.tanh(3 * inputs[:, 0]) + 0.2 * inputs[:, 1] - 0.05 * (inputs[:, 2] - 5) ** 2


def measured(number=60, noise=0.01, function=density, seed=1, known=True):
    inputs = design(number, seed=seed)
    values = function(inputs) + noise * np.random.default_rng(seed).normal(size=number)
    stderrs = np.full(number, noise if known else np.nan)
    return Measurements("pacm", "density", AXES, inputs, values, stderrs)


def curve(values, stderrs=None, states=None):
    """Of a reference: one axis."""
    number = len(values)
    states = np.linspace(0.0, 0.9, number) if states is None else np.asarray(states)
    stderrs = np.full(number, np.nan) if stderrs is None else np.full(number, stderrs)
    return Measurements("aa", "density", (Axis("DC", 0.0, 0.9),), states[:, None], np.asarray(values), stderrs)


@pytest.mark.parametrize("noise", ["measured", "level", "both"])
def test_a_smooth_function_is_recovered_within_its_error_bars(noise):
    emulator = fit_emulator(measured(), noise=noise, starts=2)
    others = design(256, seed=9)
    mean, deviation = emulator.predict(others)
    off = mean - density(others)
    assert np.sqrt((off**2).mean()) < 0.01  # better than a single run
    assert (np.abs(off) < 1.96 * deviation).mean() > 0.8
    assert np.median(deviation) < 0.01


@pytest.mark.parametrize("truth", [0.02, 0.2])
def test_one_level_of_noise_is_learnt_from_the_scatter(truth):
    emulator = fit_emulator(measured(200, truth, known=False), transform="identity", noise="level", starts=1)
    assert emulator.noise == pytest.approx(np.full(200, truth), rel=0.15)


def test_error_bars_that_are_too_small_are_noticed():
    data = measured(200, 0.05)
    told = Measurements(data.system, data.observable, data.axes, data.inputs, data.values, 0.25 * data.stderrs)
    emulator = fit_emulator(told, transform="identity", noise="measured", starts=1)
    assert emulator.noise == pytest.approx(np.full(200, 0.05), rel=0.2)


def test_a_noisy_point_counts_less():
    data = curve([1.0, 1.1, 1.2, 1.6, 1.4], stderrs=0.01)
    doubted = Measurements(
        data.system, data.observable, data.axes, data.inputs, data.values, np.array([0.01, 0.01, 0.01, 0.5, 0.01])
    )
    there = data.inputs[[3]]
    believed, _ = fit_emulator(data, noise="measured", transform="identity").predict(there)
    ignored, _ = fit_emulator(doubted, noise="measured", transform="identity").predict(there)
    assert ignored[0] == pytest.approx(1.3, abs=0.05)
    assert believed[0] > ignored[0] + 0.1


@pytest.mark.parametrize("transform", ["identity", "log"])
def test_slopes_are_those_of_finite_differences_in_natural_units(transform):
    emulator = fit_emulator(measured(), transform=transform, starts=1)
    here = design(5, seed=7)
    found = emulator.slopes(here)
    mean, deviation = emulator.predict(here)
    np.testing.assert_allclose(found.mean, mean)
    np.testing.assert_allclose(found.variance, deviation**2)
    np.testing.assert_allclose(np.diagonal(emulator.covariance(here)), deviation**2)
    np.testing.assert_allclose(emulator.mean_slopes(here)[1], found.mean_slopes)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-5
        (high, more), (low, less) = emulator.predict(here + step), emulator.predict(here - step)
        np.testing.assert_allclose(found.mean_slopes[:, axis], (high - low) / 2e-5, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(
            found.variance_slopes[:, axis], (more**2 - less**2) / 2e-5, rtol=1e-3, atol=1e-4 * found.variance.max()
        )


def test_units_do_not_matter():
    data = measured(40)
    thousand = Measurements("pacm", "density", AXES, data.inputs, 1000 * data.values, 1000 * data.stderrs)
    here = design(10, seed=7)
    one, many = (fit_emulator(one, starts=1).predict(here) for one in (data, thousand))
    np.testing.assert_allclose(many[0], 1000 * one[0], rtol=1e-4)
    np.testing.assert_allclose(many[1], 1000 * one[1], rtol=1e-3)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda inputs: np.exp(4 * inputs[:, 0] + 2 * inputs[:, 1]), "log"),
        (lambda inputs: 20 + 4 * inputs[:, 0] + 2 * inputs[:, 1] + inputs[:, 2], "identity"),
        (lambda inputs: 2 * inputs[:, 0] - 0.5, "identity"),
    ],
    ids=["exponential", "straight", "negative too"],
)
def test_the_logarithm_is_modelled_where_it_makes_the_values_more_probable(function, expected):
    data = measured(60, 1e-3, function)
    assert fit_emulator(data, starts=1).transform.name == expected


def test_a_logarithm_needs_values_clear_of_zero():
    data = measured(60, 1e-3, lambda inputs: np.exp(4 * inputs[:, 0] + 2 * inputs[:, 1]))
    vague = Measurements("pacm", "density", AXES, data.inputs, data.values, 0.5 * data.values)
    assert fit_emulator(vague, starts=1).transform.name == "identity"


def test_a_positive_quantity_stays_positive():
    data = curve([8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125])
    emulator = fit_emulator(data, transform="log")
    far = np.array([[2.0], [3.0]])
    assert (emulator.predict(far)[0] > 0).all()
    assert (emulator.draws(50, np.random.default_rng(1))(far) > 0).all()
    assert emulator.predict(np.array([[0.375]]))[0][0] == pytest.approx(8 * 2**-2.5, rel=0.02)


def test_random_functions_are_in_natural_units():
    emulator = fit_emulator(measured(), transform="log", starts=1)
    here = design(20, seed=7)
    mean, deviation = emulator.predict(here)
    drawn = emulator.draws(3000, np.random.default_rng(1))(here)
    np.testing.assert_allclose(np.median(drawn, axis=0), mean, atol=0.1 * deviation.max())
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.15)


@pytest.mark.parametrize("number", [2, 3, 5, 20])
def test_a_few_points_of_a_reference_are_a_curve_through_them(number):
    states = np.linspace(0.0, 0.9, number)
    line = 1.05 + 0.12 * states
    emulator = fit_emulator(curve(line, stderrs=0.001))
    mean, deviation = emulator.predict(np.linspace(0.0, 0.9, 7)[:, None])
    np.testing.assert_allclose(mean, 1.05 + 0.12 * np.linspace(0.0, 0.9, 7), atol=0.005)
    assert (deviation > 1e-4).all()
    assert (deviation < 0.05).all()


def test_two_points_know_less_between_than_twenty():
    def doubt(number):
        return fit_emulator(curve(1 + 0.1 * np.linspace(0, 0.9, number))).predict(np.array([[0.42]]))[1][0]

    assert doubt(2) > 5 * doubt(20)


def test_replicates_are_welcome_and_copies_count_once():
    data = measured(40)
    twice = np.concatenate([np.arange(40), np.arange(40)])
    copied = data.at(twice)
    replicated = Measurements(
        "pacm", "density", AXES, copied.inputs, copied.values + np.repeat([0.0, 0.01], 40), copied.stderrs
    )
    here = design(10, seed=7)
    once = fit_emulator(data, starts=1)
    np.testing.assert_array_equal(fit_emulator(copied, starts=1).predict(here), once.predict(here))
    assert len(fit_emulator(replicated, starts=1).measurements) == 80
    assert np.isfinite(fit_emulator(replicated, starts=1).predict(here)).all()


def test_exact_values_at_neighbouring_points_do_not_break_anything():
    states = np.repeat(np.linspace(0, 0.9, 10), 2) + np.tile([0.0, 1e-9], 10)
    emulator = fit_emulator(curve(np.sin(states), stderrs=0.0, states=states), noise="measured")
    np.testing.assert_allclose(emulator.predict(states[:, None])[0], np.sin(states), atol=2e-3)


def test_several_emulators_side_by_side_are_those_of_each_alone():
    data = [measured(40), measured(50, seed=2), measured(30, seed=3)]
    here = design(10, seed=7)
    for together, one in zip(fit_emulators(data, starts=2, workers=3), data, strict=True):
        np.testing.assert_array_equal(together.predict(here), fit_emulator(one, starts=2).predict(here))


def test_more_starts_are_never_worse():
    data = measured(30, 0.05, lambda inputs: np.sin(12 * inputs[:, 0]))
    errors = [
        np.abs(fit_emulator(data, starts=starts).predict(data.inputs)[0] - np.sin(12 * data.inputs[:, 0])).mean()
        for starts in (1, 6)
    ]
    assert errors[1] <= errors[0] + 0.01


@pytest.mark.parametrize("known", [True, False])
def test_a_file_predicts_the_same_numbers(tmp_path, known):
    emulator = fit_emulator(measured(known=known), starts=1)
    save_emulator(emulator, tmp_path / "density.npz")
    loaded = load_emulator(tmp_path / "density.npz")
    here = design(10, seed=7)
    assert loaded.axes == emulator.axes
    assert (loaded.system, loaded.observable, loaded.transform) == ("pacm", "density", emulator.transform)
    np.testing.assert_array_equal(loaded.predict(here), emulator.predict(here))
    np.testing.assert_array_equal(loaded.slopes(here).variance_slopes, emulator.slopes(here).variance_slopes)
    assert [file.name for file in tmp_path.iterdir()] == ["density.npz"]
    with np.load(tmp_path / "density.npz", allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def test_files_that_are_no_emulators(tmp_path):
    with pytest.raises(StudyError, match="no such file, expected an emulator"):
        load_emulator(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("emulator")
    with pytest.raises(StudyError, match="cannot be read as an emulator"):
        load_emulator(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    with pytest.raises(StudyError, match="cannot be read as an emulator"):
        load_emulator(tmp_path / "other.npz")
    np.savez(tmp_path / "newer.npz", header=np.frombuffer(b'{"format": "beadsmith emulator 9"}', dtype=np.uint8))
    with pytest.raises(StudyError, match="received the format 'beadsmith emulator 9'"):
        load_emulator(tmp_path / "newer.npz")


def test_too_few_points_are_refused_and_just_enough_are_not():
    assert fit_emulator(measured(4)).predict(design(1))[0].shape == (1,)
    with pytest.raises(EstimateError, match=r"pacm\.density: received 3 points, expected at least 4"):
        fit_emulator(measured(3))
    with pytest.raises(EstimateError, match="received 1 points, expected at least 2"):
        fit_emulator(curve([1.0]))
    repeated = measured(3).at(np.array([0, 1, 2, 2]))
    values = repeated.values + np.array([0, 0, 0, 0.1])
    with pytest.raises(EstimateError, match="received 3 points"):
        fit_emulator(Measurements("pacm", "density", AXES, repeated.inputs, values, repeated.stderrs))


def test_a_constant_observable_is_refused():
    with pytest.raises(EstimateError, match=r"aa\.density: received the value 1\.1 at all 6 points"):
        fit_emulator(curve([1.1] * 6))
    with pytest.raises(EstimateError, match="received the value 0 at all 6 points"):
        fit_emulator(curve([0.0] * 6))
    fit_emulator(curve([1.1, 1.1, 1.1, 1.1, 1.1, 1.1001]))


@pytest.mark.parametrize(
    ("row", "column", "value", "sentence"),
    [
        (2, "values", np.nan, "a value that is not finite in row 3 of 6"),
        (0, "values", np.inf, "a value that is not finite in row 1 of 6"),
        (5, "inputs", np.nan, "a coordinate that is not finite in row 6 of 6"),
        (1, "stderrs", -0.1, "a standard error that is negative or infinite in row 2 of 6"),
        (1, "stderrs", np.inf, "a standard error that is negative or infinite in row 2 of 6"),
    ],
)
def test_numbers_that_cannot_be(row, column, value, sentence):
    columns = {"inputs": np.linspace(0, 0.9, 6)[:, None], "values": np.arange(6.0), "stderrs": np.full(6, 0.1)}
    columns[column][row] = value
    with pytest.raises(ProblemError, match=sentence):
        Measurements("aa", "density", (Axis("DC", 0.0, 0.9),), **columns)


def test_words_that_do_not_fit_the_values():
    with pytest.raises(ProblemError, match="the value -1, expected positive values only for the transform log"):
        fit_emulator(curve([1.0, -1.0, 2.0]), transform="log")
    with pytest.raises(ProblemError, match="no standard error at 3 of 3 points"):
        fit_emulator(curve([1.0, 2.0, 3.0]), noise="measured")
    with pytest.raises(ProblemError, match=r"DC: received the range 0\.5 to 0\.5"):
        Axis("DC", 0.5, 0.5)
    with pytest.raises(ValueError, match=r"inputs have the shape \(2, 2\), expected \(points, 1\)"):
        fit_emulator(curve([1.0, 2.0, 3.0])).predict(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"aa\.density: received inputs, values and standard errors"):
        Measurements("aa", "density", (Axis("DC", 0.0, 0.9),), np.zeros((2, 2)), np.zeros(2), np.zeros(2))
