"""Surrogates in a study: fitted once for the rows that are known, and judged."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from beadsmith.campaign.renormalization.learning import Learnt, learn
from beadsmith.campaign.renormalization.systems import System
from beadsmith.campaign.renormalization.table import Row
from beadsmith.campaign.store import write_json
from beadsmith.campaign.study import Study
from beadsmith.problem.problem import Problem
from beadsmith.surrogate.diagnostics import Diagnostics, diagnose
from beadsmith.surrogate.emulator_file import load_emulator, save_emulator
from beadsmith.surrogate.threads import side_by_side

#: Folder of a study that holds its surrogates.
_FOLDER = "surrogates"

#: Raise it when surrogates are fitted or judged otherwise.
_FORMAT = 2


def learnt_in(
    problem: Problem,
    systems: Sequence[System],
    rows: Sequence[Row],
    study: Study,
    *,
    seed: int = 0,
    progress: Callable[[str], None] = lambda name: None,
) -> tuple[Learnt, str]:
    """Surrogates of all that is known, and a digest of that; those of the study if they were fitted to the same rows.

    Args:
        progress: told the name of each observable when it is done.

    Raises:
        EstimateError: nothing could be learnt of an observable that has a target.
    """
    digest = _digest(systems, rows, seed)
    stored = _loaded(study, digest)
    if stored is not None:
        return stored, digest
    learnt = learn(problem, systems, rows, seed=seed, progress=progress)
    _save(study, learnt, digest)
    return learnt, digest


def judge(learnt: Learnt, progress: Callable[[str], None] = lambda name: None) -> dict[str, Diagnostics]:
    """Diagnostics of every surrogate, by observable."""
    every = {name: emulator for emulators in learnt.emulators.values() for name, emulator in emulators.items()}
    found = {}
    for name, diagnostics in zip(every, side_by_side(diagnose, every.values()), strict=True):
        found[name] = diagnostics
        progress(name)
    return found


def fit_document(learnt: Learnt, diagnostics: Mapping[str, Diagnostics]) -> dict[str, Any]:
    """What ``fit`` answers, and the report draws: by system and observable."""
    return {
        "surrogates": {
            system: {name: _judgement(diagnostics[name], learnt, system, name) for name in emulators}
            for system, emulators in learnt.emulators.items()
        },
        "refused": dict(learnt.refused),
    }


def poor_surrogates(problem: Problem, document: Mapping[str, Any]) -> list[str]:
    """Surrogates that are not good enough and that a target with a weight relies on, in sentences without full stop.

    Args:
        document: see :func:`fit_document`.
    """
    relied_on = {target.observable for target in problem.targets if target.weight > 0}
    return [
        f"the surrogate of {name} is not good enough to be used: {'; '.join(entry['warnings'])}"
        for entries in document["surrogates"].values()
        for name, entry in entries.items()
        if name in relied_on and not entry["usable"]
    ]


def _judgement(found: Diagnostics, learnt: Learnt, system: str, name: str) -> dict[str, Any]:
    emulator = learnt.emulators[system][name]
    learning = found.learning
    return {
        "points": len(found.values),
        "axes": [axis.name for axis in emulator.axes],
        "transform": type(emulator.transform).__name__.lower(),
        "q2": found.q2,
        "q2_beyond_noise": found.q2_beyond_noise if math.isfinite(found.q2_beyond_noise) else None,
        "q2_interval": [one if math.isfinite(one) else None for one in found.q2_interval],
        "coverage_68": found.coverage68,
        "coverage_95": found.coverage95,
        "usable": found.usable,
        "more_runs": None if learning is None or learning.more_runs is None else list(learning.more_runs),
        "warnings": list(found.warnings),
        "values": found.values.tolist(),
        "stderrs": [None if math.isnan(one) else one for one in found.stderrs.tolist()],
        "predicted": found.predicted.tolist(),
        "intervals": found.intervals.tolist(),
        "residuals": found.residuals.tolist(),
    }


def _digest(systems: Sequence[System], rows: Sequence[Row], seed: int) -> str:
    """Digest of everything that surrogates depend on."""
    ranges = [
        [system.name, *[[one.name, one.low, one.high] for one in system.parameters]]
        + [[one.name, one.low, one.high] for one in system.states]
        for system in systems
    ]
    table = [[row.system, sorted(row.inputs.items()), sorted(row.values.items())] for row in rows]
    essence = json.dumps([_FORMAT, seed, ranges, table])
    return hashlib.sha256(essence.encode()).hexdigest()[:16]


def _save(study: Study, learnt: Learnt, digest: str) -> None:
    """The index is written last: without it there are no surrogates."""
    folder = study.folder / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for emulators in learnt.emulators.values():
        for name, emulator in emulators.items():
            save_emulator(emulator, folder / f"{name}.npz")
    index = {
        "digest": digest,
        "emulators": {system: list(emulators) for system, emulators in learnt.emulators.items()},
        "held": {system: dict(values) for system, values in learnt.held.items()},
        "refused": dict(learnt.refused),
    }
    write_json(folder / "index.json", index)


def _loaded(study: Study, digest: str) -> Learnt | None:
    folder = study.folder / _FOLDER
    if not (folder / "index.json").is_file():
        return None
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    if index["digest"] != digest:
        return None
    emulators = {
        system: {name: load_emulator(folder / f"{name}.npz") for name in names}
        for system, names in index["emulators"].items()
    }
    return Learnt(emulators, index["held"], index["refused"])
