"""Surrogates: cheap stand-ins for simulations, with their own uncertainty.

One observable of one system over parameters and state, for sensitivity and calibration:

- What is known: :class:`Measurements` (:mod:`.measurements`) over :class:`Axis` (:mod:`.axes`).
- Learn it: :func:`fit_emulator`, :func:`fit_emulators` (:mod:`.emulator`), from :mod:`.hyperparameters` and
  :mod:`.posterior`, of the values or their logarithms (:mod:`.output_transform`).
- Whether it is good enough: :func:`diagnose` (:mod:`.diagnostics`).
- On disk: :func:`save_emulator`, :func:`load_emulator` (:mod:`.emulator_file`).
- Linear algebra with one thread: :func:`one_thread` (:mod:`.threads`).

Many outputs over the same few points, for searches:

- Gaussian processes, one for each output: :func:`fit_gaussian_processes` (:mod:`.gaussian_process`).
- Few outputs instead of many: :func:`principal_components` (:mod:`.components`).
- Where evaluations fail: :func:`fit_feasibility` (:mod:`.feasibility`).
- The same numbers in every process: :func:`reproducible` (:mod:`.reproducible`).
- Whether the optional libraries are there: :func:`require_gaussian_processes` (:mod:`.available`); of these, all but
  this module and :mod:`.components` import PyTorch.
"""
