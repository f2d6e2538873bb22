"""Power of two proportions: published numbers, and a simulation of what is promised."""

import numpy as np
import pytest

from afraz.decisioning.power import Power, control_size, detectable, power_of
from afraz.errors import ParamsError


def test_the_published_examples_are_met() -> None:
    wanted = Power(base_rate=0.5, smallest_effect=0.25, power=0.9)
    assert power_of(50, 50, wanted) == pytest.approx(0.740, abs=5e-4)  # R, power.prop.test
    assert power_of(76, 76, wanted) < 0.9 < power_of(77, 77, wanted)  # its n = 76.7
    assert detectable(77, 77, wanted) == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize("effect", [0.02, -0.02])
def test_the_control_group_sees_the_effect_as_often_as_promised(effect: float) -> None:
    wanted = Power(base_rate=0.06, smallest_effect=effect)
    size = control_size(20_000, wanted)
    assert size.measurable
    assert size.control < 0.3 * 20_000
    assert power_of(size.control - 1, 20_000 - size.control + 1, wanted) < wanted.power <= size.power
    rng = np.random.default_rng(7)
    n, m = size.control, size.rows - size.control
    p = rng.binomial(n, 0.06, 20_000) / n
    q = rng.binomial(m, 0.06 + effect, 20_000) / m
    pooled = (n * p + m * q) / (n + m)
    seen = np.abs(p - q) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)) > 1.959964
    assert seen.mean() == pytest.approx(0.8, abs=0.02)  # the normal approximation is off by about a point


def test_a_campaign_that_is_too_small_says_so_and_what_it_could_see() -> None:
    size = control_size(1000, Power())
    assert (size.control, size.measurable) == (300, False)
    assert "at least +5.6 points would be needed" in size.said
    assert power_of(300, 700, Power(), 0.0565) == pytest.approx(0.8, abs=0.01)
    assert control_size(2, Power()).control == 0
    assert "no effect would be seen" in control_size(2, Power()).said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"smallest_effect": 0.0}, "smallest_effect is 0"),
        ({"base_rate": 0.0}, "no share between 0 and 1"),
        ({"base_rate": 0.01, "smallest_effect": -0.02}, "no share between 0 and 1"),
        ({"power": 0.01}, "level < power"),
        ({"largest_share": 0.6}, "largest_share is a share up to .5"),
        ({"smalest_effect": 0.02}, "unknown setting of power 'smalest_effect': did you mean smallest_effect"),
        ({"level": "low"}, "setting of power level: input should be a valid number"),
    ],
)
def test_senseless_wishes_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        Power(**values)
