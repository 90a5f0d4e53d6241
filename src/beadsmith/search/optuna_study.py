"""A study as an Optuna journal file, so that optuna-dashboard and Optuna's plots can show it.

The file is a mirror: searches neither read it nor need it.  ``optuna-dashboard FILE`` opens it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from beadsmith.calibrate.matching import described
from beadsmith.problem.parameters import Parameter
from beadsmith.problem.records import Evaluation
from beadsmith.problem.replacing import replacing
from beadsmith.problem.state import COORDINATES
from beadsmith.search.quiet import quietly


def write_optuna_study(
    path: Path, name: str, parameters: Sequence[Parameter], evaluations: Sequence[Evaluation]
) -> None:
    """Write finished evaluations as an Optuna study; a file that is there already is replaced at once.

    Each evaluation becomes a trial, in the order given: its point, its misfit as the value, or the state
    FAIL if it has none.  User attributes hold the rest: number, label, seed, core seconds, terms of the
    misfit, observations (values as numbers, for plots; their standard errors in one dictionary; no bins of
    distributions, which would bury all else), and failures as sentences.  Optuna takes no values outside a
    range; those are the attribute ``outside the range`` instead.

    Args:
        path: of the journal file; its folder must exist.
        name: of the study.
        parameters: the free parameters with their ranges.
        evaluations: what to write.
    """
    journal = _JournalInMemory()
    with quietly():
        study = optuna.create_study(study_name=name, storage=JournalStorage(journal))
    distributions = {parameter.name: FloatDistribution(parameter.low, parameter.high) for parameter in parameters}
    study.add_trials([_trial(evaluation, distributions) for evaluation in evaluations])
    _replace(path, journal.text())


class _JournalInMemory(BaseJournalBackend):
    """Collects the records that Optuna's file backend would write, and sync to disk, one by one."""

    def __init__(self) -> None:
        self._records: list[dict[str, Any]] = []

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._records += logs

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return self._records[log_number_from:]

    def text(self) -> str:
        """One JSON object a line, as in Optuna's file.

        Optuna's random name for this process gives way to a fixed one: a dashboard that is open remembers
        by byte how far it has read, so what it has read must keep its length when the file is replaced.
        """
        records = ({**record, "worker_id": "beadsmith"} for record in self._records)
        return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)


def _trial(evaluation: Evaluation, distributions: Mapping[str, FloatDistribution]) -> FrozenTrial:
    inside = {
        name: float(evaluation.point[name])
        for name, distribution in distributions.items()
        if name in evaluation.point and distribution.low <= evaluation.point[name] <= distribution.high
    }
    outside = {name: value for name, value in evaluation.point.items() if name not in inside}
    succeeded = evaluation.misfit is not None and math.isfinite(evaluation.misfit)
    return create_trial(
        state=TrialState.COMPLETE if succeeded else TrialState.FAIL,
        value=evaluation.misfit if succeeded else None,
        params=inside,
        distributions={name: distributions[name] for name in inside},
        user_attrs=_attributes(evaluation) | ({"outside the range": outside} if outside else {}),
    )


def _attributes(evaluation: Evaluation) -> dict[str, Any]:
    observed = {
        described(each.observable, each.state): each
        for each in evaluation.observations
        if each.state == each.state.without(*COORDINATES)
    }
    attributes: dict[str, Any] = {
        "number": evaluation.number,
        "label": evaluation.label,
        "seed": evaluation.seed,
        "core seconds": evaluation.core_seconds,
        **{f"term {name}": _number(value) for name, value in evaluation.terms.items()},
        **{name: _number(observation.value) for name, observation in observed.items()},
        "standard errors": {name: _number(observation.stderr) for name, observation in observed.items()},
        "failures": [failure.sentence for failure in evaluation.failures],
    }
    return {name: value for name, value in attributes.items() if value not in ("", [], {}, None)}


def _number(value: float) -> float | None:
    """JSON in a browser knows neither NaN nor infinity."""
    return float(value) if math.isfinite(value) else None


def _replace(path: Path, text: str) -> None:
    """Whoever opens the file sees the old one or the new one, whole."""
    with replacing(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
