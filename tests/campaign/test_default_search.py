"""Which search a problem gets that names none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from beadsmith.campaign import default_search
from beadsmith.campaign.default_search import search_method
from beadsmith.errors import ProblemError
from beadsmith.problem.problem import load_problem

PEBAX = Path("examples/pebax")


def problem(tmp_path, change=lambda document: None):
    """Pebax without a named method, with only the targets that ``change`` leaves."""
    document = yaml.safe_load((PEBAX / "problem.yaml").read_text())
    del document["search"]["method"], document["compare"], document["fidelities"], document["default_fidelity"]
    change(document)
    path = tmp_path / "problem.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_problem(path)


def add_temperature(document, weight=1.0):
    """The temperature of the melt: the thermostat decides it, so it has no derivative."""
    document["observables"]["warmth"] = {"kind": "temperature", "experiment": "melt"}
    document["targets"]["warmth"] = {
        "state": {"T": "500 K"},
        "value": "500 K",
        "uncertainty": "1 K",
        "weight": weight,
        "source": "a test",
    }


def only_temperature(document):
    add_temperature(document)
    document["targets"] = {"warmth": document["targets"]["warmth"]}


def only_transition(document):
    document["targets"] = {"glass_transition": document["targets"]["glass_transition"]}


def only_hyperbola(document):
    only_transition(document)
    document["observables"]["glass_transition"] = {"kind": "glass_transition_hyperbola", "density": "density"}


def only_expansion(document):
    document["observables"]["expansion"] = {
        "kind": "thermal_expansion",
        "density": "density",
        "temperatures": "425 to 500 K",
    }
    document["targets"] = {
        "expansion": {"value": "6e-4 1/K", "uncertainty": "1e-4 1/K", "source": "a test"},
    }


def only_radius(document):
    del document["targets"]["density"]


def without_libraries(monkeypatch):
    monkeypatch.setattr(default_search, "gaussian_processes_available", lambda: False)


def test_gauss_newton_where_every_target_has_a_gradient(tmp_path):
    assert search_method(problem(tmp_path)) == "gauss-newton"


def test_the_one_that_is_named(tmp_path):
    assert search_method(problem(tmp_path, lambda one: one["search"].update(method="random"))) == "random"


@pytest.mark.parametrize("change", [add_temperature, only_temperature, only_transition, only_hyperbola])
def test_combined_where_some_or_all_targets_have_none(tmp_path, change):
    assert search_method(problem(tmp_path, change)) == "combined"


def test_a_target_that_does_not_count_decides_nothing(tmp_path):
    assert search_method(problem(tmp_path, lambda one: add_temperature(one, weight=0.0))) == "gauss-newton"


@pytest.mark.parametrize("change", [only_expansion, only_radius])
def test_gauss_newton_where_more_than_a_glass_transition_has_a_gradient(tmp_path, change):
    """Densities may leave a transition undetermined, but not an expansion."""
    assert search_method(problem(tmp_path, change)) == "gauss-newton"


@pytest.mark.parametrize(
    ("change", "expected"), [(add_temperature, "gauss-newton"), (only_temperature, "tpe"), (only_transition, "tpe")]
)
def test_without_the_optional_libraries(tmp_path, monkeypatch, change, expected):
    without_libraries(monkeypatch)
    assert search_method(problem(tmp_path, change)) == expected


def test_a_script_of_the_users_own_has_no_gradients():
    own = load_problem(Path("examples/own-script/problem.yaml"))
    bare = own.file.search.model_copy(update={"method": None})
    assert (
        default_search.search_method(
            default_search.Problem(**{**vars(own), "file": own.file.model_copy(update={"search": bare})})
        )
        == "combined"
    )


def test_gauss_newton_is_refused_where_nothing_can_ever_have_a_gradient(tmp_path):
    def named(document):
        only_temperature(document)
        document["search"]["method"] = "gauss-newton"

    sentence = "received gauss-newton, expected a method without derivatives.*warmth.*choose grey-box, combined or tpe"
    with pytest.raises(ProblemError, match=f"search.method: {sentence}"):
        search_method(problem(tmp_path, named))
    with pytest.raises(ProblemError, match=f"--search: {sentence}"):
        search_method(problem(tmp_path, only_temperature), "gauss-newton")
    assert search_method(problem(tmp_path, named), "tpe") == "tpe"


@pytest.mark.parametrize("change", [add_temperature, only_transition, only_expansion])
def test_gauss_newton_by_name_where_something_may_have_a_gradient(tmp_path, change):
    assert search_method(problem(tmp_path, change), "gauss-newton") == "gauss-newton"


def test_gauss_newton_by_name_where_a_script_may_record_frames():
    own = load_problem(Path("examples/own-script/problem.yaml"))
    assert search_method(own, "gauss-newton") == "gauss-newton"


def test_an_unknown_method_is_refused(tmp_path):
    with pytest.raises(ProblemError, match=r"--search: received newton, expected one of gauss-newton"):
        search_method(problem(tmp_path), "newton")
