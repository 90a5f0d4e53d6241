import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from beadsmith.campaign.calibration import Measured
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.problem.records import Evaluation, Failure, FailureKind
from beadsmith.problem.schema import CombinedVariance, Martins2025, Relative
from beadsmith.report.findings import Findings, gather
from beadsmith.report.summary import Verdict, contrast, meaning_of, summary


def measured(label: str, misfits: Sequence[float]) -> Measured:
    """As a study's tables give it."""
    replicas = tuple(Evaluation(i, {}, i, (), misfit=misfit) for i, misfit in enumerate(misfits))
    mean = sum(misfits) / len(misfits)
    if len(misfits) == 1:
        return Measured(label, {}, replicas, (), mean, math.inf)
    variance = sum((misfit - mean) ** 2 for misfit in misfits) / (len(misfits) - 1)
    return Measured(label, {}, replicas, (), mean, math.sqrt(variance / len(misfits)))


def words(findings: Findings) -> str:
    return " ".join(summary(findings))


@pytest.mark.parametrize(
    ("result", "other", "verdict"),
    [
        pytest.param([1.0, 1.1, 0.9], [2.0, 2.1, 1.9], Verdict.BETTER, id="clearly below"),
        pytest.param([2.0, 2.1, 1.9], [1.0, 1.1, 0.9], Verdict.WORSE, id="clearly above"),
        pytest.param([1.0, 1.4, 0.6], [1.2, 1.6, 0.8], Verdict.SAME, id="below, within the errors"),
        pytest.param([1.2, 1.6, 0.8], [1.0, 1.4, 0.6], Verdict.SAME, id="above, within the errors"),
        pytest.param([1.0], [2.0, 2.1, 1.9], Verdict.UNKNOWN, id="measured once"),
        pytest.param([1.0, 1.0], [2.0, 2.0], Verdict.BETTER, id="no scatter at all"),
        pytest.param([1.0, 1.0], [1.0, 1.0], Verdict.SAME, id="equal without scatter"),
    ],
)
def test_a_difference_counts_only_beyond_chance(result: list[float], other: list[float], verdict: Verdict):
    found = contrast("other", measured("re-measured 1", result), measured("other", other))
    assert found is not None
    assert found.verdict is verdict


def test_two_standard_errors_are_not_enough_after_three_repeats():
    result, other = measured("re-measured 1", [1.0, 1.2, 0.8]), measured("other", [1.4, 1.6, 1.2])
    found = contrast("other", result, other)
    assert found is not None
    assert abs(found.difference.value) > 2 * found.difference.stderr
    assert found.verdict is Verdict.SAME
    # Welch's degrees of freedom are 4 for equal scatter; Student's 97.5 % point is 2.776.
    assert found.least == pytest.approx(2.776 * found.difference.stderr, rel=1e-3)


def test_equal_models_are_called_different_in_one_of_twenty_cases():
    rng = random.Random(7)
    wrong = 0
    for _ in range(2000):
        pair = [measured("m 1", [rng.gauss(1, 0.2) for _ in range(3)]) for _ in range(2)]
        found = contrast("other", *pair)
        wrong += found is not None and found.verdict is not Verdict.SAME
    assert 0.02 < wrong / 2000 < 0.06


def test_without_a_misfit_there_is_no_contrast():
    failed = Measured("other", {}, (), (), None, math.inf)
    assert contrast("other", measured("m 1", [1.0, 2.0]), failed) is None


def test_a_finished_study_in_words(pebax: Problem, pebax_study: Study):
    findings = gather(pebax, pebax_study)
    text, best = words(findings), findings.outcome.best
    assert best is not None
    assert f"evaluation {best.number} of the search" in text
    assert "mean of 3 measurements with fresh seeds" in text
    assert "It lies below that of Hybrid strategy" in text
    assert "60 evaluations, of which 6 failed" in text
    assert "core-minutes in 144 simulations" in text


def with_misfits(findings: Findings, misfits: dict[str, list[float]]) -> Findings:
    """The same study, had its models been measured so."""
    outcome = findings.outcome
    best = outcome.best
    assert best is not None
    models = tuple(replace(measured(label, values), point=best.point) for label, values in misfits.items())
    return replace(findings, outcome=replace(outcome, measured=models, best=models[0]))


def test_what_chance_explains_is_not_called_a_success(pebax: Problem, pebax_study: Study):
    misfits = {
        "re-measured 5": [1.0, 1.4, 0.6],
        "Hybrid strategy": [1.2, 1.6, 0.8],
        "CG-BO (published)": [0.5, 0.51, 0.49],
    }
    text = words(with_misfits(gather(pebax, pebax_study), misfits))
    assert "It cannot be told apart from that of Hybrid strategy, 1.20 ± 0.23: the difference of 0.20 ± 0.33" in text
    assert "It lies below" not in text


def test_a_worse_result_is_called_worse(pebax: Problem, pebax_study: Study):
    misfits = {"re-measured 5": [1.0, 1.1, 0.9], "CG-BO (published)": [0.5, 0.51, 0.49]}
    text = words(with_misfits(gather(pebax, pebax_study), misfits))
    assert "It lies above that of CG-BO (published)" in text
    assert "found nothing better" in text
    assert "Not measured here, so not compared: Hybrid strategy." in text


def test_one_measurement_has_no_error(pebax: Problem, pebax_study: Study):
    text = words(with_misfits(gather(pebax, pebax_study), {"re-measured 5": [1.0], "Hybrid strategy": [2.0]}))
    assert "measured once with a fresh seed, so its error is not known" in text
    assert "cannot be ranked" in text


def test_nothing_at_all(pebax: Problem, tmp_path: Path):
    assert "Nothing has been evaluated" in words(gather(pebax, Study(tmp_path / "none")))


def test_only_failures(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path):
    study = make_study(pebax, tmp_path / "s", total=4, every=1, failures=[FailureKind.TIMEOUT])
    text = words(gather(pebax, study))
    assert "All 4 evaluations failed" in text
    assert "of which 4 failed" in text


def test_a_running_search_claims_no_result(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path):
    text = words(gather(pebax, make_study(pebax, tmp_path / "s", total=12, replicas=0)))
    assert "The lowest misfit so far" in text
    assert "luckiest of 12 evaluations" in text
    assert "no result to compare" in text
    assert "calibrated model" not in text


def test_failed_measurements_leave_no_result(pebax: Problem, make_study: Callable[..., Study], tmp_path: Path):
    study = make_study(pebax, tmp_path / "s", total=5, replicas=0)
    failure = Failure(FailureKind.KILLED, "melt", "signal 9")
    study.append("measurements", Evaluation(0, {}, 1, (), (failure,), label="re-measured 2"))
    assert "has failed so far, so there is no result" in words(gather(pebax, study))


def test_without_targets_nothing_is_judged(tiny: Callable[..., Problem], tmp_path: Path):
    problem = replace(tiny(), targets=())
    study = Study(tmp_path / "s")
    study.folder.mkdir()
    study.append("evaluations", Evaluation(0, {}, 1, ()))
    assert "no targets" in words(gather(problem, study))


def test_every_misfit_says_what_it_means():
    for misfit in (CombinedVariance(), Relative(kind="relative"), Martins2025(kind="martins2025")):
        assert meaning_of(misfit).startswith("A misfit is")
