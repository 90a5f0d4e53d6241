"""Sensitivity: which parameters an observable answers to.

- Sobol' indices of any function: :func:`sobol_indices` (:mod:`.sobol`).
- Of an emulator, with its own uncertainty: :func:`emulator_indices` (:mod:`.of_emulator`).
- Parameters together, by bead or by kind: :func:`by_bead`, :func:`by_kind` (:mod:`.groups`).
"""
