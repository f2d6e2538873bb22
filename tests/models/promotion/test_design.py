import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.promotion.design import read_design


def test_arms_drawn_anew_keep_their_numbers_in_every_block() -> None:
    rng = np.random.default_rng(1)
    block, treated = rng.choice(["a", "b", "c"], 600), rng.integers(0, 2, 600)
    design = read_design(treated, block=block)
    drawn = design.draw(rng)
    assert (drawn != treated).any()
    for name in "abc":
        assert drawn[block == name].sum() == treated[block == name].sum()


def test_arms_drawn_from_stated_propensities_follow_them() -> None:
    rng = np.random.default_rng(2)
    stated = np.repeat([0.2, 0.7], 300)
    design = read_design(rng.random(600) < stated, propensity=stated)
    drawn = np.mean([design.draw(rng) for _ in range(200)], axis=0)
    assert drawn[:300].mean() == pytest.approx(0.2, abs=0.01)
    assert drawn[300:].mean() == pytest.approx(0.7, abs=0.01)


def test_the_weight_is_one_over_the_share_of_the_arm_in_the_block() -> None:
    design = read_design([1] * 30 + [0] * 90 + [1] * 60 + [0] * 60, block=["a"] * 120 + ["b"] * 120)
    weight = design.weight(design.code)
    assert weight[[0, 30, 120, 180]] == pytest.approx([4, 4 / 3, 2, 2])


def test_one_named_arm_and_the_control_are_as_good_as_ones_and_zeros() -> None:
    named, plain = read_design(["mail", "no mail"] * 40, control="no mail"), read_design([1, 0] * 40)
    np.testing.assert_array_equal(named.code, plain.code)
    assert named.arms == ["no mail", "mail"]


@pytest.mark.parametrize(
    ("treatment", "stated", "message"),
    [
        ([0] * 80, {}, "nobody among 80 rows got it"),
        ([1] * 80, {}, r"everybody \(80 rows\) got it, there is no control group"),
        (["none"] * 80, {"control": "none"}, "nobody among 80 rows got it, all have the arm 'none'"),
        (
            ["mail"] * 40 + ["call"] * 40,
            {"control": "none"},
            "no row has the arm 'none'; known: call, mail",
        ),
        (["mail", "none"] * 40, {}, "treatment has the values mail, none: expected 0 and 1, or name the arm"),
        ([1, None] * 40, {}, "treatment is missing in 40 of 80 rows"),
        ([1] * 12 + [0] * 68, {}, "arm 'treated' has 12 of 80 rows, at least 30 are needed"),
        ([1, 0] * 40, {"block": ["a"] * 79 + ["b"]}, "block 'b' has 0 rows of arm 'treated' among 1"),
        ([1, 0] * 40, {"block": ["a"] * 79 + [None]}, "block is missing in 1 of 80 rows"),
        ([1, 0] * 40, {"block": ["a"] * 79}, "block has 79 values, treatment has 80"),
        ([1, 0] * 40, {"propensity": [0.5] * 77 + [0, 0, 1]}, r"0 or 1 in 3 of 80 rows \(2 of 0, 1 of 1\)"),
        ([1, 0] * 40, {"propensity": [0.5] * 79 + [np.nan]}, "propensity is missing in 1 of 80 rows"),
        ([1, 0] * 40, {"propensity": [0.5] * 79 + [1.2]}, "propensity lies outside 0 to 1 in 1 of 80 rows"),
        ([1, 0] * 40, {"propensity": [0.5] * 79}, "propensity has 79 values, treatment has 80"),
        (["a", "b", "c"] * 40, {"control": "a", "propensity": [0.5] * 120}, "frame with columns a, b, c"),
        (
            ["a", "b", "c"] * 40,
            {"control": "a", "propensity": pd.DataFrame({"a": [0.5] * 120, "b": 0.5})},
            "propensity has no column 'c'",
        ),
        (
            ["a", "b", "c"] * 40,
            {"control": "a", "propensity": pd.DataFrame({"a": [0.5] * 120, "b": 0.5, "c": 0.2})},
            "do not add up to 1",
        ),
    ],
)
def test_what_cannot_be_a_trial_is_refused_by_name(treatment: list, stated: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_design(treatment, **stated)
