"""Surrogates: cheap stand-ins for simulations, with their own uncertainty.

- Gaussian processes, one for each output: :func:`fit_gaussian_processes` (:mod:`.gaussian_process`).
- Few outputs instead of many: :func:`principal_components` (:mod:`.components`).
- Where evaluations fail: :func:`fit_feasibility` (:mod:`.feasibility`).
- The same numbers in every process: :func:`reproducible` (:mod:`.reproducible`).
- Whether the optional libraries are there: :func:`require_gaussian_processes` (:mod:`.available`); all but this module
  and :mod:`.components` import PyTorch.
"""
