"""Searches: which model to simulate next.

Ask for a point, tell its misfit; a search never learns what a simulation is.

- The contract: :class:`Search` (:mod:`.contract`), made by :func:`make_search` (:mod:`.methods`).
- On derivatives: :mod:`.gauss_newton`, a handful of evaluations where the observables have fluctuation gradients.
- Methods that learn from the misfit alone: :mod:`.tpe` (Optuna's, today's and the paper's), :mod:`.cma_es`.
- Methods that only fill the box: :mod:`.space_filling` (Sobol, random).
- Coordinates: :mod:`.box`.
- Looking at a study in the browser: :mod:`.optuna_study`.
"""

from beadsmith.search.contract import Search
from beadsmith.search.methods import make_search

__all__ = ["Search", "make_search"]
