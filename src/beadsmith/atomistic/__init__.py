"""Systems of atoms: the DREIDING force field on molecules from SMILES, packed, crosslinked, written for LAMMPS.

:mod:`~beadsmith.atomistic.dreiding`
    the parameters of Mayo, Olafson and Goddard (1990), and what a user may choose
:mod:`~beadsmith.atomistic.typing`
    atom types of a molecule
:mod:`~beadsmith.atomistic.terms`
    bonds, angles, torsions and inversions from the graph of a whole system
:mod:`~beadsmith.atomistic.pairs`
    exp-6 between every pair of types
:mod:`~beadsmith.atomistic.charges`
    Gasteiger charges that stay neutral while bonds form
:mod:`~beadsmith.atomistic.packing`
    molecules placed in a box by Packmol
:mod:`~beadsmith.atomistic.system`
    all of it together, before and after new bonds
:mod:`~beadsmith.atomistic.data_file`
    LAMMPS data files and coefficients

Atoms whose force field is someone else's have molecules, too:

:mod:`~beadsmith.atomistic.topologies`
    atoms, masses and bonds of a file from elsewhere
:mod:`~beadsmith.atomistic.molecules`
    which of these atoms are which of a molecule
"""
