"""From atoms to beads.  Pure functions, but for ``trajectories`` and ``topologies``, which read files.

- ``centres``: the beads of a whole system, and what they did in a simulation of atoms (:func:`mapping_of`,
  :func:`mapped`);
- ``whole``: molecules put together that the faces of the periodic box cut apart;
- ``molecules``: molecules that are known by names of their atoms only, and which atoms of a file are which;
- ``topologies``, ``trajectories``: atoms and frames of files from elsewhere, by LAMMPS or GROMACS;
- ``distributions``: lengths, angles and neighbours of the beads, with errors.

Which atoms of a molecule make which bead is what the problem file says (:mod:`beadsmith.problem.bead_mapping`).

Definitions and limits stand in ``docs/mapping.md``.
"""

from __future__ import annotations

from beadsmith.mapping.centres import BeadCentres, mapped, mapping_of

__all__ = ["BeadCentres", "mapped", "mapping_of"]
