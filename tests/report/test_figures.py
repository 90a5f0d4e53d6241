import base64
import math
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from beadsmith.campaign.calibration import outcome_of
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Observation, Target
from beadsmith.problem.schema import GlassTransitionHyperbola
from beadsmith.problem.state import State
from beadsmith.report.figures.convergence import band_over_repeats, convergence_picture, course_of, scale_of
from beadsmith.report.figures.curves import Curve, _limits, _unbroken, panels, transition_lines
from beadsmith.report.figures.family import varying
from beadsmith.report.figures.style import Picture, draw, legend_label
from beadsmith.report.figures.terms import distribution_picture, term_of_best, terms_picture
from beadsmith.report.findings import Subject, start_of, subjects
from beadsmith.report.looks import _COMPARED, RESULT, START, TARGET, look_of
from beadsmith.report.page import _MARKERS


def judged(number: int, misfit: float | None, **terms: float) -> Evaluation:
    return Evaluation(number, {}, number, (), misfit=misfit, terms=terms, core_seconds=1800.0)


def svg(picture: Picture) -> ET.Element:
    head, _, body = picture.source.partition(",")
    assert head == "data:image/svg+xml;base64"
    return ET.fromstring(base64.b64decode(body))


def at(label: str, *observations: Observation, result: bool = False, place: int | None = None) -> Subject:
    return Subject(label, "", observations, None, {}, {}, result, place)


# -- how they are drawn


def test_a_picture_is_an_svg_without_references_to_elsewhere():
    picture = draw(lambda figure: figure.add_subplot().plot([1, 2]) and None, 2.0, "a line")
    root = svg(picture)
    assert root.tag.endswith("svg")
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert links
    assert all(link.startswith("#") for link in links)


def test_the_same_data_give_the_same_bytes():
    first, second = (draw(lambda figure: figure.add_subplot().plot([1, 2]) and None, 2.0, "a line") for _ in range(2))
    assert first == second


def test_drawing_leaves_the_settings_of_the_caller_alone():
    with mpl.rc_context({"font.size": 31.0, "lines.linewidth": 9.0}):
        seen = []
        draw(lambda figure: seen.append(mpl.rcParams["lines.linewidth"]), 2.0, "nothing")
        assert mpl.rcParams["font.size"] == 31.0
        assert seen == [1.4]


def test_names_are_neither_formulas_nor_hidden():
    def paint(figure: Figure) -> None:
        figure.add_subplot(title="$x_1$ and $ 漢字").plot([1, 2], label=legend_label("_hidden"))
        figure.legend()

    assert svg(draw(paint, 2.0, "names")) is not None
    assert not legend_label("_hidden").startswith("_")


def test_looks_differ_in_more_than_colour():
    looks = [TARGET, START, *_COMPARED]
    assert len({look.marker for look in looks}) == len({look.line for look in looks}) == len(looks)
    assert (RESULT.filled, TARGET.filled) == (True, False)
    assert look_of(at("start")) == START
    assert look_of(at("x", place=len(_COMPARED))) == look_of(at("x", place=0))
    assert {look.marker for look in (RESULT, *_COMPARED)} <= _MARKERS.keys()


# -- curves


def test_the_example_has_a_panel_for_each_observable_with_a_curve(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    found = panels(pebax, start_of(outcome), subjects(pebax, outcome))
    assert [(panel.observable, panel.variable) for panel in found] == [("density", "T"), ("radius_of_gyration", "T")]
    labels = [curve.label for curve in found[0].curves]
    assert labels == ["Start (evaluation 0)", "Hybrid strategy", "CG-BO (published)", "Calibrated"]
    assert found[0].target is not None
    assert found[0].target.x.tolist() == [150, 175, 200, 225, 425, 450, 475, 500]


def test_scalars_have_no_panel(tiny: Callable[..., Problem], make_study: Callable[..., Study], tmp_path: Path):
    problem = tiny()
    outcome = outcome_of(make_study(problem, tmp_path / "s", total=10), problem)
    assert panels(problem, start_of(outcome), subjects(problem, outcome)) == []


def test_the_variable_with_most_values_is_the_axis_and_the_others_make_panels(pebax: Problem):
    states = [State.of(T=t, DC=dc) for dc in (0.0, 0.5) for t in (300.0, 350.0, 400.0)]
    model = at("m", *(Observation("density", state, 1.0, 0.1) for state in states), result=True)
    assert varying(states) == "T"
    found = [panel for panel in panels(pebax, None, [model]) if panel.rest.label]
    assert [(panel.variable, panel.rest.label) for panel in found] == [("T", "DC=0"), ("T", "DC=0.5")]
    assert all(len(panel.curves[0].x) == 3 for panel in found)


@pytest.mark.parametrize(
    ("states", "variable"),
    [([], None), ([State()], None), ([State.of(T=1.0)], None), ([State.of(T=1.0), State.of(T=2.0)], "T")],
)
def test_a_variable_varies_if_it_takes_two_values(states: list[State], variable: str | None):
    assert varying(states) == variable


def test_lines_are_broken_at_gaps():
    def curve(*x: float) -> Curve:
        values = np.array(x)
        return Curve("c", TARGET, values, values, np.zeros(len(x)))

    assert [part.x.tolist() for part in _unbroken(curve(150, 175, 200, 425, 450))] == [[150, 175, 200], [425, 450]]
    assert len(_unbroken(curve(1, 2, 3, 4))) == 1
    assert len(_unbroken(curve(1, 100))) == 1
    assert len(_unbroken(curve(1))) == 1


def test_an_outlandish_start_does_not_flatten_the_rest(pebax: Problem):
    temperatures = (150.0, 175.0, 200.0)
    start = at("start", *(Observation("density", State.of(T=t), 9.0, 0.1) for t in temperatures))
    near = at("start", *(Observation("density", State.of(T=t), 1.25, 0.001) for t in temperatures))
    result = at("r", *(Observation("density", State.of(T=t), 1.23, 0.01) for t in temperatures), result=True)
    assert _limits(panels(pebax, start, [result])[0])[1] < 1.7
    assert _limits(panels(pebax, near, [result])[0])[1] > 1.25
    alone = _limits(panels(pebax, None, [result])[0])
    assert _limits(panels(pebax, near, [result])[0])[0] == pytest.approx(alone[0], abs=0.02)


def test_targets_that_leave_the_transition_open_have_no_crossing(pebax: Problem):
    """The paper's 378.10 K from eight densities without error bars: with ours, any temperature between them will do."""
    [density, _] = panels(pebax, None, [])
    [line] = transition_lines(pebax, density)
    assert line.crossing is None
    assert line.label == "Lines of glass and melt, target"


@pytest.mark.parametrize(
    ("melt_slope", "labels"),
    [
        pytest.param(1.2e-4, ["Lines of glass and melt, target", "Lines of glass and melt, r"], id="cross far outside"),
        pytest.param(1.0e-4, ["Lines of glass and melt, target"], id="parallel"),
    ],
)
def test_lines_that_do_not_cross_inside_have_no_crossing(pebax: Problem, melt_slope: float, labels: list[str]):
    glass = [(t, 1.3 - 1e-4 * (t - 150)) for t in (150.0, 175.0, 200.0, 225.0)]
    melt = [(t, 1.1 - melt_slope * (t - 425)) for t in (425.0, 450.0, 475.0, 500.0)]
    points = (Observation("density", State.of(T=t), value, 0.001) for t, value in (*glass, *melt))
    [density, *_] = panels(pebax, None, [at("r", *points, result=True)])
    lines = transition_lines(pebax, density)
    assert [line.label for line in lines] == labels
    assert all(line.crossing is None for line in lines[1:])


def test_a_hyperbola_is_drawn_where_one_is_fitted(pebax: Problem):
    hyperbola = GlassTransitionHyperbola(kind="glass_transition_hyperbola", density="density")
    observables = {**pebax.observables, "glass_transition": hyperbola}
    problem = replace(pebax, file=pebax.file.model_copy(update={"observables": observables}))
    [density, _] = panels(problem, None, [])
    [line] = transition_lines(problem, density)
    assert line.label == "Hyperbola, target"
    np.testing.assert_allclose(line.y[[0, -1]], [1.2344, 1.0793], atol=0.01)
    assert line.crossing is None  # eight points with a gap leave the bend open
    assert "not determined" in line.note


def bent(t: float) -> float:
    return 1.2 - 3e-4 * (t - 320) - 2e-4 * (abs(t - 320) + (t - 320))


def test_a_star_stands_where_a_determined_transition_is(pebax: Problem):
    hyperbola = GlassTransitionHyperbola(kind="glass_transition_hyperbola", density="density")
    observables = {**pebax.observables, "by_hyperbola": hyperbola}
    problem = replace(pebax, file=pebax.file.model_copy(update={"observables": observables}))
    points = [Observation("density", State.of(T=t), bent(t), 2e-4) for t in np.arange(150.0, 501.0, 25.0)]
    [density, _] = panels(problem, None, [at("r", *points, result=True)])
    stars = {line.label: line for line in transition_lines(problem, density) if line.label.endswith(", r")}
    assert set(stars) == {"Lines of glass and melt, r", "Hyperbola, r"}
    for line in stars.values():
        assert line.crossing is not None
        assert line.crossing[0] == pytest.approx(320, abs=5)
        assert 0 < line.stderr < 5


def test_values_that_are_no_numbers_are_left_out(pebax: Problem):
    states = [State.of(T=t) for t in (150.0, 175.0, 200.0)]
    values = [(math.nan, 0.1), (1.2, math.inf), (1.3, 0.1)]
    model = at(
        "m", *(Observation("density", state, *pair) for state, pair in zip(states, values, strict=True)), result=True
    )
    [density, *_] = panels(pebax, None, [model])
    assert density.curves[0].x.tolist() == [175, 200]
    assert density.curves[0].error.tolist() == [0.0, 0.1]


def test_an_observable_without_target_is_drawn_too(pebax: Problem):
    model = at("m", *(Observation("energy", State.of(T=t), -t, 1.0) for t in (100.0, 200.0)), result=True)
    assert panels(pebax, None, [model])[-1].observable == "energy"


# -- convergence


def test_the_course_knows_failures_and_cost():
    course = course_of([judged(0, None), judged(1, 3.0), judged(2, math.inf), judged(3, 5.0), judged(4, 1.0)])
    np.testing.assert_array_equal(course.misfit, [np.nan, 3, np.nan, 5, 1])
    np.testing.assert_array_equal(course.best, [np.nan, 3, 3, 3, 1])
    np.testing.assert_allclose(course.hours, [0.5, 1, 1.5, 2, 2.5])


def test_the_band_spans_the_repeats_where_all_have_values():
    x, median, low, high = band_over_repeats(
        [
            (np.array([0.0, 1, 2, 3]), np.array([np.nan, 4, 4, 1])),
            (np.array([0.0, 1, 2, 3, 4]), np.array([8.0, 8, 2, 2, 0])),
            (np.array([0.5, 2.5]), np.array([6.0, 3.0])),
        ]
    )
    assert x.tolist() == [1, 2, 2.5]
    assert median.tolist() == [6, 4, 3]
    assert low.tolist() == [4, 2, 2]
    assert high.tolist() == [8, 6, 4]


def test_no_band_without_overlap_or_values():
    apart = [(np.array([0.0, 1.0]), np.array([1.0, 1.0])), (np.array([5.0, 6.0]), np.array([1.0, 1.0]))]
    failed = [(np.array([0.0, 1.0]), np.array([np.nan, np.nan])), apart[0]]
    assert len(band_over_repeats(apart)[0]) == len(band_over_repeats(failed)[0]) == 0


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 19.0], "linear"),
        ([1.0, 21.0], "log"),
        ([0.0, 1e6], "linear"),
        ([np.nan, 2.0], "linear"),
        ([np.nan], "linear"),
    ],
)
def test_wide_ranges_are_logarithmic(values: list[float], scale: str):
    axes = Figure().add_subplot()
    scale_of(axes, np.array(values))
    assert axes.get_yscale() == scale


def test_convergence_draws_with_failures_repeats_and_one_evaluation(pebax: Problem, pebax_study: Study):
    outcome = outcome_of(pebax_study, pebax)
    models = subjects(pebax, outcome)
    assert svg(convergence_picture(outcome.evaluations, models, [outcome.evaluations[:30], ()])) is not None
    assert svg(convergence_picture([judged(0, 2.0)], [])) is not None
    assert svg(convergence_picture([judged(0, 0.0), judged(1, None)], [])) is not None


# -- terms


def test_the_term_of_the_best_may_rise():
    evaluations = [judged(0, None), judged(1, 4.0, a=1.0), judged(2, 5.0, a=0.1), judged(3, 3.0, a=2.0)]
    np.testing.assert_array_equal(term_of_best(evaluations, "a"), [np.nan, 1, 1, 2])


def test_as_many_panels_as_terms():
    picture = terms_picture([judged(0, 4.0, a=1.0, b=2.0, c=3.0, d=4.0)], [])
    assert picture is not None
    assert picture.text.endswith("A, B, C, D")
    assert svg(picture) is not None
    assert terms_picture([judged(0, None)], []) is None


def test_a_distribution_needs_two_positive_misfits():
    assert distribution_picture([judged(0, 1.0), judged(1, None)], []) is None
    assert distribution_picture([judged(0, 1.0), judged(1, 0.0)], []) is None
    equal = distribution_picture([judged(0, 1.0), judged(1, 1.0)], [])
    assert equal is not None
    assert svg(equal) is not None


def test_targets_at_one_state_make_no_panel(pebax: Problem):
    one = replace(pebax, targets=(Target("density", State.of(T=300.0), 1.1, 0.01),))
    assert panels(one, None, []) == []
