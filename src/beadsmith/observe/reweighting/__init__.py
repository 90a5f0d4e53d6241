"""What frames of simulated models say about models that were not simulated.

- :class:`Archive`: frames of simulated models of one experiment, and the observables they predict (``archive``), by way
  of

  - ``weighing``: weights, means and derivatives at one state, and whether they can be had;
  - ``quantities``: numbers of every frame whose means are observables;
  - ``samples``: frames as rows of samples, block by block;
  - ``mixture``: samples of several ensembles as one sample, by MBAR;
  - ``estimate``: weighted means and derivatives with errors.

Formulas, limits and measurements stand in ``docs/reweighting.md``.
"""

from __future__ import annotations

from beadsmith.observe.reweighting.archive import Archive
from beadsmith.observe.reweighting.weighing import FEWEST_BLOCKS, Prediction

__all__ = ["FEWEST_BLOCKS", "Archive", "Prediction"]
