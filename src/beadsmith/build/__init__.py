"""Starting configurations: molecules grown as random walks, placed in a box, written as a LAMMPS data file.

:mod:`~beadsmith.build.growth`
    conformations of one kind of molecule
:mod:`~beadsmith.build.system`
    melts and isolated molecules
:mod:`~beadsmith.build.data_file`
    LAMMPS data files
"""
