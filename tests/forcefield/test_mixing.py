import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beadsmith.forcefield.mixing import mix_distance, mix_energy
from beadsmith.problem.styles import MIXING_RULES

positive = st.floats(0.1, 10.0)


@pytest.mark.parametrize("rule", MIXING_RULES)
@settings(max_examples=40)
@given(first=positive, second=positive, sizes=st.tuples(positive, positive))
def test_mixing_is_symmetric_between_its_ends_and_leaves_like_beads_alone(rule, first, second, sizes):
    one, other = sizes
    assert mix_distance(first, second, rule) == pytest.approx(mix_distance(second, first, rule))
    assert mix_energy(first, second, one, other, rule) == pytest.approx(mix_energy(second, first, other, one, rule))
    assert mix_distance(first, first, rule) == pytest.approx(first)
    assert mix_energy(first, first, one, one, rule) == pytest.approx(first)
    assert min(first, second) * (1 - 1e-9) <= mix_distance(first, second, rule) <= max(first, second) * (1 + 1e-9)


def test_the_rules_by_hand():
    assert mix_distance(2.0, 8.0, "geometric") == pytest.approx(4.0)
    assert mix_distance(2.0, 8.0, "arithmetic") == pytest.approx(5.0)
    assert mix_distance(1.0, 2.0, "sixthpower") == pytest.approx((65 / 2) ** (1 / 6))
    assert mix_energy(0.2, 0.8, 3.0, 4.0, "geometric") == pytest.approx(0.4)
    assert mix_energy(0.2, 0.8, 3.0, 4.0, "arithmetic") == pytest.approx(0.4)
    # Waldman and Hagler: the dispersion coefficients, 4 epsilon sigma^6, mix geometrically.
    sigma = mix_distance(3.0, 4.0, "sixthpower")
    epsilon = mix_energy(0.2, 0.8, 3.0, 4.0, "sixthpower")
    assert epsilon * sigma**6 == pytest.approx(math.sqrt(0.2 * 3.0**6 * 0.8 * 4.0**6))


def test_a_rule_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="unknown mixing rule 'harmonic'"):
        mix_distance(1.0, 2.0, "harmonic")
    with pytest.raises(ValueError, match="unknown mixing rule 'harmonic'"):
        mix_energy(1.0, 2.0, 1.0, 1.0, "harmonic")
