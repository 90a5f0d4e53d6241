"""``predict``."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from beadsmith.campaign.calibration import Measured
from beadsmith.campaign.foresight import predicted
from beadsmith.cli.answers import observables_answer, units_of, write_answer
from beadsmith.cli.options import (
    FidelityOption,
    JsonOption,
    ModelOption,
    ProblemArgument,
    StudyOption,
    coarse_problem,
    study_of,
)
from beadsmith.cli.speech import say
from beadsmith.observe.reweighting import Prediction
from beadsmith.problem.problem import load_model
from beadsmith.report.terminal import measured_table


def predict(
    problem: ProblemArgument,
    model: ModelOption,
    fidelity: FidelityOption = None,
    study: StudyOption = None,
    json: JsonOption = None,
) -> None:
    """Predict a model from the frames of a study, reweighted: nothing is simulated.

    Observables are shown beside their targets where at least five independent samples are left of the frames; how many
    are left is said for all.  A model too far from those that were simulated is refused.
    """
    started = time.monotonic()
    loaded = coarse_problem(problem, fidelity)
    chosen = load_model(model, loaded)
    folder = study_of(loaded, study)
    found = predicted(loaded, folder, chosen)
    observations = tuple(one.observation for one in found if one.observation is not None)
    console = Console()
    console.print(measured_table(loaded, [Measured(model.stem, {}, (), observations, None, math.inf)]))
    for name in dict.fromkeys(one.observable for one in found):
        say(console, _overlap(name, [one for one in found if one.observable == name]))
    answer = {
        "command": "predict",
        "model": str(model),
        "study": str(folder.folder),
        "fidelity": loaded.fidelity,
        "observables": observables_answer(loaded, observations),
        "overlap": [_overlap_answer(one) for one in found],
        "wall_seconds": time.monotonic() - started,
        "units": units_of(loaded),
    }
    write_answer(json, answer)


def _overlap(name: str, found: Sequence[Prediction]) -> str:
    """How much is left of the frames, in words."""
    told = sum(one.observation is not None for one in found)
    samples = [one.samples for one in found]
    blocks = [one.blocks for one in found]
    return (
        f"{name}: {told} of {len(found)} told; {min(samples):.3g} to {max(samples):.3g} effective samples, "
        f"{min(blocks):.3g} to {max(blocks):.3g} independent ones"
    )


def _overlap_answer(prediction: Prediction) -> dict[str, Any]:
    return {
        "observable": prediction.observable,
        "state": prediction.state.as_dict(),
        "effective_samples": prediction.samples,
        "independent_samples": prediction.blocks,
        "told": prediction.observation is not None,
    }
