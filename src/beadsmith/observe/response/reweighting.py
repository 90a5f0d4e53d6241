"""How far the frames of one model can speak for another."""

from __future__ import annotations

import numpy as np

from beadsmith.errors import EstimateError
from beadsmith.observe.response.derivatives import energies
from beadsmith.problem.model import Model
from beadsmith.problem.problem import Problem
from beadsmith.problem.recording import Recording
from beadsmith.units import BOLTZMANN


def remaining_fraction(recording: Recording, problem: Problem, model: Model, other: Model) -> float:
    """The fraction of samples that is left when frames of ``model`` are reweighted to ``other``.

    Kish's effective sample size (Survey Sampling, 1965) over the number of samples, for weights
    exp(-(W_other - W_model)/kT): (sum w)^2 / (N sum w^2).  1 says that both models are the same to these frames; 1/N
    that one frame carries all the weight, and that nothing is known about ``other``.  In a vacuum experiment each
    molecule of each frame is a sample.  Samples correlated in time are worth fewer from the beginning: this fraction is
    of those.

    Raises:
        EstimateError: as :func:`beadsmith.observe.response.derivatives.energies`; a state without temperature.
    """
    if "T" not in recording.state:
        raise EstimateError("the state does not say its temperature, T")
    before, after = (energies(recording, problem, one).sampled.values for one in (model, other))
    exponents = -(after - before) / (BOLTZMANN * recording.state["T"])
    weights = np.exp(exponents - exponents.max())
    return float(weights.sum() ** 2 / (weights.size * np.square(weights).sum()))
