"""Curves along time and strain for many states in one picture; what lines and stars stand on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Observation, Target
from beadsmith.problem.state import State
from beadsmith.report.figures.curves import panels
from beadsmith.report.figures.family import debye_waller_factors, families, family_pictures, guides, is_family
from beadsmith.report.figures.properties import property_pictures
from beadsmith.report.findings import Subject
from beadsmith.report.tables import property_table


def subject(observations: Sequence[Observation], label: str = "Calibrated", result: bool = True, place: int | None = 0):
    return Subject(label, "4 networks", tuple(observations), None, {}, {}, result, place)


@pytest.fixture
def model(epoxy: Problem, mechanics: Callable[..., tuple[Observation, ...]]) -> Subject:
    return subject(mechanics(epoxy))


def changed(model: Subject, observable: str, **changes: object) -> Subject:
    found = [replace(one, **changes) if one.observable == observable else one for one in model.observations]
    return replace(model, observations=tuple(found))


def of(epoxy: Problem, model: Subject, observable: str):
    return next(own[0] for own in families(epoxy, [model]) if own[0].observable == observable)


def test_there_is_one_curve_for_each_degree_with_all_its_points(epoxy, model):
    found = families(epoxy, [model])
    assert [(own[0].observable, own[0].variable, own[0].rest.label) for own in found] == [
        ("mean_squared_displacement", "DC", "T=300"),
        ("stress", "DC", "T=300"),
    ]
    stress = found[1][0]
    assert [member.value for member in stress.members] == pytest.approx(np.arange(10) / 10)
    stored = [one for one in model.observations if one.observable == "stress" and one.state["DC"] == 0.5]
    curve = stress.members[5]
    assert curve.x.tolist() == [one.state["strain"] for one in stored]
    assert curve.y.tolist() == [one.value for one in stored]
    assert curve.error.tolist() == [one.stderr for one in stored]


def test_they_have_no_other_picture_and_others_have_no_family(epoxy, pebax, model):
    assert not {"stress", "mean_squared_displacement"} & {one.observable for one in panels(epoxy, None, [model])}
    assert is_family(epoxy, "stress")
    assert not is_family(epoxy, "density")
    assert family_pictures(pebax, [subject([Observation("density", State.of(T=300.0), 1.0, 0.1)])]) == []


def test_the_elastic_line_has_the_modulus_and_goes_through_the_bins_it_stands_on(epoxy, model):
    setting = epoxy.observables["stress"]
    member = of(epoxy, model, "stress").members[9]
    found = guides(epoxy, model, setting, member)
    assert found.modulus == pytest.approx(1000 * (1.2 + 1.8 * 0.9))
    inside = member.x <= 0.02
    line = found.intercept + found.modulus * member.x[inside]
    assert line.mean() == pytest.approx(member.y[inside].mean())
    strain, strain_error, stress, stress_error = found.yield_point
    assert (strain_error, stress, stress_error) == (0.0, pytest.approx(105.0), 4.0)
    assert stress == pytest.approx(found.intercept + found.modulus * (strain - 0.03))  # on the offset line


def test_no_star_without_yield_and_no_line_without_modulus(epoxy, model):
    setting = epoxy.observables["stress"]
    first = of(epoxy, model, "stress").members[0]
    found = guides(epoxy, model, setting, first)
    assert found.offset == 0.03
    assert found.yield_point is None
    for unknown in ({"value": math.nan}, {"stderr": math.inf}):
        without = changed(model, "youngs_modulus", **unknown)
        assert guides(epoxy, without, setting, first) is None
        assert family_pictures(epoxy, [without])
    bins = [one for one in model.observations if one.observable != "stress" or one.state["strain"] > 0.02]
    beyond = replace(model, observations=tuple(bins))
    assert guides(epoxy, beyond, setting, of(epoxy, beyond, "stress").members[0]) is None


def test_a_measured_yield_strain_is_where_the_star_is(epoxy, model):
    yielding = epoxy.observables["yield_stress"].model_copy(update={"kind": "yield_strain"})
    file = epoxy.file.model_copy(update={"observables": {**epoxy.observables, "yield_strain": yielding}})
    known = replace(epoxy, file=file)
    more = Observation("yield_strain", State.of(DC=0.9, T=300.0), 0.071, 0.004)
    with_strain = replace(model, observations=(*model.observations, more))
    member = of(known, with_strain, "stress").members[9]
    found = guides(known, with_strain, known.observables["stress"], member)
    assert found.yield_point[:2] == (0.071, 0.004)


def test_bins_that_are_not_determined_are_left_out(epoxy, model):
    holes = [
        replace(one, value=math.nan, stderr=math.inf)
        if one.observable == "stress" and (one.state["strain"] > 0.1 or one.state["DC"] == 0.0)
        else one
        for one in model.observations
    ]
    found = of(epoxy, replace(model, observations=tuple(holes)), "stress")
    assert [member.value for member in found.members] == pytest.approx(np.arange(1, 10) / 10)
    assert max(member.x.max() for member in found.members) == pytest.approx(0.095)
    assert property_table(epoxy, [replace(model, observations=tuple(holes))])


@pytest.mark.parametrize("degrees", [(0.9,), (0.0, 0.9), tuple(np.linspace(0, 0.95, 20).tolist())])
def test_one_degree_and_many_have_pictures(epoxy, mechanics, degrees):
    one = subject(mechanics(epoxy, degrees, networks=1))
    pictures = family_pictures(epoxy, [one])
    assert len(pictures) == 2
    assert ("one curve for each of" in pictures[1].text) == (len(degrees) > 1)
    assert "networks" not in pictures[1].caption
    assert "over axes and networks" in family_pictures(epoxy, [subject(mechanics(epoxy, degrees))])[1].caption


def test_several_models_have_a_panel_each(epoxy, model):
    other = replace(model, label="Published", result=False, place=0)
    (displacements, stress) = families(epoxy, [other, model])
    assert [family.model.label for family in stress] == ["Published", "Calibrated"]
    assert [family.model.label for family in displacements] == ["Published", "Calibrated"]
    assert "Published, Calibrated" in family_pictures(epoxy, [other, model])[1].text


def test_a_negative_modulus_and_bands_below_zero_do_no_harm(epoxy, model):
    strange = changed(changed(model, "youngs_modulus", value=-3.0), "mean_squared_displacement", stderr=99.0)
    assert len(family_pictures(epoxy, [strange])) == 2


def test_targets_are_drawn_and_the_caption_says_so(epoxy, model):
    target = Target("stress", State.of(DC=0.9, T=300.0, strain=0.05), 90.0, 5.0)
    aimed = replace(epoxy, targets=(target,))
    assert "open circles: targets" in family_pictures(aimed, [model])[1].caption
    assert "targets" not in family_pictures(aimed, [model])[0].caption


def test_properties_are_in_one_picture_with_the_scatter_between_networks(epoxy, model, mechanics):
    (picture,) = property_pictures(epoxy, None, [model])
    for name in ("Density", "Debye-Waller factor", "Young's modulus", "Yield stress", "Poisson's ratio"):
        assert name in picture.text
    assert "standard deviation between networks" in picture.caption
    assert "not determined at some degrees" in picture.caption
    (panel,) = [one for one in panels(epoxy, None, [model]) if one.observable == "density"]
    assert panel.curves[0].scatter == pytest.approx(0.03 * panel.curves[0].y)
    alone = subject(mechanics(epoxy, (0.5, 0.9), networks=1))
    (picture,) = property_pictures(epoxy, None, [alone])
    assert "between networks" not in picture.caption
    assert "not determined" not in picture.caption


def test_yield_that_is_known_nowhere_has_no_panel(epoxy, model):
    never = changed(model, "yield_stress", value=math.nan, stderr=math.inf)
    (picture,) = property_pictures(epoxy, None, [never])
    assert "Yield" not in picture.text
    assert property_pictures(epoxy, None, [subject([])]) == []


def test_a_curve_of_beads_bears_the_factor_of_beads_and_not_that_of_atoms(epoxy, model):
    """Atoms move more than beads: their factor lies off the curve."""
    both = dict(epoxy.file.observables)
    both["of_atoms"] = both["debye_waller_factor"].model_copy(update={"of": "atoms"})
    problem = replace(epoxy, file=epoxy.file.model_copy(update={"observables": both}))
    factors = [one for one in model.observations if one.observable == "debye_waller_factor"]
    more = [replace(one, observable="of_atoms", value=1.5 * one.value) for one in factors]
    together = replace(model, observations=(*model.observations, *more))
    ((time, shown),) = debye_waller_factors(problem, of(problem, together, "mean_squared_displacement"))
    assert time == pytest.approx(3.0)
    assert [one.value for _, one in shown] == [one.value for one in factors]


def test_displacements_have_one_line_in_the_table(epoxy, model):
    table = property_table(epoxy, [model])
    rows = [one for one in table.rows if one.observable == "mean_squared_displacement"]
    assert len(rows) == 10
    last = [one for one in model.observations if one.observable == "mean_squared_displacement"][4]
    assert rows[0].cells[0].value == last.value
    assert rows[0].summary == "highest value"
    assert table.undetermined == (("Calibrated", "the curve stays above the line, so it has no yield point"),)
