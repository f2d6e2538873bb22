"""Reject inference: simulated banks whose true default rate is known, and outcomes that must not count."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from afraz.errors import DataError, ParamsError
from afraz.models.calibration import sigmoid
from afraz.models.credit import reject_inference as ri

Bank = tuple[pd.DataFrame, float]


def bank(seed: int, n: int = 2600, strip: float = 0.1, correlation: float = 0.05, cohorts: int = 12) -> Bank:
    """Draw a bank whose policy knows something (hidden) that the model doesn't; gives its expected default rate too."""
    rng = np.random.default_rng(seed)
    known, hidden = rng.normal(0, 0.8, n), rng.normal(0, 0.7, n)
    p = sigmoid(-2.22 + known + hidden)
    quarter = np.arange(n) % cohorts
    factor = rng.normal(size=cohorts)[quarter]
    bad = rng.random(n) < ndtr((ndtri(p) - np.sqrt(correlation) * factor) / np.sqrt(1 - correlation))
    passed = known + hidden + rng.normal(0, 0.8, n) < 0.3
    by_lot = ~passed & (rng.random(n) < strip)
    override = ~passed & ~by_lot & (rng.random(n) < 0.05)
    granted = passed | by_lot | override
    frame = pd.DataFrame({
        "passed": passed, "granted": granted, "at_random": by_lot,
        "label": np.where(granted, bad.astype(float), np.nan),
        "default_probability": sigmoid(-2.55 + 1.05 * known), "group": rng.integers(0, n, n), "cohort": quarter,
    })  # fmt: skip
    return frame, float(p.mean())


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return bank(1)[0]


def by_hand() -> pd.DataFrame:
    """60 passed (6 bads), 40 failed: 10 in the strip (4 bads), 2 overrides, 28 declined."""
    kind = np.repeat(["passed", "strip", "override", "declined"], [60, 10, 2, 28])
    label = np.concatenate([np.arange(60) < 6, np.arange(10) < 4, [0, 0], np.full(28, np.nan)]).astype(float)
    return pd.DataFrame({
        "passed": kind == "passed", "granted": kind != "declined", "at_random": kind == "strip", "label": label,
        "default_probability": np.repeat([0.1, 0.2], [60, 40]), "group": np.arange(100), "cohort": np.arange(100) % 5,
    })  # fmt: skip


def test_the_interval_covers_the_true_rate_where_accepts_and_extrapolation_miss_it() -> None:
    # measured: 95.0 % of these 200 banks (94.6 % of 1,000 others); accepts 10 %, extrapolation 3 %; strips of 63 to 156
    truth = float(np.mean([bank(seed)[1] for seed in range(40)]))
    assert truth == pytest.approx(0.14, abs=0.005)
    covered, strips = np.zeros(3), []
    for seed in range(200):
        drawn, _ = bank(1000 + seed, strip=0.08 + 0.04 * (seed % 2))
        found = ri.inverse_propensity_rate(drawn, n=150, seed=seed)
        strips.append(found["strip_loans"])
        others = [f(drawn, n=20, seed=seed) for f in (ri.accepts_rate, ri.extrapolated_rate)]
        covered += [r["low"] <= truth <= r["high"] for r in (found, *others)]
    assert min(strips) >= 55
    assert max(strips) <= 160
    assert covered[0] / 200 >= 0.90
    assert covered[1] / 200 < 0.5
    assert covered[2] / 200 < 0.5


def test_strata_are_weighted_by_their_share_of_the_applications() -> None:
    found = ri.inverse_propensity_rate(by_hand())
    assert found["estimate"] == pytest.approx(0.6 * 0.1 + 0.4 * 0.4)
    assert found["propensity"] == pytest.approx(0.25)
    assert (found["strip_loans"], found["strip_bads"]) == (10, 4)
    assert found["low"] < found["estimate"] < found["high"]


def test_outcomes_of_overrides_do_not_speak_for_the_declined() -> None:
    plain, other = by_hand(), by_hand()
    override = ~other["passed"] & other["granted"] & ~other["at_random"]
    other.loc[override, "label"] = 1.0
    assert ri.inverse_propensity_rate(plain) == ri.inverse_propensity_rate(other)
    assert ri.accepts_rate(other)["bads"] == ri.accepts_rate(plain)["bads"] + 2
    in_strip = by_hand()
    in_strip.loc[in_strip["at_random"], "label"] = 1.0
    assert ri.inverse_propensity_rate(in_strip)["estimate"] == pytest.approx(0.6 * 0.1 + 0.4)


def test_quarters_that_move_together_widen_the_interval() -> None:
    ratios = []
    for correlation in (0.0, 0.1):
        widths = np.zeros(2)
        for seed in range(12):
            drawn = bank(seed, correlation=correlation)[0]
            mixed = drawn.assign(cohort=np.random.default_rng(seed).permutation(drawn["cohort"]))
            found = [ri.accepts_rate(f, n=100, seed=seed) for f in (drawn, mixed)]
            widths += [r["high"] - r["low"] for r in found]
        ratios.append(widths[0] / widths[1])
    assert ratios[0] == pytest.approx(1, abs=0.1), "quarters of a calm bank tell nothing that customers don't"
    assert ratios[1] > 1.8


def test_loans_of_one_customer_count_as_one_in_the_strip(frame: pd.DataFrame) -> None:
    strip = frame["at_random"]
    paired = frame.assign(group=np.where(strip, -1 - strip.cumsum() // 4, frame["group"]))
    wide, narrow = (ri.inverse_propensity_rate(f) for f in (paired, frame))
    assert wide["estimate"] == narrow["estimate"]
    assert wide["high"] - wide["low"] > 1.4 * (narrow["high"] - narrow["low"])


def test_without_a_strip_the_table_says_not_applicable_and_keeps_the_range(frame: pd.DataFrame) -> None:
    bare = frame[~frame["at_random"]]
    with pytest.raises(DataError, match="no loan was granted at random with a known outcome"):
        ri.inverse_propensity_rate(bare)
    table = ri.compare(bare, n=50).set_index("method")
    assert table.loc["inverse propensity", "note"].startswith("not applicable: no loan was granted at random")
    assert table.loc["inverse propensity", ["estimate", "low", "high"]].isna().all()
    assert table.loc["fuzzy augmentation", "low"] < table.loc["fuzzy augmentation", "high"]


def test_few_outcomes_in_the_strip_are_told_and_the_wide_interval_stays(frame: pd.DataFrame) -> None:
    drop = frame["at_random"] & (frame["at_random"].cumsum() > 20)
    thin = frame.assign(at_random=frame["at_random"] & ~drop, granted=frame["granted"] & ~drop)
    thin["label"] = thin["label"].where(thin["granted"])
    row, usual = (ri.compare(f, n=100).set_index("method").loc["inverse propensity"] for f in (thin, frame))
    assert row["note"].startswith("few outcomes in the strip:")
    assert row["note"].endswith("in 20 loans")
    assert usual["note"] == ""
    assert row["high"] - row["low"] > 1.25 * (usual["high"] - usual["low"])


def test_a_strip_without_bads_still_has_an_upper_bound_above_none() -> None:
    clean = by_hand()
    clean.loc[clean["at_random"], "label"] = 0.0
    found = ri.inverse_propensity_rate(clean)
    assert found["rate_failed"] == 0
    # no bad in 10 loans: the upper limit of the strip's rate is .217, the quantile of Beta(.5, 10.5)
    assert found["high"] > 0.4 * 0.15


def test_few_cohorts_are_told_in_the_table() -> None:
    table = ri.compare(by_hand().assign(cohort="2026Q1"), n=50).set_index("method")
    assert "leaves the common factor out" in table.loc["accepts", "note"]
    assert (
        "few outcomes in the strip: 4 bads in 10 loans; fewer than 4 cohorts" in table.loc["inverse propensity", "note"]
    )


def test_a_factor_of_one_repeats_the_model_and_two_doubles_the_odds() -> None:
    table = ri.fuzzy_augmentation(by_hand(), (1, 2))
    assert table["declined_rate"].tolist() == pytest.approx([0.2, 1 / 3])
    assert table["rate"].tolist() == pytest.approx([(6 + 4 + 28 * 0.2) / 100, (6 + 4 + 28 / 3) / 100])


def test_the_assumed_range_does_not_learn_from_the_strip() -> None:
    good, bad = by_hand(), by_hand()
    bad.loc[bad["at_random"], "label"] = 1.0
    for column in ("factor", "declined_rate"):
        assert ri.fuzzy_augmentation(good)[column].tolist() == ri.fuzzy_augmentation(bad)[column].tolist()


def test_parcelling_gives_the_declined_the_rate_of_their_band() -> None:
    table = ri.parcelling(by_hand(), (1.0,), bands=2)  # below .2: the passed; above: strip and overrides
    assert table["declined_rate"].iloc[0] == pytest.approx((4 + 0.5) / (12 + 1))
    one = ri.parcelling(by_hand(), (1.0,), bands=1)
    assert one["declined_rate"].iloc[0] == pytest.approx((10 + 0.5) / (72 + 1))
    with pytest.raises(ParamsError, match="bands is a whole number from 1 on, got 0"):
        ri.parcelling(by_hand(), bands=0)


@given(st.lists(st.floats(0.1, 20), min_size=2, max_size=5, unique=True))
def test_a_larger_factor_never_gives_a_lower_rate(factors: list[float]) -> None:
    for method in (ri.fuzzy_augmentation, ri.parcelling):
        rates = method(by_hand(), sorted(factors))["rate"]
        assert (rates.diff().dropna() >= 0).all()
        assert rates.between(0, 1).all()


def test_the_table_names_every_assumption_and_an_assumed_range_has_no_estimate(frame: pd.DataFrame) -> None:
    table = ri.compare(frame, n=50)
    assert table.columns.tolist() == ["method", "estimate", "low", "high", "assumption", "note"]
    assert table["method"].tolist() == [
        "accepts", "extrapolation", "inverse propensity", "fuzzy augmentation", "parcelling",
    ]  # fmt: skip
    assert (table["assumption"] != "").all()
    ranges = table.iloc[3:]
    assert ranges["estimate"].isna().all()
    assert ranges["note"].str.contains("no information of their own").all()
    assert ranges["assumption"].str.contains("from 1 to 4").all()


def test_equal_seeds_give_equal_tables_whatever_the_order_of_the_rows(frame: pd.DataFrame) -> None:
    before = frame.copy()
    first, second = ri.compare(frame, n=50, seed=3), ri.compare(frame, n=50, seed=3)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(first, ri.compare(frame.sample(frac=1, random_state=0), n=50, seed=3))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("at_random", 0, True, "1 granted at random though they passed"),
        ("at_random", 99, True, "1 at random but not granted"),
        ("label", 99, 1.0, "1 labelled but not granted"),
        ("label", 0, 0.5, "1 with a label other than 0, 1 or missing"),
        ("default_probability", 0, np.nan, "1 without a default_probability from 0 to 1"),
    ],
)
def test_rows_that_contradict_themselves_are_counted(column: str, row: int, value: object, message: str) -> None:
    frame = by_hand()
    frame.loc[row, column] = value
    with pytest.raises(DataError, match=message):
        ri.accepts_rate(frame)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(DataError, match=r"without \['cohort'\]"):
        ri.compare(by_hand().drop(columns="cohort"))
    with pytest.raises(DataError, match="1 without group or cohort"):
        ri.compare(by_hand().assign(group=[None, *range(99)]))
    with pytest.raises(DataError, match="got none: check passed and label"):
        ri.compare(by_hand().assign(label=np.nan))
    with pytest.raises(ParamsError, match="factors are ratios of odds above 0"):
        ri.fuzzy_augmentation(by_hand(), (0.0, 1.0))
