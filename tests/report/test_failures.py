from beadsmith.problem.records import Evaluation, Failure, FailureKind
from beadsmith.report.failures import MOST_LINES, failure_groups


def failing(number: int, *failures: Failure) -> Evaluation:
    return Evaluation(number, {}, 100 + number, (), failures)


def test_failures_are_counted_by_kind_and_experiment():
    lost, late = FailureKind.LOST_ATOMS, FailureKind.TIMEOUT
    groups = failure_groups(
        [
            failing(0, Failure(late, "melt", "killed after 300 s")),
            failing(1, Failure(lost, "melt", "first")),
            failing(2, Failure(lost, "vacuum", "second"), Failure(lost, "melt", "third", "the log")),
            Evaluation(3, {}, 3, (), misfit=1.0),
        ]
    )
    assert [(group.kind, group.count) for group in groups] == [(lost, 3), (late, 1)]
    assert groups[0].experiments == (("melt", 2), ("vacuum", 1))
    # The example is the one that has a log to show.
    assert groups[0].example.detail == "third"
    assert groups[0].where == "evaluation 2, seed 102"
    assert groups[0].remedy.startswith("Atoms or bonds were lost; reduce the timestep")
    assert groups[0].remedy.endswith(".")


def test_long_logs_keep_their_end():
    log = "\n".join(f"line {number}" for number in range(100)) + "\n\n"
    [group] = failure_groups([failing(0, Failure(FailureKind.KILLED, "melt", "signal 9", log))])
    assert group.log_tail.splitlines()[-1] == "line 99"
    assert len(group.log_tail.splitlines()) == MOST_LINES


def test_no_log_and_no_failures():
    assert failure_groups([]) == ()
    [group] = failure_groups([failing(0, Failure(FailureKind.NO_OUTPUT, "melt", "no file"))])
    assert group.log_tail == ""


def test_measurements_beside_the_search_are_named():
    one = Evaluation(0, {}, 5, (), (Failure(FailureKind.KILLED, "melt", "signal 9"),), label="Hybrid strategy")
    assert failure_groups([one])[0].where == "Hybrid strategy, seed 5"
