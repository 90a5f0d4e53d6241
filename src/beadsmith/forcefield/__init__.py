"""Force fields: a model at a state becomes numbers for LAMMPS.

:mod:`~beadsmith.forcefield.coefficients`
    styles and coefficients as LAMMPS text
:mod:`~beadsmith.forcefield.mixing`
    unlike pairs from like ones
:mod:`~beadsmith.forcefield.energies`
    the energies themselves, as a second route for checks
:mod:`~beadsmith.forcefield.export`
    include files for other people's scripts
"""
