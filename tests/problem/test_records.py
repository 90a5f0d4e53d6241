"""Failures say what to do, also where there is nothing to search for."""

import pytest

from beadsmith.problem.records import Failure, FailureKind


@pytest.mark.parametrize("kind", FailureKind)
def test_only_searches_are_told_of_their_ranges(kind):
    """A problem of atoms, or a single model, has no ranges to narrow."""
    without, _, of_searches = Failure(kind, "melt", "detail").sentence.partition("; in a search, ")
    assert "range" not in without
    assert without.count(":") + without.count(";") >= 1
    assert of_searches in ("", "narrow the parameter ranges")


def test_a_small_box_is_made_larger_or_its_cutoff_shorter():
    sentence = Failure(FailureKind.BOX_TOO_SMALL, "melt", "edge").sentence
    assert "simulate more molecules or shorten the cutoff" in sentence
