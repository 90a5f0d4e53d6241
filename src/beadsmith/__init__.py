"""Beadsmith: coarse-grained polymer force fields, calibrated on real molecular dynamics.

Rooms, from the ground up (an import goes down this list, never up):

- ``errors``, ``units``: what can go wrong, and what numbers mean.
- ``problem``: the vocabulary and the problem file.
- physics: ``forcefield``, ``build``, ``simulate``, ``observe``.
- statistics: ``calibrate`` (misfit), ``search`` (ask and tell).
- ``campaign``: proposals become simulations become a dataset on disk.
- ``report``: figures and one HTML page from what is stored.
- ``cli``: words to calls.
"""

from importlib.metadata import version

__version__ = version("beadsmith")
