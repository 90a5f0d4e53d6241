"""How observables answer to force-field parameters, from the fluctuations of the trajectories they were measured in.

- :func:`observable_gradients`: derivatives of an experiment's observables by all free parameters (``gradients``), by
  way of

  - ``derivatives``: energies of recorded frames and their exact derivatives, put together from

    - ``wiring``: who is bonded to whom;
    - ``pairs``: which pairs interact in a frame;
    - ``pair_forms``: pair styles as sums of a few functions of the distance;
    - ``bonded``: bonds and angles;
    - ``coefficients``: ties and mixing rules;

  - ``fluctuation``: the covariance estimator and its standard error;

- :func:`by_coefficients`: the same by the coefficients of parameters that are functions of the state (``functions``).

Formulas, assumptions, measured errors and costs stand in ``docs/gradients.md``.
"""

from __future__ import annotations

from beadsmith.observe.response.functions import by_coefficients
from beadsmith.observe.response.gradients import DIFFERENTIABLE, FluctuationGradient, observable_gradients

__all__ = [
    "DIFFERENTIABLE",
    "FluctuationGradient",
    "by_coefficients",
    "observable_gradients",
]
