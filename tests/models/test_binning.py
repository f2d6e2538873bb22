"""Bins: planted trends are found, strange columns survive, experts overrule, optbinning agrees."""

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afraz.errors import DataError, ParamsError
from afraz.models.binned_variable import information_value, woe
from afraz.models.binning import bin_variables, checked_label

ROWS = 3000


def draw(rows: int = ROWS, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    income, purpose = rng.normal(size=rows), rng.choice(["car", "home", "travel"], rows)
    odds = -1.5 - income + (purpose == "travel")
    frame = pd.DataFrame({"income": income, "purpose": purpose, "flag": rng.random(rows) < 0.5})
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, np.ndarray]:
    return draw()


def test_the_age_of_siddiqi_has_the_information_value_of_his_book() -> None:
    # N. Siddiqi (2006), Credit Risk Scorecards, exhibit 6.2: 40,000 accounts, 3,840 of them bad
    goods, bads = [860, 3040, 4920, 8100, 9500, 6800, 2940], [140, 960, 1080, 900, 500, 200, 60]
    assert (sum(goods), sum(bads)) == (36160, 3840)
    assert woe(goods, bads)[1] == pytest.approx(-1.08980, abs=5e-6)
    assert information_value(goods, bads) == pytest.approx(0.6681, abs=5e-5)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=8))
def test_weights_of_evidence_are_finite_and_information_is_never_negative(counts: list[tuple[int, int]]) -> None:
    goods, bads = np.array(counts).T
    assert np.isfinite(woe(goods, bads)).all()
    assert information_value(goods, bads) >= 0


def test_exchanging_goods_and_bads_turns_the_sign_and_keeps_the_information() -> None:
    goods, bads = [30, 50, 20], [5, 10, 40]
    assert woe(goods, bads) == pytest.approx(-woe(bads, goods))
    assert information_value(goods, bads) == pytest.approx(information_value(bads, goods))


def test_a_falling_bad_rate_is_found_falling(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    summary = bin_variables(*drawn).summary().set_index("variable")
    assert summary.loc["income", "trend"] == "falls"
    assert summary.loc["income", "iv"] > 0.5 > summary.loc["purpose", "iv"] > 0.05
    assert summary.loc["flag", "iv"] < 0.02


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_bins_are_monotone_large_enough_and_cover_every_row(seed: int) -> None:
    frame, bad = draw(800, seed)
    found = bin_variables(frame[["income"]], bad, n_jobs=1).variables["income"]
    rates = found.bads[:-1] / (found.goods + found.bads)[:-1]
    assert (np.diff(rates) <= 0).all() or (np.diff(rates) >= 0).all()
    assert len(rates) <= 6
    assert (found.goods + found.bads)[:-1].min() >= 40
    assert (found.goods + found.bads).sum() == 800


def test_a_known_sign_forbids_the_other_direction(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    assert bin_variables(frame, bad, signs={"income": -1}).variables["income"].iv > 0.5
    assert bin_variables(frame, bad, signs={"income": 0}).variables["income"].iv > 0.5
    assert bin_variables(frame, bad, signs={"income": 1}).variables["income"].iv < 0.01


def test_weights_of_two_count_like_doubled_rows(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    weight = np.where(np.arange(ROWS) % 3 == 0, 2.0, 1.0)
    doubled = np.repeat(np.arange(ROWS), weight.astype(int))
    one = bin_variables(frame, bad, sample_weight=weight).tables()
    two = bin_variables(frame.iloc[doubled].reset_index(drop=True), bad[doubled]).tables()
    pd.testing.assert_frame_equal(one, two)


def test_threads_do_not_change_the_bins(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    pd.testing.assert_frame_equal(bin_variables(*drawn, n_jobs=1).tables(), bin_variables(*drawn, n_jobs=2).tables())


def test_columns_that_tell_nothing_get_one_finite_bin() -> None:
    frame, bad = draw()
    strange = pd.DataFrame({
        "one_value": 1.0, "missing": np.nan, "one_text": "z", "missing_text": pd.array([None] * ROWS, dtype="str"),
        "identity": [f"customer {i}" for i in range(ROWS)], "income": frame["income"],
    })  # fmt: skip
    found = bin_variables(strange, bad)
    summary = found.summary().set_index("variable")
    assert (summary["iv"].drop("income") == 0).all()
    assert summary.loc["income", "iv"] > 0.5
    assert summary["note"].tolist()[:2] == ["one value", "missing throughout"]
    assert "none of 3000 levels is frequent enough" in summary.loc["identity", "note"]
    assert np.isfinite(found.woe(strange).to_numpy()).all()


@pytest.mark.parametrize("kind", ["bool", "Int64", "boolean", "Float64", "category"])
def test_every_kind_of_column_is_binned(kind: str) -> None:
    bad = draw()[1]
    values: Any = pd.Series(bad * (np.arange(ROWS) % 2))
    column = values.astype("Int64").mask(values.index % 11 == 0) if kind in ("Int64", "boolean", "Float64") else values
    column = column.map({0: "no", 1: "yes"}).astype("category") if kind == "category" else column.astype(kind)
    other = pd.Series(np.random.default_rng(1).integers(0, 2, ROWS)).where(np.arange(ROWS) % 3 > 0, column.notna())
    frame = pd.DataFrame({"told": column.where(np.arange(ROWS) % 4 > 0, column.iloc[0]), "noise": other})
    found = bin_variables(frame, np.where(np.arange(ROWS) % 5 == 0, 1 - bad, bad))
    assert found.variables["told"].iv > 0.1
    assert np.isfinite(found.woe(frame).to_numpy()).all()


def test_a_perfect_separation_stays_finite_and_is_called_a_leak() -> None:
    frame, bad = draw()
    frame = frame.assign(leak=bad + np.linspace(0, 0.5, ROWS))
    found = bin_variables(frame, bad)
    assert "AUC 1.00" in found.variables["leak"].note
    assert found.variables["leak"].note.endswith("a leak?")
    assert found.variables["income"].note == ""
    assert np.isfinite(found.woe(frame).to_numpy()).all()


def test_missing_values_have_a_bin_of_their_own_unless_they_are_too_few() -> None:
    frame, bad = draw()
    rng = np.random.default_rng(4)
    gone = rng.random(ROWS) < np.where(bad == 1, 0.3, 0.05)
    few = pd.Series(frame["income"]).mask(np.arange(ROWS) < 7)
    found = bin_variables(pd.DataFrame({"told": frame["income"].mask(gone), "few": few}), bad)
    assert found.variables["told"].woe[-1] < -1
    assert found.variables["few"].woe[-1] == 0
    assert found.variables["few"].goods[-1] + found.variables["few"].bads[-1] == 7
    assert found.tables().query("variable == 'few'")["count"].sum() == ROWS


def test_infinite_values_are_refused_by_name(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    with pytest.raises(DataError, match="column 'income' holds infinite values"):
        bin_variables(frame.assign(income=frame["income"].where(frame.index > 0, np.inf)), bad)


def test_ten_thousand_levels_are_pooled_in_no_time() -> None:
    rng = np.random.default_rng(0)
    level = np.where(rng.random(100_000) < 0.6, rng.integers(0, 4, 100_000), rng.integers(4, 10_004, 100_000))
    bad = rng.random(100_000) < np.where(level == 2, 0.3, 0.1)
    frame = pd.DataFrame({"place": [f"place {k}" for k in level]})
    start = time.perf_counter()
    found = bin_variables(frame, bad)
    assert time.perf_counter() - start < 10
    table = found.tables().set_index("bin")
    assert table["woe"].idxmin() == "place 2"
    assert f"{frame['place'].nunique() - 4} other levels" in table.index


def test_rare_levels_and_unseen_ones_are_neutral(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    purpose = frame["purpose"].where(frame.index >= 6, "boat")  # six rows are too few even for a pool
    found = bin_variables(pd.DataFrame({"purpose": purpose}), bad)
    asked = pd.DataFrame({"purpose": ["boat", "rocket", "travel", None]})
    neutral = found.woe(asked)["purpose"].tolist()
    assert neutral[:2] == [0.0, 0.0]
    assert neutral[2] < -0.3
    assert found.tables().set_index("bin").loc["other", "count"] == 6


def test_an_expert_overrules_and_sees_what_it_costs(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    rules = {"income": {"splits": [0.0]}, "purpose": {"groups": [["car", "home"], ["travel"]]}}
    found = bin_variables(frame, bad, overrides=rules)
    assert found.variables["income"].splits == (0.0,)
    assert found.tables()["bin"].tolist()[:4] == ["< 0", ">= 0", "car, home", "travel"]
    told = found.before_after().set_index("variable")
    assert told.index.tolist() == ["income", "purpose"]
    assert told.loc["income", "loss"] > 0.05
    assert told.loc["income", "iv_before"] == pytest.approx(bin_variables(frame, bad).variables["income"].iv)


def test_an_expert_may_free_or_force_the_trend() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    bad = (rng.random(4000) < 1 / (1 + np.exp(2.5 - x**2))).astype(int)  # safest in the middle
    frame = pd.DataFrame({"x": x})
    free = bin_variables(frame, bad, overrides={"x": {"monotonic": "none"}})
    assert free.summary()["trend"].tolist() == ["turns"]
    assert free.before_after()["loss"][0] < -0.2
    assert bin_variables(frame, bad, overrides={"x": {"monotonic": "ascending"}}).summary()["trend"][0] == "rises"


def test_an_experts_split_beside_a_pure_bin_is_left_out_and_said(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    found = bin_variables(frame, bad, overrides={"income": {"splits": [-9.0, 0.0, 9.0]}}).variables["income"]
    assert found.splits == (0.0,)
    assert found.note == "left out -9, 9: a bin without goods or bads"


def test_levels_that_no_group_names_are_pooled(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    found = bin_variables(frame, bad, overrides={"purpose": {"groups": [["travel"], ["rocket"]]}})
    told = found.tables().query("variable == 'purpose'")
    assert told["bin"].tolist() == ["travel", "2 other levels"]
    assert found.variables["purpose"].note == "neutral, without goods or bads: rocket"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"incom": {"splits": [0.0]}}, "override of 'incom', which is no variable: did you mean income"),
        ({"income": {"split": [0.0]}}, r"has \['split'\]: give one of"),
        ({"income": {"splits": [0.0], "monotonic": "none"}}, "give one of"),
        ({"income": {"splits": [1.0, 0.0]}}, "finite and rise"),
        ({"income": {"groups": [["a"]]}}, "a number takes splits or monotonic"),
        ({"purpose": {"splits": [1.0]}}, "a text takes groups"),
        ({"purpose": {"groups": [["car"], ["car"]]}}, "name 'car' twice"),
        ({"income": {"monotonic": "rising"}}, "monotonic of 'income': "),
    ],
)
def test_an_override_that_fits_nothing_is_refused(
    drawn: tuple[pd.DataFrame, np.ndarray], rule: dict[str, Any], said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        bin_variables(*drawn, overrides=rule)


def test_signs_and_trends_that_fit_nothing_are_refused(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    with pytest.raises(ParamsError, match="sign 1 of 'purpose'"):
        bin_variables(*drawn, signs={"purpose": 1})
    with pytest.raises(ParamsError, match="sign of 'incom', which is no variable"):
        bin_variables(*drawn, signs={"incom": 1})
    with pytest.raises(ParamsError, match="did you mean descending"):
        bin_variables(*drawn, monotonic="decending")


def test_labels_that_cannot_be_used_are_refused(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    with pytest.raises(DataError, match="labels must be 0"):
        bin_variables(frame, bad + 1)
    with pytest.raises(DataError, match="2997 goods and 3 bads"):
        bin_variables(frame, np.arange(ROWS) < 3)
    with pytest.raises(DataError, match="3000 rows came with 10 labels"):
        bin_variables(frame, bad[:10])
    with pytest.raises(DataError, match="weights must be finite"):
        checked_label(bad, -np.ones(ROWS), ROWS)
    with pytest.raises(DataError, match="'income' appears twice"):
        bin_variables(pd.concat([frame, frame[["income"]]], axis=1), bad)


def test_numbers_agree_with_optbinning_where_nothing_is_overruled(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    from optbinning import OptimalBinning

    frame, bad = drawn
    theirs = OptimalBinning(
        max_n_bins=6, min_bin_size=0.05, min_bin_n_event=10, min_bin_n_nonevent=10, monotonic_trend="auto_asc_desc"
    ).fit(frame["income"].to_numpy(), bad)
    ours = bin_variables(frame, bad).variables["income"]
    assert ours.splits == tuple(theirs.splits)
    told = theirs.binning_table.build(add_totals=False)
    assert ours.woe[:-1] == pytest.approx(told["WoE"].to_numpy(float)[:-2], abs=1e-12)
    assert ours.iv == pytest.approx(told["IV"].sum(), abs=1e-12)
