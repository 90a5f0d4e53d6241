"""What targets say about parameters: which directions are known, from which target, and what another would add.

- Derivatives of several models as one, at a point between them: :func:`pooled` (:mod:`.pooling`).
- What is signal in a noisy Jacobian: :func:`denoised` (:mod:`.denoising`).
- The linear Gaussian model that all numbers come from: :class:`Information` (:mod:`.information`).
- The whole answer, with error bars: :func:`identify` (:mod:`.analysis`), :class:`Identifiability` (:mod:`.answer`).
- Directions of parameter space in words: :func:`in_words` (:mod:`.words`).

Formulas and assumptions stand in ``docs/identifiability.md``.

References:
    R. N. Gutenkunst et al., PLoS Comput. Biol. 3, e189 (2007); M. K. Transtrum, B. B. Machta, J. P. Sethna, Phys. Rev.
    Lett. 104, 060201 (2010); J. Chem. Phys. 143, 010901 (2015): stiff and sloppy directions.
    D. J. C. MacKay, Neural Comput. 4, 415 (1992): the effective number of parameters.
"""

from beadsmith.calibrate.identifiability.analysis import identify
from beadsmith.calibrate.identifiability.answer import (
    Addition,
    Estimate,
    Estimates,
    Goal,
    Identifiability,
    Share,
)
from beadsmith.calibrate.identifiability.denoising import denoised
from beadsmith.calibrate.identifiability.information import Information
from beadsmith.calibrate.identifiability.pooling import Jacobian, Sample, pooled
from beadsmith.calibrate.identifiability.words import in_words

__all__ = [
    "Addition",
    "Estimate",
    "Estimates",
    "Goal",
    "Identifiability",
    "Information",
    "Jacobian",
    "Sample",
    "Share",
    "denoised",
    "identify",
    "in_words",
    "pooled",
]
