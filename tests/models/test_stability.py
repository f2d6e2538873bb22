"""PSI and CSI: a published table, planted shifts beside innocent columns, and what chance alone does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afraz.errors import DataError, ParamsError
from afraz.models.stability import csi, psi, psi_by_chance, psi_by_segment, psi_table, verdict

values = st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=60)


def test_the_worked_example_of_three_income_bands_comes_out_as_counted_by_hand() -> None:
    # geeksforgeeks.org, "Population Stability Index (PSI)": 40, 30 and 30 % in 2020, 35, 25 and 40 % in 2021
    old = ["low"] * 40 + ["medium"] * 30 + ["high"] * 30
    new = ["low"] * 35 + ["medium"] * 25 + ["high"] * 40
    table = psi_table(old, new).set_index("bin")
    # (−.05) ln(.35 / .40) = .0066766, (−.05) ln(.25 / .30) = .0091161, .10 ln(.40 / .30) = .0287682
    assert table["contribution"].round(7).to_dict() == {"low": 0.0066766, "medium": 0.0091161, "high": 0.0287682}
    assert psi(old, new) == pytest.approx(0.0445609, abs=1e-7)


def test_quantile_bins_hold_equal_shares_of_the_expected_sample() -> None:
    table = psi_table(np.arange(1000.0), np.arange(500.0))
    assert table["expected_share"].tolist() == pytest.approx([0.1] * 10)
    assert table["actual_share"].tolist() == pytest.approx([0.2] * 5 + [0.0] * 5)
    assert table["bin"].tolist()[:2] == ["up to 99", "> 99 to 199"]
    empty = np.log(0.1 / 0.001) * (0.1 - 0.001)  # half a row of 500
    assert psi(np.arange(1000.0), np.arange(500.0)) == pytest.approx(5 * 0.1 * np.log(2) + 5 * empty)


@given(values)
def test_a_sample_is_stable_against_itself(sample: list[int | None]) -> None:
    assert psi(pd.Series(sample, dtype="Float64"), pd.Series(sample, dtype="Float64")) == 0
    text = [None if v is None else f"level {v}" for v in sample]
    assert psi(pd.Series(text, dtype="str"), pd.Series(text, dtype="str")) == 0


@given(values, values)
def test_a_psi_is_finite_and_never_negative_and_shares_add_up(old: list[int | None], new: list[int | None]) -> None:
    table = psi_table(pd.Series(old, dtype="Float64"), pd.Series(new, dtype="Float64"))
    assert np.isfinite(table["contribution"]).all()
    assert (table["contribution"] >= 0).all()
    assert table["expected_share"].sum() == pytest.approx(1)
    assert table["actual_share"].sum() == pytest.approx(1)


def test_a_constant_that_moves_either_way_is_seen_and_one_that_stays_is_not() -> None:
    still = np.full(100, 5.0)
    assert psi(still, np.full(40, 5.0)) == 0
    for moved in (4.0, 6.0):
        assert psi(still, np.full(40, moved)) > 1
    assert psi_table(still, [4.0, 5.0, 6.0])["bin"].tolist() == ["< 5", "5", "> 5"]


def test_missing_values_are_a_bin_of_their_own() -> None:
    old, new = np.arange(100.0), np.arange(100.0)
    new[::2] = np.nan
    table = psi_table(old, new).set_index("bin")
    assert table.loc["missing"].tolist()[:2] == [0.0, 0.5]
    assert "missing" not in psi_table(old, old)["bin"].tolist()
    assert psi(old, new) > psi(old, np.arange(1, 100, 2.0))
    assert psi(old, [None] * 50) > 1
    assert psi([None] * 50, old) > 1


def test_levels_never_seen_before_share_one_bin() -> None:
    table = psi_table(["a"] * 8 + ["b"] * 2, ["a"] * 7 + ["c", "d", "e"])
    assert table["bin"].tolist() == ["a", "b", "not seen before"]
    assert table["actual_share"].tolist() == pytest.approx([0.7, 0.0, 0.3])


def test_an_empty_bin_counts_as_half_a_row_so_that_small_samples_are_not_condemned_by_one_bin() -> None:
    old = ["a"] * 95 + ["rare"] * 5
    assert psi(old, ["a"] * 20) == pytest.approx((1 - 0.95) * np.log(1 / 0.95) + (0.025 - 0.05) * np.log(0.025 / 0.05))
    assert psi(old, ["a"] * 20) < 0.1 < psi(old, ["a"] * 20_000)


def test_the_planted_shift_leads_and_its_neighbours_are_stable() -> None:
    rng = np.random.default_rng(0)
    old = pd.DataFrame({"income": rng.normal(size=4000), "age": rng.normal(size=4000), "owner": rng.random(4000) < 0.5})
    old["city"] = rng.choice(["Ankara", "Izmir"], 4000)
    new = pd.DataFrame({"income": rng.normal(0.8, 1, 3000), "age": rng.normal(size=3000)})
    new["owner"], new["city"], new["other"] = (
        rng.random(3000) < 0.5,
        rng.choice(["Ankara", "Izmir"], 3000, p=[0.7, 0.3]),
        1,
    )
    found = csi(old, new)
    assert found["feature"].tolist()[:2] == ["income", "city"]
    assert found["verdict"].tolist() == ["shifted", "watch", "stable", "stable"]
    assert found["psi"].is_monotonic_decreasing


def test_verdicts_change_at_a_tenth_and_at_a_quarter() -> None:
    assert [verdict(v) for v in (0.0999, 0.1, 0.2499, 0.25)] == ["stable", "watch", "watch", "shifted"]


def test_chance_alone_exceeds_its_threshold_in_about_one_of_twenty_samples() -> None:
    rng = np.random.default_rng(1)
    limit = psi_by_chance(10, 1000, 500)
    beyond = [psi(rng.normal(size=1000), rng.normal(size=500)) > limit for _ in range(600)]
    assert 0.025 < np.mean(beyond) < 0.08


def test_chance_reaches_the_rule_of_thumb_in_small_samples_alone() -> None:
    # chi-square tables: 16.919 with nine degrees of freedom at 5 %
    assert psi_by_chance(10, 200, 200) == pytest.approx(16.919 * (1 / 200 + 1 / 200), rel=1e-4)
    assert psi_by_chance(10, 200, 200) > 0.1 > psi_by_chance(10, 5000, 400)
    assert psi_by_chance(1, 100, 100) == 0


def test_a_shift_within_one_segment_is_found_there_and_nowhere_else() -> None:
    rng = np.random.default_rng(2)
    old, new = rng.normal(size=3000), rng.normal(size=3000)
    old_segment = np.repeat(["branch", "online", "partner"], 1000)
    new_segment = np.repeat(["branch", "online", None], 1000).astype(object)
    new[new_segment == "online"] += 1
    found = psi_by_segment(old, new, old_segment, new_segment).set_index("segment")
    assert found.index.tolist() == ["branch", "missing", "online", "partner"]
    assert found.loc["online", "psi"] > 0.25
    assert found.loc["branch", "psi"] < found.loc["branch", "psi_by_chance"]
    assert found.loc[["missing", "partner"], "psi"].isna().all()
    assert found["rows_expected"].tolist() == [1000, 0, 1000, 1000]
    assert found["rows_actual"].tolist() == [1000, 1000, 1000, 0]


def test_what_cannot_be_compared_is_refused_with_a_reason() -> None:
    with pytest.raises(DataError, match="expected holds text, actual holds numbers"):
        psi(["a", "b"], [1, 2])
    with pytest.raises(DataError, match="actual has no rows"):
        psi([1, 2], [])
    with pytest.raises(DataError, match="column since: dates move on by themselves"):
        csi(*[pd.DataFrame({"since": pd.to_datetime(["2026-01-01", "2026-02-01"])})] * 2)
    with pytest.raises(DataError, match="lacks the column income .did you mean incomes.."):
        csi(pd.DataFrame({"income": [1]}), pd.DataFrame({"incomes": [1]}))
    with pytest.raises(DataError, match="segment_actual must have one name for each row"):
        psi_by_segment([1, 2], [1, 2], ["a", "a"], ["a"])
    with pytest.raises(ParamsError, match="bins must be at least 2"):
        psi([1, 2], [1, 2], bins=1)
    with pytest.raises(ParamsError, match="level must lie between 0 and 1"):
        psi_by_chance(10, 100, 100, level=5)
