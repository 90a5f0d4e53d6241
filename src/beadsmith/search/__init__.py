"""Searches: which model to simulate next.

Ask for a point, tell its misfit; a search never learns what a simulation is.

- The contract: :class:`Search` (:mod:`.contract`), made by :func:`make_search` (:mod:`.methods`).
- On derivatives: :mod:`.gauss_newton`, a handful of evaluations where the observables have fluctuation gradients.
- On the observables themselves: :mod:`.grey_box`, Gaussian processes of all of them, with or without derivatives
  (:mod:`.grey_box_model`, :mod:`.grey_box_acquisition`, :mod:`.trust_region`); in any Optuna study as
  :class:`GreyBoxSampler` (:mod:`.grey_box_sampler`).
- Both, one after the other: :mod:`.combined`.
- Methods that learn from the misfit alone: :mod:`.tpe` (Optuna's, today's and the paper's), :mod:`.optuna_gp`,
  :mod:`.cma_es`.
- Methods that only fill the box: :mod:`.space_filling` (Sobol, random).
- Coordinates: :mod:`.box`.
- Looking at a study in the browser: :mod:`.optuna_study`.
- Problems with known answers: :mod:`.synthetic`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beadsmith.search.contract import Search
from beadsmith.search.methods import STEPPING_METHODS, make_search

if TYPE_CHECKING:
    from beadsmith.search.grey_box_sampler import GreyBoxSampler

__all__ = ["STEPPING_METHODS", "GreyBoxSampler", "Search", "make_search"]


def __getattr__(name: str) -> Any:
    """The sampler, imported when somebody asks for it: PyTorch is slow to import, and optional."""
    if name != "GreyBoxSampler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from beadsmith.surrogate.available import require_gaussian_processes

    require_gaussian_processes("beadsmith.search", name)
    from beadsmith.search.grey_box_sampler import GreyBoxSampler

    return GreyBoxSampler
