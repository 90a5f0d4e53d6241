"""Calibration problems with known answers, to test and compare searches in seconds.

- What they have in common: :class:`SyntheticProblem` (:mod:`.problem`).
- The problems: :func:`pebax_emulator` (:mod:`.pebax`), 41 parameters fitted to real evaluations, noisy values and noisy
  derivatives; :func:`dielectric_spectrum` (:mod:`.dielectric`), 6 parameters, strongly bent, with a region that fails.
- A search at work on them: :func:`converse`, :func:`true_misfits_of_incumbents` (:mod:`.conversation`).
"""

from beadsmith.search.synthetic.conversation import Exchange, converse, true_misfits_of_incumbents
from beadsmith.search.synthetic.dielectric import dielectric_spectrum
from beadsmith.search.synthetic.pebax import pebax_emulator
from beadsmith.search.synthetic.problem import SyntheticProblem

__all__ = [
    "Exchange",
    "SyntheticProblem",
    "converse",
    "dielectric_spectrum",
    "pebax_emulator",
    "true_misfits_of_incumbents",
]
