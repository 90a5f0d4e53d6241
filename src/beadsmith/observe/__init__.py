"""From what simulations recorded to observations with standard errors.  Pure functions; no files.

- :func:`observe_recordings`: the direct observables of one experiment (``experiment``), by way of

  - ``timeseries``: the mean of a correlated series, its standard error, whether it had settled;
  - ``molecular``: radius of gyration, end-to-end distance, and averages over molecules;
  - ``bonded``: lengths of bonds and angles between them;
  - ``radial``: radial distribution functions;
  - ``distributions``: histograms and their means, bin by bin;

- :func:`derive_observations`: the observables that rest on densities at several temperatures, and
  :func:`derive_gradients`: how they answer to parameters (``derived``), by way of

  - ``lines``: straight-line fits with covariance;
  - ``glass_transition``: Tg by two lines, or by a hyperbola;
  - ``expansion``: thermal expansion.

- ``relaxation``: how many relaxation times a hold lasts, and whether it drifts, from several runs.
- ``response``: how an average answers to every force-field parameter, from the fluctuations of the same frames.

Definitions, error bars and limits of each observable stand in ``docs/observables.md``.
"""

from __future__ import annotations

from beadsmith.observe.derived import derive_gradients, derive_observations
from beadsmith.observe.experiment import observe_recordings

__all__ = ["derive_gradients", "derive_observations", "observe_recordings"]
