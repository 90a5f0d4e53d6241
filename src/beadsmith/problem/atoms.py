"""A molecule as a graph of atoms: what its SMILES says, and what typing, charges and mappings begin with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class MolecularGraph:
    """All atoms of a molecule, hydrogens among them, and the bonds between them.

    An open valence (``*`` in SMILES) is no atom: it is a bond that the atom beside it may form in a cure.  What such an
    atom is, its hybridisation above all, is what it will be when the bond is there.

    Attributes:
        name: of the molecule.
        smiles: as declared.
        names: of the atoms, element and number, such as C1 and H12; each once.
        elements: symbols.
        masses: g/mol.
        hybridisations: of each atom: sp, sp2 or sp3; empty for hydrogen and halogens.
        resonant: whether each atom is part of an aromatic ring, or of another conjugated system.
        aromatic: whether each atom is part of an aromatic ring.
        bonds: pairs of atoms, 0 first.
        orders: of the bonds: 1, 1.5 (aromatic), 2 or 3.
        open_valences: bonds that each atom can still form.
        sites: kind of reactive site that each atom is, as the problem file names it; empty for those that do not react.
    """

    name: str
    smiles: str
    names: tuple[str, ...]
    elements: tuple[str, ...]
    masses: tuple[float, ...]
    hybridisations: tuple[str, ...]
    resonant: tuple[bool, ...]
    aromatic: tuple[bool, ...]
    bonds: tuple[tuple[int, int], ...]
    orders: tuple[float, ...]
    open_valences: tuple[int, ...]
    sites: tuple[str, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What the problem file calls each atom: its kind of site if it is one, else its element."""
        return tuple(site or element for site, element in zip(self.sites, self.elements, strict=True))
