"""What a user declares of a mapping."""

from __future__ import annotations

import textwrap

import pytest

from beadsmith.errors import ProblemError
from beadsmith.mapping.declaration import load_mapping, parse_counts


def written(tmp_path, text: str):
    path = tmp_path / "mapping.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_a_mapping_by_itself_needs_little_else(tmp_path):
    path = written(
        tmp_path,
        """
        molecules: {dgeba: {smiles: "*CC(O)C*", sites: epoxide}}
        mapping:
          centre: geometry
          molecules:
            dgeba: [{bead: B3, smarts: "[CH2]C(O)C"}]
            SOL: [{bead: W, atoms: OW}]
        """,
    )
    found = load_mapping(path)
    assert set(found.graphs) == {"dgeba"}
    assert found.mapping.centre == "geometry"
    assert (found.title, found.fidelity) == ("mapping", "")
    with pytest.raises(ProblemError, match="none for a file that holds a mapping only"):
        load_mapping(path, "quick")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mapping: {molecules: {a: [{beat: B3, smarts: C}]}}", r"beat.*did you mean 'bead'"),
        ("mapping: {centre: middle, molecules: {a: [{bead: B3, smarts: C}]}}", "centre: received"),
        ("title: nothing else", "mapping: received nothing"),
        (
            '{molecules: {a: {smiles: "C(("}}, mapping: {molecules: {a: [{bead: A, smarts: C}]}}}',
            r"molecules\.a\.smiles",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, sentence):
    with pytest.raises(ProblemError, match=sentence) as caught:
        load_mapping(written(tmp_path, text))
    assert str(tmp_path / "mapping.yaml") in str(caught.value)


def test_counts_of_molecules():
    assert parse_counts("pacm=12, dgeba=24") == {"pacm": 12, "dgeba": 24}
    assert list(parse_counts("pacm=12 dgeba=24")) == ["pacm", "dgeba"]
    for text in ("dgeba", "dgeba=0", "dgeba=2 dgeba=3", "dgeba=-1", "24", ""):
        with pytest.raises(ProblemError, match="--molecules"):
            parse_counts(text)
