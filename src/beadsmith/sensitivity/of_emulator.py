"""Sobol' indices of an emulator, with intervals that hold what it does not know.

Random functions of the emulator's posterior stand for what the observable may be; see :mod:`.sobol` for what is made of
them.  The indices are those of the noiseless observable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from beadsmith.sensitivity.sobol import SobolIndices, sobol_indices
from beadsmith.surrogate.diagnostics import Diagnostics, diagnose
from beadsmith.surrogate.emulator import Emulator
from beadsmith.surrogate.threads import one_thread


def emulator_indices(
    emulator: Emulator,
    *,
    diagnostics: Diagnostics | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    held: Mapping[str, float] | None = None,
    base: int = 2048,
    draws: int = 64,
    resamples: int = 8,
    seed: int = 0,
    force: bool = False,
) -> SobolIndices:
    """Indices of one observable of one system over the box of its axes.

    Args:
        emulator: of the observable.
        diagnostics: of the emulator, if they are at hand already.
        groups: by name, the names of the axes that count as one; no axis in two of them.
        held: by name, the values of axes that do not vary: with a state, the indices are conditional on it; without,
            the state is one of the sources of variance.
        base: points of the design, a power of 2.
        draws: random functions of the emulator.
        resamples: of the points, for each draw; at least 2.
        seed: of all of these.
        force: accept an emulator that is not good enough.

    Raises:
        EstimateError: the emulator is not good enough, and was not forced.
        ProblemError: groups or held axes that do not fit the axes.
    """
    if not force:
        (diagnostics or diagnose(emulator)).require_usable("sensitivity")
    with one_thread():
        functions = emulator.draws(draws, np.random.default_rng(seed))
        return sobol_indices(
            functions, emulator.axes, groups=groups, held=held, base=base, resamples=resamples, seed=seed
        )
