"""Functional calibration: force-field parameters as functions of the state, fitted through surrogates.

- What is known and what is wanted: :class:`System`, :class:`Reference` (:mod:`.systems`).
- Forms of functions, and one for every parameter: :func:`make_forms` (:mod:`.systems`, :mod:`.forms`, :mod:`.family`).
- The fit of all functions together: :func:`calibrate`, :class:`Calibration` (:mod:`.calibration`); what it makes small
  (:mod:`.objective`), how (:mod:`.descent`), through what (:mod:`.prediction`).
- What to compare it with: :func:`calibrate_baselines` (:mod:`.baselines`).
- Uncertainty: as published, :func:`published_uncertainty` (:mod:`.published`); the posterior,
  :func:`posterior_uncertainty` and, quickly, :func:`randomised_uncertainty` (:mod:`.posterior`, :mod:`.density`);
  where they differ, :func:`compare_widths` (:mod:`.envelopes`).
- Fewer numbers: :func:`published_simplification`, :func:`simplify` (:mod:`.simplification`).
- A problem with known answers: :func:`make_twin` (:mod:`.twin`).

References:
    A. Giuntoli et al., npj Comput. Mater. 7, 168 (2021).
"""

from beadsmith.calibrate.functional.baselines import Baselines, calibrate_baselines
from beadsmith.calibrate.functional.calibration import Calibration, Minimum, Prediction, calibrate
from beadsmith.calibrate.functional.envelopes import Envelope, Uncertainty, WidthComparison, compare_widths
from beadsmith.calibrate.functional.family import Family
from beadsmith.calibrate.functional.posterior import posterior_uncertainty, randomised_uncertainty
from beadsmith.calibrate.functional.published import published_uncertainty
from beadsmith.calibrate.functional.simplification import (
    Simplification,
    Step,
    published_simplification,
    simplify,
)
from beadsmith.calibrate.functional.systems import (
    Reference,
    Surrogate,
    System,
    make_family,
    make_forms,
    reference_from_surrogate,
)
from beadsmith.calibrate.functional.twin import Twin, make_twin

__all__ = [
    "Baselines",
    "Calibration",
    "Envelope",
    "Family",
    "Minimum",
    "Prediction",
    "Reference",
    "Simplification",
    "Step",
    "Surrogate",
    "System",
    "Twin",
    "Uncertainty",
    "WidthComparison",
    "calibrate",
    "calibrate_baselines",
    "compare_widths",
    "make_family",
    "make_forms",
    "make_twin",
    "posterior_uncertainty",
    "published_simplification",
    "published_uncertainty",
    "randomised_uncertainty",
    "reference_from_surrogate",
    "simplify",
]
