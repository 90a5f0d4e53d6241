"""What the figures of a renormalization draw: the numbers stored, each once, where they belong."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from beadsmith.campaign.renormalization.stages import validation_document
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Target
from beadsmith.problem.state import State
from beadsmith.report import looks
from beadsmith.report.figures.functions import _paint as paint_function
from beadsmith.report.figures.functions import function_panels
from beadsmith.report.figures.grid import rows_of_panels
from beadsmith.report.figures.predicted import property_panels
from beadsmith.report.figures.sensitivities import MOST_ROWS, _names, bars_of, quantity_of
from beadsmith.report.figures.simplification import path_picture
from beadsmith.report.figures.surrogates import parity_picture
from beadsmith.report.renormalization import pictures_of
from beadsmith.report.renormalization_tables import quality
from beadsmith.report.stages import Stages, read_stages


@pytest.fixture(scope="module")
def stages(renormalized: Study) -> Stages:
    return read_stages(renormalized)


def test_panels_of_functions_hold_the_fitted_functions_and_all_envelopes(twin: Problem, stages: Stages):
    panels = function_panels(twin, stages)
    assert [panel.name for panel in panels] == [
        one.name for one in twin.parameters.free if one.name in stages.posterior
    ]
    for panel in panels:
        (before, blue, calibrated), (after, orange, simplified) = panel.curves
        assert (before, after) == ("calibrated, 13 numbers", f"simplified, {stages.simplified.free_parameters} numbers")
        assert (blue, orange) == (looks.CALIBRATED, looks.SIMPLIFIED)
        for degree in (0.0, 0.4, 0.95):
            state = State.of(DC=degree)
            assert calibrated(state) == stages.calibration.functions[panel.name](state)
            assert simplified(state) == stages.simplified.functions[panel.name](state)
        assert [envelope for _, _, envelope in panel.envelopes] == [
            stages.published[panel.name],
            stages.posterior[panel.name],
            stages.posterior_simplified[panel.name],
        ]
        assert panel.ends == stages.calibration.family.ranges[panel.name]
        assert panel.over == "DC"
    assert {panel.unit for panel in panels} == {"kcal/mol", "Å"}


def test_the_whole_range_is_in_sight_and_functions_that_run_away_do_not_flatten_the_others(
    twin: Problem, stages: Stages
):
    panel = function_panels(twin, stages)[0]
    low, high = panel.ends
    axes = Figure().add_subplot()
    paint_function(axes, panel)
    assert axes.get_ylim()[0] < low < high < axes.get_ylim()[1]
    away = replace(panel, curves=((*panel.curves[0][:2], lambda state: high + 100.0 * (high - low)),))
    axes = Figure().add_subplot()
    paint_function(axes, away)
    assert axes.get_ylim()[1] < high + 0.5 * (high - low)


def test_parameters_of_one_kind_stand_together():
    assert rows_of_panels({"epsilon": [1, 2, 3, 4, 5], "sigma": [6]}) == [[1, 2, 3, 4], [5], [6]]


def test_panels_of_properties_hold_targets_once_predictions_and_simulations(twin: Problem, stages: Stages):
    panels = property_panels(stages)
    assert [(panel.system, panel.observable) for panel in panels] == [
        (name.partition("_")[0], name) for name in twin.observables
    ]
    for panel in panels:
        targets = sorted((t.state["DC"], t.value, t.stderr) for t in twin.targets if t.observable == panel.observable)
        assert np.array([panel.reference.x, panel.reference.y, panel.reference.error]).T.tolist() == pytest.approx(
            np.array(targets)
        )
        before, after = panel.predictions
        for points, model in ((before, stages.calibration), (after, stages.simplified)):
            own = sorted(
                (p.state["DC"], p.value, p.stderr) for p in model.predictions if p.observable == panel.observable
            )
            assert np.array([points.x, points.y, points.error]).T.tolist() == pytest.approx(np.array(own))
        runs = [one for one in stages.validation["comparisons"] if one["observable"] == panel.observable]
        assert panel.simulated.y == pytest.approx([one["value"] for one in runs])
        assert panel.simulated.look == looks.SIMULATED


def test_other_state_variables_have_panels_of_their_own(stages: Stages):
    calibration = stages.calibration
    states = [State.of(DC=degree, T=kelvin) for kelvin in (300.0, 500.0) for degree in (0.0, 0.5, 1.0)]
    some = tuple(replace(calibration.predictions[0], state=state) for state in states)
    alone = replace(stages, calibration=replace(calibration, predictions=some), simplified=None, validation=None)
    panels = property_panels(alone)
    assert [(panel.variable, panel.rest.label) for panel in panels] == [("DC", "T=300"), ("DC", "T=500")]
    assert all(panel.reference.x.tolist() == [0.0, 0.5, 1.0] for panel in panels)


def test_a_target_without_any_state_has_a_panel_too(twin: Problem, stages: Stages):
    one = replace(stages.calibration.predictions[0], state=State())
    alone = replace(
        stages, calibration=replace(stages.calibration, predictions=(one,)), simplified=None, validation=None
    )
    (panel,) = property_panels(alone)
    assert (panel.variable, panel.reference.x.tolist(), panel.simulated) == ("", [0.0], None)
    assert pictures_of(twin, alone).properties is not None


def test_systems_that_measure_the_same_are_drawn_side_by_side(twin: Problem, documents):
    sensitivity = documents["sensitivity"]
    bars = bars_of(twin, sensitivity, "beads")
    assert [one.quantity for one in bars] == ["density", "cage"]
    assert all(list(one.by_system) == ["pacm", "d400"] for one in bars)
    assert bars[1].by_system["d400"] is sensitivity["sensitivity"]["d400"]["d400_cage"]["beads"]
    assert quantity_of(twin, "no such observable") == "no such observable"


def test_two_observables_of_one_kind_keep_their_names(twin: Problem, documents):
    own = documents["sensitivity"]["sensitivity"]["pacm"]["pacm_density"]
    cage = twin.observables["pacm_cage"].model_copy(update={"column": "density"})
    file = twin.file.model_copy(update={"observables": {**twin.observables, "pacm_cage": cage}})
    sensitivity = {"sensitivity": {"pacm": {"pacm_density": own, "pacm_cage": own}}, "held": {}, "refused": {}}
    bars = bars_of(replace(twin, file=file), sensitivity, "kinds")
    assert [one.quantity for one in bars] == ["pacm_density", "pacm_cage"]


def test_rows_follow_the_problem_with_states_last_and_the_least_are_left_out_of_many(twin: Problem, documents):
    bars = bars_of(twin, documents["sensitivity"], "parameters")
    names, left_out = _names(twin, bars, {"DC"})
    assert names == ["pair.B1.epsilon", "pair.B3.epsilon", "pair.B1.sigma", "pair.B6.sigma", "DC"]
    assert left_out == 0
    many = [f"pair.A{place}.epsilon" for place in range(MOST_ROWS + 5)]
    shares = [{"value": 0.01 * place, "low": 0.0, "high": 1.0} for place in range(MOST_ROWS + 5)]
    one = replace(bars[0], by_system={"pacm": {"names": many, "main": shares, "total": shares}})
    assert _names(twin, [one], set()) == (many[5:], 5)


def test_the_path_names_its_knee_and_its_best_and_shows_the_published_rule(stages: Stages):
    numbers = [one.numbers for one in stages.path.candidates]
    assert numbers == sorted(numbers, reverse=True)
    caption = path_picture(stages.path).caption
    assert f"The knee, {numbers[stages.path.knee]} numbers" in caption
    assert f"lowest at {numbers[stages.path.best]}." in caption
    assert path_picture(stages.path, stages.by_rule).source != path_picture(stages.path).source


def test_many_runs_do_not_make_a_page_that_cannot_be_mailed(twin: Problem, documents):
    """Thousands of points are pixels: fifty times as many runs must not make the figure fifty times as large."""
    entry = documents["fit"]["surrogates"]["pacm"]["pacm_cage"]
    lists = ("values", "predicted", "residuals", "stderrs")
    many = {
        **entry,
        **{key: entry[key] * 50 for key in lists},
        "intervals": [[*side] * 50 for side in entry["intervals"]],
    }
    sizes = [len(parity_picture(twin, {"surrogates": {"pacm": {"pacm_cage": one}}}).source) for one in (entry, many)]
    assert sizes[1] < 2 * sizes[0]


def test_pictures_are_whole_svg_images_with_words(twin: Problem, stages: Stages):
    found = pictures_of(twin, stages)
    for picture in (found.parity, *found.sensitivities, found.functions, found.properties, found.path):
        head, _, body = picture.source.partition(",")
        assert head == "data:image/svg+xml;base64"
        ET.fromstring(base64.b64decode(body))
        assert picture.text
        assert picture.caption
    assert found.curves == ()


def test_curves_of_the_validated_model_stand_beside_their_targets(
    epoxy: Problem, mechanics: Callable[..., tuple], part: Callable[..., Study]
):
    observations = mechanics(epoxy, (0.0, 0.5))
    study = part(validation_1=validation_document(1, [], []))
    study.clear("validation-1")
    for number, degree in enumerate((0.0, 0.5)):
        own = tuple(one for one in observations if one.state["DC"] == degree)
        study.append("validation-1", Evaluation(number, {"DC": degree}, 1, own, label="network"))
    curves = [one for one in observations if one.observable in ("stress", "mean_squared_displacement")]
    targets = tuple(Target(one.observable, one.state, one.value, 0.1 * abs(one.value) + 0.1) for one in curves[::4])
    without, beside = (
        pictures_of(replace(epoxy, targets=chosen), read_stages(study)).curves for chosen in ((), targets)
    )
    assert [picture.text.partition(" (")[0] for picture in without] == ["Mean squared displacement", "Stress"]
    assert all("open circles: targets" in picture.caption for picture in beside)
    assert not any("open circles: targets" in picture.caption for picture in without)


def test_nothing_shares_a_colour_with_something_else():
    models = (looks.TARGET, looks.CALIBRATED, looks.SIMPLIFIED, looks.SIMULATED, looks.PUBLISHED)
    colours = [one.colour for one in models] + [looks.colour_of_system(place) for place in range(6)]
    assert len(set(colours)) == len(colours)
    assert looks.colour_of_system(6) == looks.colour_of_system(0)


@pytest.mark.parametrize(
    ("q2", "shown"), [(0.97489, "0.975"), (0.9996, "> 0.999"), (1.0, "1.000"), (-0.25, "−0.250"), (None, "–")]
)
def test_no_surrogate_is_rounded_up_to_a_perfect_one(q2: float | None, shown: str):
    assert quality(q2) == shown
