"""From atoms to beads.  Pure functions, but for ``trajectories``, which reads files.

- ``centres``: the beads of a whole system, and what they did in a simulation of atoms (:func:`mapping_of`,
  :func:`mapped`);
- ``whole``: molecules put together that the faces of the periodic box cut apart;
- ``trajectories``: frames of files from elsewhere, by LAMMPS or GROMACS;
- ``distributions``: lengths, angles and neighbours of the beads, with errors.

Which atoms of a molecule make which bead is what the problem file says (:mod:`beadsmith.problem.bead_mapping`); which
atoms of a file are which of a molecule, :mod:`beadsmith.atomistic.molecules`.

Definitions and limits stand in ``docs/mapping.md``.
"""

from __future__ import annotations

from beadsmith.mapping.centres import BeadCentres, mapped, mapping_of

__all__ = ["BeadCentres", "mapped", "mapping_of"]
