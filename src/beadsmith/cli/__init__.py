"""Words to calls: the ``beadsmith`` command.

:mod:`~beadsmith.cli.main`
    the application, and how errors are told
:mod:`~beadsmith.cli.calibrating`
    ``run``, ``status``, ``report``
:mod:`~beadsmith.cli.evaluating`
    ``evaluate``, ``export``
:mod:`~beadsmith.cli.precision`
    ``precision``, with what it writes in :mod:`~beadsmith.cli.measured`
:mod:`~beadsmith.cli.identifying`
    ``identify``, with what it writes in :mod:`~beadsmith.cli.identified`
:mod:`~beadsmith.cli.building`, :mod:`~beadsmith.cli.curing`, :mod:`~beadsmith.cli.mapping`
    ``build``, ``cure``, ``map``
:mod:`~beadsmith.cli.inverting`
    ``invert``, with what it writes in :mod:`~beadsmith.cli.inverted`
:mod:`~beadsmith.cli.preparing`
    ``init``, ``check``, ``schema``, ``doctor``
:mod:`~beadsmith.cli.answers`
    what ``--json`` writes
"""

from beadsmith.cli.main import main

__all__ = ["main"]
