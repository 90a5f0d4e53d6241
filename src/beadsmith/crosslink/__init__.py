"""Crosslinking: bonds that form between beads that meet, and the network that they make.

Pure functions that know neither LAMMPS nor files, but for ``cure``.

What is declared, and checked before anything is simulated:

- ``rules``: reactive beads, reactions, stages;
- ``stoichiometry``: how many bonds the numbers of sites allow;
- ``topology``: types of bonds and angles that can arise.

From cycle to cycle:

- ``network``: the state of a cure, its bonds;
- ``choice``: which bonds form at given positions;
- ``schedule``: which stage it is, when a snapshot is due, when the cure is over;
- ``topology``: bonds and angles after new bonds;
- ``rings``: bonds that pass through rings of bonds.

All of it, with LAMMPS:

- ``cure``: forms bonds and relaxes in turn, keeps the system after each cycle in a folder, and goes on from there.

What has come of it:

- ``analysis``: pieces, gel, dangling ends, unreacted sites, by way of ``backbone`` (effective strands and junctions)
  and ``percolation`` (through periodic images);
- ``mean_field``: gel point and gel fraction of the ideal random network.

Definitions and limits stand in ``docs/crosslinking.md``.
"""
