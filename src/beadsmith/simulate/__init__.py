"""Simulations: a protocol becomes LAMMPS text, runs as a process of its own, and is read back.

:mod:`~beadsmith.simulate.script`
    protocol stages to LAMMPS commands
:mod:`~beadsmith.simulate.plan`
    a problem, a model and a seed to everything that one simulation needs
:mod:`~beadsmith.simulate.engine`
    find LAMMPS; run it under a time limit
:mod:`~beadsmith.simulate.outputs`
    log, averages and dump files to recordings
:mod:`~beadsmith.simulate.binary_dump`, :mod:`~beadsmith.simulate.text_dump`, :mod:`~beadsmith.simulate.dump_frame`
    both kinds of dumps, and what they have in common
:mod:`~beadsmith.simulate.diagnosis`
    what went wrong, from what was left behind
"""
