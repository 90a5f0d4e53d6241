import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.errors import ProblemError
from beadsmith.problem.document import read_document, write_document
from beadsmith.problem.functions import Constant, Linear, RadialBasis, Sigmoid, Tabulated
from beadsmith.problem.model import Model, constant_model, document_from_model, model_from_document
from beadsmith.problem.parameters import Parameter, ParameterSpace
from beadsmith.problem.state import State

SPACE = ParameterSpace(
    kinds={
        "pair.A.epsilon": "energy",
        "pair.A.sigma": "length",
        "pair.B.sigma": "length",
        "angle.A-A-A.theta0": "angle",
    },
    free=(Parameter("pair.A.epsilon", 0.1, 1.0, "energy"), Parameter("pair.A.sigma", 3.0, 5.0, "length")),
    fixed={"angle.A-A-A.theta0": 120.0},
    tied={"pair.B.sigma": "pair.A.sigma"},
)
CONSTANTS = {"pair.A.epsilon": "0.5 kcal/mol", "pair.A.sigma": "4 angstrom"}

number = st.floats(-100, 100)


def model_of(**entries):
    return model_from_document({"title": "m", "parameters": CONSTANTS, **entries}, SPACE)


def at_dc(value: float) -> State:
    return State.of(DC=value)


def test_fixed_and_tied_parameters_may_be_left_out():
    assert model_of().at(State()) == {
        "pair.A.epsilon": 0.5,
        "pair.A.sigma": 4.0,
        "pair.B.sigma": 4.0,
        "angle.A-A-A.theta0": 120.0,
    }


def test_a_model_may_say_what_the_problem_fixes_or_ties_otherwise():
    values = model_of(parameters={**CONSTANTS, "pair.B.sigma": "5 angstrom", "angle.A-A-A.theta0": "100 degree"}).at(
        State()
    )
    assert (values["pair.B.sigma"], values["angle.A-A-A.theta0"]) == (5.0, 100.0)


def test_units_are_converted():
    model = model_of(
        parameters={
            "pair.A.epsilon": "4.184 kJ/mol",
            "pair.A.sigma": "0.4 nm",
            "angle.A-A-A.theta0": "1.5707963268 rad",
        },
        uncertainty={"pair.A.sigma": "0.01 nm"},
    )
    assert list(model.at(State()).values()) == pytest.approx([1.0, 4.0, 4.0, 90.0])
    assert model.uncertainty == pytest.approx({"pair.A.sigma": 0.1})


def test_a_tied_parameter_follows_the_function_of_its_leader():
    line = {"function": "linear", "over": "DC", "intercept": "4 angstrom", "slope": "-0.1 nm"}
    model = model_of(parameters={**CONSTANTS, "pair.A.sigma": line})
    assert model.at(at_dc(0.5))["pair.B.sigma"] == pytest.approx(3.5)


functions = st.one_of(
    st.builds(Constant, st.floats(0.1, 100)),
    st.builds(Linear, st.just("DC"), number, number),
    st.builds(Sigmoid, st.just("DC"), number, number, number, st.floats(0.1, 10)),
    st.builds(
        RadialBasis, st.just("DC"), st.just((0.0, 0.5, 1.0)), st.tuples(number, number, number), st.floats(-0.5, 2)
    ),
    st.builds(Tabulated, st.just("DC"), st.just((0.0, 0.25, 1.0)), st.tuples(number, number, number)),
)


@settings(max_examples=40)
@given(functions, st.floats(-0.5, 1.5))
def test_every_function_survives_the_round_trip_through_a_file(tmp_path_factory, function, where):
    model = Model(
        "round trip",
        {**dict.fromkeys(SPACE.kinds, Constant(1.0)), "pair.A.sigma": function},
        holds_for={"DC": (0.0, 1.0)},
        uncertainty={"pair.A.sigma": 0.125},
        citations=("doi:10/x",),
        notes="Inferred.\nIn part.",
        provenance={"seed": 1},
    )
    path = tmp_path_factory.getbasetemp() / "model.yaml"
    write_document(path, document_from_model(model, SPACE))
    again = model_from_document(read_document(path), SPACE)
    old, new = (one.at(at_dc(where))["pair.A.sigma"] for one in (model, again))
    # Eight digits are written; narrow basis functions amplify their rounding.
    assert new == pytest.approx(old, rel=1e-4, abs=1e-4)
    assert type(again.functions["pair.A.sigma"]) is type(function)
    assert (again.title, again.holds_for, again.uncertainty) == (model.title, model.holds_for, model.uncertainty)
    assert (again.citations, again.notes, again.provenance) == (model.citations, model.notes, model.provenance)


def test_a_model_made_from_a_point_of_the_search_is_complete():
    model = constant_model("best", SPACE, {"pair.A.epsilon": 0.3, "pair.A.sigma": 3.5}, notes="by chance")
    assert model.at(State.of(T=300)) == model.at(State())
    assert model.at(State())["pair.B.sigma"] == 3.5
    assert model.notes == "by chance"


def test_a_state_that_says_too_little_is_named():
    line = {"function": "linear", "over": "DC", "intercept": "4 angstrom", "slope": "1 angstrom"}
    model = model_of(parameters={**CONSTANTS, "pair.A.sigma": line})
    with pytest.raises(
        ProblemError, match="model 'm': received T=300, expected a state that says DC; give --state DC="
    ):
        model.at(State.of(T=300))


def test_a_title_is_one_line_because_it_becomes_a_comment_of_lammps():
    assert model_of(title="two\nlines: \n  shell echo").title == "two lines: shell echo"
    assert model_of(citations=["a\nshell rm"]).citations == ("a shell rm",)


RBF = {"function": "radial_basis", "over": "DC", "centres": [0, 1], "values": "3 4 angstrom", "log10_shape": 0}
SIGMOID = {
    "function": "sigmoid",
    "over": "DC",
    "low": "3 angstrom",
    "high": "4 angstrom",
    "midpoint": 0.5,
    "width": 0.1,
}
TABLE = {"function": "tabulated", "over": "DC", "points": [0, 1], "values": "3 4 angstrom"}


@pytest.mark.parametrize(
    ("sigma", "where", "fragment"),
    [
        pytest.param("4 kg", "", "received 4 kg, expected a length such as", id="unit"),
        pytest.param("4", "", "a length with its unit", id="no unit"),
        pytest.param("-4 angstrom", "", "a length that is not negative", id="negative"),
        pytest.param(None, "", "received nothing, expected a length", id="nothing"),
        pytest.param([4], "", "a length such as", id="list"),
        pytest.param({}, ".function", "received nothing, expected one of constant, linear", id="empty section"),
        pytest.param({"function": "liniar"}, ".function", "did you mean 'linear'?", id="misspelt function"),
        pytest.param({"function": ["linear"]}, ".function", "expected one of constant", id="list of functions"),
        pytest.param(
            {"function": "linear", "over": "DC", "intercept": "4 angstrom"}, ".slope", "received nothing", id="no slope"
        ),
        pytest.param({**SIGMOID, "widht": 1}, ".widht", "did you mean 'width'?", id="misspelt key"),
        pytest.param({**SIGMOID, "low": "3 K"}, ".low", "received 3 K, expected a length", id="unit inside"),
        pytest.param({**SIGMOID, "width": 0}, ".width", "a number other than zero", id="no width"),
        pytest.param({**SIGMOID, "width": "wide"}, ".width", "a finite number without a unit", id="width in words"),
        pytest.param({**SIGMOID, "midpoint": float("nan")}, ".midpoint", "a finite number", id="nan"),
        pytest.param({**RBF, "centres": 0.5}, ".centres", "a list of numbers", id="one centre"),
        pytest.param({**RBF, "centres": []}, ".centres", "a list of numbers", id="no centres"),
        pytest.param({**RBF, "centres": [0, 0]}, ".centres", "numbers that increase", id="same centre"),
        pytest.param(
            {**RBF, "values": "3 4 5 angstrom"}, ".values", "received 3 values, expected one for each", id="long"
        ),
        pytest.param({**RBF, "log10_shape": -30}, ".log10_shape", "too wide to tell the centres apart", id="flat"),
        pytest.param({**RBF, "log10_shape": 1e9}, ".log10_shape", "expected a", id="overflow"),
        pytest.param({**TABLE, "points": [1, 0]}, ".points", "numbers that increase", id="backward"),
        pytest.param({**TABLE, "points": ["a", 1]}, ".points", "a list of numbers", id="words"),
        pytest.param({**TABLE, "values": "3 4"}, ".values", "a length with its unit", id="values without unit"),
    ],
)
def test_functions_that_cannot_be_are_refused_at_their_place(sigma, where, fragment):
    with pytest.raises(ProblemError) as caught:
        model_of(parameters={**CONSTANTS, "pair.A.sigma": sigma})
    assert caught.value.where == f"parameters.pair.A.sigma{where}"
    assert fragment in str(caught.value)


def test_yaml_takes_1e2_for_text_and_we_take_it_for_a_number():
    assert model_of(parameters={**CONSTANTS, "pair.A.sigma": {**SIGMOID, "width": "1e-1"}}).at(at_dc(0.6)) == (
        model_of(parameters={**CONSTANTS, "pair.A.sigma": SIGMOID}).at(at_dc(0.6))
    )


@pytest.mark.parametrize(
    ("entries", "fragment"),
    [
        pytest.param({"parameters": {}}, "pair.A.epsilon: received nothing, expected a value; 2 parameters", id="none"),
        pytest.param({"parameters": None}, "parameters: received nothing", id="no section"),
        pytest.param({"parameters": [1]}, "expected parameter names and their values", id="list"),
        pytest.param(
            {"parameters": {"pair.A.sigma": "4 angstrom"}}, "pair.A.epsilon: received nothing", id="one missing"
        ),
        pytest.param(
            {"parameters": {**CONSTANTS, "pair.A.sigmaa": "4 angstrom"}}, "did you mean 'pair.A.sigma'?", id="misspelt"
        ),
        pytest.param({"parameters": {**CONSTANTS, 3: "4 angstrom"}}, "the name '3'", id="number for a name"),
        pytest.param({"titel": "x"}, "did you mean 'title'?", id="misspelt key"),
        pytest.param({"citations": "doi"}, "citations: received doi, expected a list", id="citations"),
        pytest.param({"holds_for": {"T": "150 to 500"}}, "holds_for.T: received 150 to 500", id="range as text"),
        pytest.param({"holds_for": {"T": [150]}}, "expected two numbers", id="one end"),
        pytest.param({"holds_for": {"T": [500, 150]}}, "the lower one first", id="swapped ends"),
        pytest.param({"holds_for": [150, 500]}, "expected state variables and their ranges", id="no variable"),
        pytest.param({"uncertainty": {"pair.A.sigma": "1 K"}}, "uncertainty.pair.A.sigma: received 1 K", id="unit"),
        pytest.param({"uncertainty": {"pair.C.sigma": "1 angstrom"}}, "uncertainty.pair.C.sigma", id="unknown"),
        pytest.param({"uncertainty": {"pair.A.sigma": "-1 angstrom"}}, "not negative", id="negative"),
        pytest.param({"provenance": "me"}, "provenance: received me, expected keys and values", id="provenance"),
    ],
)
def test_model_files_that_cannot_be_are_refused(entries, fragment):
    with pytest.raises(ProblemError) as caught:
        model_of(**entries)
    assert fragment in str(caught.value)
    assert str(caught.value).isprintable()
