"""What changed adds up, and is blamed on what was changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afraz.risk.changes import EFFECTS, changes
from afraz.risk.positions import expected_loss

from .books import rows


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(0, 30))
def test_effects_add_up_to_the_change(seed: int, before: int, now: int) -> None:
    rng = np.random.default_rng(seed)

    def book(first: int) -> object:
        told = {"exposure": rng.uniform(1, 9, 40), "probability": rng.random(40), "severity": rng.random(40)}
        return rows(n=40, **told).iloc[first:]

    a, b = book(before), book(now)
    found = changes(a, b)
    assert found["before"] == pytest.approx(expected_loss(a).sum())
    assert found["before"] + found[list(EFFECTS)].sum() == pytest.approx(found["now"])


@pytest.mark.parametrize("part", ["exposure", "probability", "severity"])
def test_the_one_thing_that_changed_is_named_alone(part: str) -> None:
    before = rows(n=10, severity=0.5)
    now = before.assign(**{part: before[part] * 1.5})
    found = changes(before, now)
    assert found[part] == pytest.approx(0.5 * expected_loss(before).sum())
    others = [e for e in EFFECTS if e != part]
    assert found[others].to_numpy() == pytest.approx(np.zeros(4), abs=1e-12)


def test_two_changes_at_once_share_what_they_do_together() -> None:
    before = rows(n=1, exposure=1.0, probability=0.1)
    found = changes(before, before.assign(exposure=2.0, probability=0.3))
    assert found["exposure"] == pytest.approx(0.1 + 0.2 / 2)
    assert found["probability"] == pytest.approx(0.2 + 0.2 / 2)


def test_nothing_changed_is_nothing() -> None:
    assert (changes(rows(), rows())[list(EFFECTS)] == 0).all()
