"""Further runs where they lessen what a calibration is most uncertain about.

Functions that the targets do not rule out are drawn from what is known of them, and asked at the states of the
targets: how much of the uncertainty about a target there is the surrogate's own?  A run is worth most where that is
most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beadsmith.calibrate.functional.envelopes import Uncertainty
from beadsmith.calibrate.functional.systems import System as CalibratedSystem
from beadsmith.campaign.renormalization.functions import model_of
from beadsmith.campaign.renormalization.learning import Learnt
from beadsmith.campaign.renormalization.validating import PlannedRun
from beadsmith.campaign.renormalization.workbench import Workbench
from beadsmith.problem.model import Model
from beadsmith.problem.state import State

Array = NDArray[np.float64]

#: Draws that are asked.
_DRAWS = 64


def wished_runs(
    bench: Workbench, learnt: Learnt, systems: Sequence[CalibratedSystem], known: Uncertainty, count: int
) -> list[PlannedRun]:
    """The runs that are worth most, each of another draw.

    Args:
        systems: with the targets.
        known: draws of the functions.
        count: runs of each system.
    """
    chosen = np.random.default_rng(bench.seed).choice(
        len(known.draws), size=min(_DRAWS, len(known.draws)), replace=False, p=known.weights
    )
    models = [model_of(bench.problem, "drawn", known.family.functions(known.draws[one]), {}, {}, {}) for one in chosen]
    runs = []
    for system in systems:
        own = next(one for one in bench.systems if one.name == system.name)
        states = tuple(dict.fromkeys(state for reference in system.references for state in reference.states))
        worth = _worth(system, learnt, models, states)
        best = worth.argmax(axis=1)
        order = np.argsort(-worth.max(axis=1))[:count]
        runs += [PlannedRun(own, index, models[one], states[best[one]]) for index, one in enumerate(order)]
    return runs


def _worth(system: CalibratedSystem, learnt: Learnt, models: Sequence[Model], states: Sequence[State]) -> Array:
    """Share of the surrogates in the variance, added up over observables, shape (models, states)."""
    total = np.zeros((len(models), len(states)))
    for reference in system.references:
        emulator = learnt.emulators[system.name][reference.observable]
        inputs = np.array(
            [
                [{**model.at(state), **state.as_dict()}[axis.name] for axis in emulator.axes]
                for model in models
                for state in states
            ]
        )
        _, stderr = emulator.predict(inputs)
        variance = stderr.reshape(total.shape) ** 2
        total += variance / (variance + float(np.median(reference.stderrs)) ** 2)
    return total
