"""The result of a renormalization in few numbers and in words."""

from __future__ import annotations

from collections.abc import Iterator

from beadsmith.report.formatting import ABSENT, count
from beadsmith.report.labels import variable_unit
from beadsmith.report.page import Tile
from beadsmith.report.renormalization_tables import apart_of, mean_of, missed_of, percent, quality, surrogates
from beadsmith.report.stages import Document, Stages


def tiles_of(stages: Stages) -> Iterator[Tile]:
    """Few numbers for the head of the page."""
    systems = _systems(stages)
    yield Tile("Systems", str(len(systems)) if systems else ABSENT, ", ".join(systems))
    yield _runs_tile(stages)
    judged = [] if stages.fit is None else [(one["q2"], name) for _, name, one in surrogates(stages.fit)]
    if judged:
        lowest, name = min(judged)
        yield Tile("Lowest Q² of a surrogate", quality(lowest), name)
    before, after = stages.calibration, stages.simplified
    if before is not None:
        both = [before, *([after] if after is not None else [])]
        errors = " → ".join(percent(one.mean_rmspe).removesuffix(" %") for one in both)
        numbers = " → ".join(str(one.free_parameters) for one in both)
        yield Tile("Mean RMSPE, predicted", f"{errors} %", f"with {numbers} numbers")
    if stages.validation is not None and stages.validation["rmspe"]:
        shown = percent(mean_of(stages.validation["rmspe"]))
        yield Tile("Mean RMSPE, simulated", shown, f"round {stages.validation['round']}")


def _runs_tile(stages: Stages) -> Tile:
    failed = sum(run.failed for run in stages.design)
    if stages.design:
        return Tile("Runs of the design", str(len(stages.design)), f"{failed or 'none'} failed")
    learnt = _learnt_runs(stages)
    return Tile("Runs", str(learnt) if learnt else ABSENT, "from tables" if learnt else "")


def _learnt_runs(stages: Stages) -> int:
    if stages.fit is None:
        return 0
    entries = stages.fit["surrogates"].values()
    return sum(max((one["points"] for one in own.values()), default=0) for own in entries)


def _systems(stages: Stages) -> list[str]:
    names = [] if stages.fit is None else list(stages.fit["surrogates"])
    names += [run.label for run in (*stages.design, *stages.runs)]
    names += [] if stages.calibration is None else list(stages.calibration.rmspe)
    return list(dict.fromkeys(names))


def summary_of(stages: Stages) -> Iterator[str]:
    """What came out, in sentences."""
    if stages.fit is not None:
        own = list(surrogates(stages.fit))
        poor = sum(not one["usable"] for _, _, one in own)
        verdict = "all good enough to be used" if not poor else f"{poor} of them not good enough to be used"
        learnt = f"{count(len(own), 'surrogate').capitalize()} learnt from {count(_learnt_runs(stages), 'run')}"
        yield f"{learnt}, {verdict}."
    before, after = stages.calibration, stages.simplified
    if before is not None:
        where = ", ".join(
            f"{name} from {low:g} to {high:g} {variable_unit(name)}".rstrip()
            for name, (low, high) in before.family.states.items()
        )
        parameters = count(len(before.family.parameters), "parameter").capitalize()
        if where:
            parameters += f" as functions of {where}"
        yield (
            f"{parameters}: with {count(before.free_parameters, 'number')} the model is predicted to give the targets "
            f"with a mean RMSPE of {percent(before.mean_rmspe)}."
        )
    if after is not None:
        yield f"Simplified to {count(after.free_parameters, 'number')}: {percent(after.mean_rmspe)}."
    if stages.validation is not None:
        yield _verdict(stages.validation)
    if not any((stages.fit, before, stages.validation)):
        yield "Nothing has been learnt or calibrated yet."


def _verdict(validation: Document) -> str:
    if not validation["comparisons"]:
        return "Nothing that was simulated of it can be compared with a prediction."
    chance = f"chance explains up to {validation['explained_by_chance']}"
    agreement = "simulation and prediction agree" if validation["passed"] else "simulation and prediction disagree"
    return (
        f"Simulated, it gives {percent(mean_of(validation['rmspe']))}; {apart_of(validation)} simulated values lie "
        f"outside the 95 % interval of their prediction ({chance}): {agreement}.{_about_targets(validation)}"
    )


def _about_targets(validation: Document) -> str:
    """Whether the simulations lie at their targets; empty if none has one."""
    if not validation["targets"]:
        return ""
    if validation["targets_met"]:
        return " Within the errors of both, simulations and targets agree."
    return f" {missed_of(validation)} simulated values miss their targets by more than the errors of both explain."


def remarks_of(fit: Document) -> Iterator[tuple[str, str]]:
    """Warnings about surrogates, and what could not be learnt."""
    for _, name, one in surrogates(fit):
        for sentence in one["warnings"]:
            yield name, sentence
    yield from fit["refused"].items()


def warnings_of(stages: Stages) -> Iterator[str]:
    """What to know before the result is used, in sentences without full stop."""
    if stages.left_out:
        yield (
            f"Left out, because the study has them only of another calibration than the newest: "
            f"{', '.join(stages.left_out)}; 'beadsmith renormalize' makes all of the same one"
        )
    for title, one in (("Calibration", stages.calibration), ("Simplification", stages.simplified)):
        if one is None:
            continue
        for sentence in one.warnings:
            yield f"{title}: {sentence}"
        if one.excursion > 0.0:
            yield (
                f"{title}: a function leaves the range of its parameter by up to {100 * one.excursion:.2g} % of the "
                "range, where the surrogates have seen nothing"
            )
    if stages.sensitivity is not None:
        for name, sentence in stages.sensitivity["refused"].items():
            yield f"Sensitivity without {name}: {sentence}"
    if stages.validation is not None and stages.validation["comparisons"] and not stages.validation["passed"]:
        yield (
            f"Validation: {apart_of(stages.validation)} simulated values disagree with their predictions, more than "
            f"chance explains ({stages.validation['explained_by_chance']}); calibrate again with these runs"
        )
