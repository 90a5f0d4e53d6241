"""What a fidelity is worth, for the terminal: a table for each observable, sentences for what matters, settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from beadsmith.calibrate.repeats import Bias
from beadsmith.campaign.advice import Need, Setting
from beadsmith.campaign.fidelity import Finding
from beadsmith.observe.molecular import FEWEST_REPLICAS
from beadsmith.observe.relaxation import SHORTEST, Relaxation
from beadsmith.observe.timeseries import FEWEST_EFFECTIVE_SAMPLES, THREE_SIGMA
from beadsmith.problem.problem import Problem
from beadsmith.report.formatting import ABSENT, count, number, written
from beadsmith.report.labels import observable_label, observable_unit, state_label, with_unit

#: A hold is long enough if it is worth the fewest effective samples with which drift can be told from fluctuation.
ENOUGH_RELAXATION_TIMES = 2.0 * FEWEST_EFFECTIVE_SAMPLES

#: Error bars are called too small if runs scatter by so many times more than they claim.
TOO_SMALL = 1.5

_DIGITS = 2


def finding_table(problem: Problem, found: Sequence[Finding]) -> Table:
    """One observable, state by state.

    Args:
        found: of one observable.
    """
    name = found[0].observable
    view = Table(
        title=with_unit(observable_label(name), observable_unit(problem, name)),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    view.add_column("state")
    for heading in ("bias", "by model", "one run", "claimed", "ratio", "hold/τ", "flagged"):
        view.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        bias, scatter = one.bias, one.scatter
        mark = "*" if bias is not None and bias.significant else " "
        cells = [
            ABSENT if bias is None else f"{written(bias.mean, bias.stderr).compact}{mark}",
            ABSENT if bias is None else number(bias.between_models, _DIGITS),
            number(scatter.total, _DIGITS),
            number(math.sqrt(scatter.claimed), _DIGITS),
            number(scatter.ratio, _DIGITS),
            _times(one.relaxation),
            f"{100 * one.flagged:.0f} %",
        ]
        view.add_row(Text(state_label(one.state) or "its only one"), *(Text(f" {cell}") for cell in cells))
    return view


def sentences(
    problem: Problem, found: Sequence[Finding], means: Mapping[str, Bias | None], reference: str
) -> list[str]:
    """What a reader should know, observable by observable.

    Args:
        means: bias of the mean over states of each observable.
        reference: name of the protocol that the fidelity was compared with.
    """
    said: list[str] = []
    for name in dict.fromkeys(one.observable for one in found):
        own = [one for one in found if one.observable == name]
        label = name.replace("_", " ")
        unit = observable_unit(problem, name)
        mean = means.get(name)
        if len(own) > 1 and mean is not None and mean.significant:
            shown = written(mean.mean, mean.stderr).text
            said.append(f"{label}: on average over its states biased against {reference} by {shown} {unit}".rstrip())
        for about in (_of_bias, _of_error_bars, _of_relaxation, _of_drift, _of_reference):
            said += [f"{label}: {sentence}" for sentence in about(own, unit, reference)]
    return said


def setting_table(problem: Problem, chosen: Sequence[Setting]) -> Table:
    """Experiment by experiment, the cheapest setting that reaches the tolerances."""
    view = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    view.add_column("experiment, its observables")
    for heading in ("tolerance", "one run", "what is enough", "core-seconds"):
        view.add_column(heading, justify="right")
    for setting in chosen:
        view.add_row(
            Text(setting.experiment, style="bold"),
            "",
            "",
            f" {_enough(setting)}",
            f" {number(setting.core_seconds, 3)}",
        )
        for need in setting.strictest:
            view.add_row(
                Text(f" {need.finding.observable.replace('_', ' ')}"),
                f" {_with_unit(need.tolerance, problem, need)}",
                f" {number(need.finding.scatter.total, _DIGITS)}",
                f" {_alone(need, setting)}",
                "",
            )
    return view


def limits(problem: Problem, chosen: Sequence[Setting], reference: str) -> list[str]:
    """Where more runs and longer holds do not help, because a bias stands against a tolerance.

    Args:
        reference: name of the protocol that the fidelity was compared with.
    """
    said: list[str] = []
    for need in (need for setting in chosen for need in setting.strictest):
        name = need.finding.observable
        biases = [
            (each.tolerance, each.finding, each.finding.bias)
            for setting in chosen
            for each in setting.needs
            if each.finding.observable == name and each.finding.bias is not None
        ]
        label, unit = name.replace("_", " "), observable_unit(problem, name)
        large = [one for tolerance, one, bias in biases if bias.significant and abs(bias.mean) > tolerance]
        if large:
            said.append(
                f"{label}: its bias against {reference} is more than the tolerance at {_states(large, len(biases))}: "
                "put what was measured to use (precision.measured), or take a slower protocol"
            )
        unknown = [(one, bias) for tolerance, one, bias in biases if bias.correction_stderr > tolerance]
        if unknown:
            worst = max(bias.correction_stderr for _, bias in unknown)
            where = _states([one for one, _ in unknown], len(biases))
            said.append(
                f"{label}: at {where} the bias of a model that was not measured is uncertain by up to "
                f"{_quantity(worst, unit)}, more than the tolerance: measure it with more models and replicas, or take "
                "a slower protocol"
            )
    return said


def declaration(chosen: Sequence[Setting], file: str) -> list[str]:
    """Lines for the problem file that make use of what was found."""
    runs = max((setting.runs for setting in chosen), default=1)
    longer = max((setting.longer for setting in chosen), default=1.0)
    copies = [f"experiments: {{{one.experiment}: {{replicas: {one.copies}}}}}" for one in chosen if one.copies]
    return [*copies, f"precision: {{replicas: {runs}, longest: {longer:.2g}, measured: {file}}}"]


def _of_bias(found: Sequence[Finding], unit: str, reference: str) -> Iterator[str]:
    known = [(one, one.bias) for one in found if one.bias is not None]
    if not known:
        yield f"the reference ({reference}) says nothing about its bias"
        return
    significant = [(one, bias) for one, bias in known if bias.significant]
    if not significant:
        largest = max(bias.stderr for _, bias in known)
        yield f"no significant bias against {reference} at any state, each known to {_quantity(largest, unit)}"
        return
    one, bias = max(significant, key=lambda pair: abs(pair[1].mean))
    shown = written(bias.mean, bias.stderr).text
    where = _states([each for each, _ in significant], len(found))
    most = "" if len(significant) == 1 else f", most at {state_label(one.state)}"
    yield f"biased against {reference} at {where}{most}: {shown} {unit}".rstrip()


def _of_error_bars(found: Sequence[Finding], unit: str, reference: str) -> Iterator[str]:
    small = [one for one in found if one.scatter.ratio > TOO_SMALL]
    if not small:
        return
    worst = max(small, key=lambda one: one.scatter.ratio)
    hidden = _quantity(worst.scatter.between_runs, unit)
    yield (
        f"error bars of single runs are up to {number(worst.scatter.ratio, _DIGITS)} times too small, at "
        f"{_states(small, len(found))}: runs differ by {hidden} in what none of them can see"
    )


def _of_relaxation(found: Sequence[Finding], unit: str, reference: str) -> Iterator[str]:
    short = [(one, relaxed) for one in found if (relaxed := one.relaxation) is not None and _too_short(relaxed)]
    alone = [pair for pair in short if pair[1].members < FEWEST_REPLICAS]
    molecular = [pair for pair in short if pair[1].members >= FEWEST_REPLICAS]
    if alone:
        bars = "its error bar" if len(alone) == 1 else "their error bars"
        yield f"{_holds(alone, len(found))}: {bars} cannot be trusted without repetitions"
    if molecular:
        yield (
            f"{_holds(molecular, len(found))}: the error bar over {molecular[0][1].members} molecules is right, but "
            "they keep shapes from earlier temperatures, and only a slower protocol shows whether these are right"
        )


def _of_drift(found: Sequence[Finding], unit: str, reference: str) -> Iterator[str]:
    drifting = [
        (one, relaxed)
        for one in found
        if (relaxed := one.relaxation) is not None and relaxed.drift_probability < THREE_SIGMA / len(found)
    ]
    for one, relaxed in drifting:
        shown = written(relaxed.drift, relaxed.drift_stderr).text
        yield (
            f"drifts by {shown} {unit} within the hold at {state_label(one.state)}: what comes before it (warm-up, "
            "ramp) is too short"
        )


def _of_reference(found: Sequence[Finding], unit: str, reference: str) -> Iterator[str]:
    short = [
        one
        for one in found
        if one.bias is not None and (relaxed := one.reference_relaxation) is not None and _too_short(relaxed)
    ]
    if short:
        where = _states(short, len(found))
        yield (
            f"the reference ({reference}) does not relax within its holds either, at {where}: what both have in common "
            "is not in the bias"
        )


def _too_short(relaxed: Relaxation) -> bool:
    """Whether even the most favourable reading is too few relaxation times."""
    return relaxed.highest < ENOUGH_RELAXATION_TIMES


def _holds(found: Sequence[tuple[Finding, Relaxation]], of: int) -> str:
    where = _states([one for one, _ in found], of)
    hold = _time(found[0][1].hold)
    if len(found) == 1:
        return f"the hold of {hold} at {where} is {_with_interval(found[0][1])} relaxation times"
    one, relaxed = min(found, key=lambda pair: pair[1].relaxation_times)
    return (
        f"the holds of {hold} at {where} are too short, at {state_label(one.state)} "
        f"{_with_interval(relaxed)} relaxation times"
    )


def _with_interval(relaxed: Relaxation) -> str:
    if relaxed.relaxation_times <= SHORTEST:
        return f"less than {number(relaxed.highest, _DIGITS)}"
    low, high = number(relaxed.lowest, _DIGITS), number(relaxed.highest, _DIGITS)
    return f"{number(relaxed.relaxation_times, _DIGITS)} ({low} to {high})"


def _times(relaxed: Relaxation | None) -> str:
    if relaxed is None:
        return ABSENT
    if relaxed.relaxation_times <= SHORTEST:
        return f"<{SHORTEST:g}"
    return number(relaxed.relaxation_times, _DIGITS)


def _states(found: Sequence[Finding], of: int) -> str:
    """``T = 150, 175, 200 K``; only how many if they differ in other variables, or are all there are.

    Args:
        of: how many states there are.
    """
    states = [one.state for one in found]
    names = {name for state in states for name in state if len({each.as_dict().get(name) for each in states}) > 1}
    if len(states) == 1:
        return state_label(states[0]) or "its only state"
    if len(states) == of:
        return f"all {of} states"
    if names != {"T"}:
        return count(len(states), "state")
    temperatures = sorted(state["T"] for state in states)
    return f"T = {', '.join(f'{temperature:g}' for temperature in temperatures)} K"


def _enough(setting: Setting) -> str:
    if setting.copies is not None:
        return f"{setting.copies} copies in one run"
    holds = "" if setting.longer == 1.0 else f", holds {setting.longer:.2g} times as long"
    return f"{count(setting.runs, 'run')}{holds}"


def _alone(need: Need, setting: Setting) -> str:
    return "" if setting.copies is not None else f"{count(need.runs, 'run')} as they are"


def _with_unit(value: float, problem: Problem, need: Need) -> str:
    return _quantity(value, observable_unit(problem, need.finding.observable))


def _quantity(value: float, unit: str) -> str:
    return f"{number(value, _DIGITS)} {unit}".rstrip()


def _time(femtoseconds: float) -> str:
    return f"{number(femtoseconds / 1000, 4)} ps" if femtoseconds < 1e6 else f"{number(femtoseconds / 1e6, 4)} ns"
