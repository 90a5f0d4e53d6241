"""Simulations: a protocol becomes LAMMPS text, runs as a process of its own, and is read back.

:mod:`~beadsmith.simulate.script`
    protocol stages to LAMMPS commands
:mod:`~beadsmith.simulate.plan`
    a problem, a model and a seed to everything that one simulation needs
:mod:`~beadsmith.simulate.engine`
    find LAMMPS; run it under a time limit
:mod:`~beadsmith.simulate.outputs`
    log, averages and dump files to recordings
:mod:`~beadsmith.simulate.diagnosis`
    what went wrong, from what was left behind
"""
