"""Boltzmann inversion: from trajectories of beads to potentials.  Pure functions; what runs LAMMPS is in ``campaign``.

:mod:`~beadsmith.inversion.trajectory`
    what may be inverted
:mod:`~beadsmith.inversion.wells`
    harmonic wells and sums of them, with the measures of bonds and angles
:mod:`~beadsmith.inversion.bonded`
    bonds and angles: fits, errors, peaks, quality
:mod:`~beadsmith.inversion.radial`
    radial distribution functions, first guesses of epsilon and sigma
:mod:`~beadsmith.inversion.tables`
    tabulated potentials and their files
:mod:`~beadsmith.inversion.iterative`, :mod:`~beadsmith.inversion.targets`
    iterative Boltzmann inversion: one step, its end, its pressure
:mod:`~beadsmith.inversion.proposal`
    a problem file and a model file
"""
