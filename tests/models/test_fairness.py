"""Fairness by group against hand counts and fairlearn, age bands at their edges, planted proxies beside noise."""

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_ratio, equal_opportunity_difference

from afraz.errors import DataError, ParamsError
from afraz.models.fairness import NOTE, age_bands, group_fairness, proxies


@pytest.fixture(scope="module")
def granted() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"group": rng.choice(["f", "m", "x"], 6000), "p": rng.beta(1, 9, 6000)})
    # systematic draws: each group gets as many bads as it expects, so that an innocent group is calibrated exactly
    whole = np.floor(frame.groupby("group")["p"].cumsum())
    frame["label"] = whole.groupby(frame["group"]).diff().fillna(whole)
    limit = frame["group"].map({"f": 0.15, "m": 0.15, "x": 0.06})  # x is held to a stricter line
    frame["approved"] = frame["p"] < limit
    return frame


@pytest.fixture(scope="module")
def inputs() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(1)
    sex = rng.choice(["f", "m"], 1500)
    distance = np.where(sex == "f", 0.0, rng.choice([-3.0, 3.0], 1500)) + rng.normal(size=1500)
    features = pd.DataFrame({"noise": rng.normal(size=1500), "distance": distance, "gap": rng.normal(size=1500)})
    features.loc[(sex == "m") & (rng.random(1500) < 0.5), "gap"] = np.nan
    shops = np.where(sex == "f", rng.integers(0, 30, 1500) * 2, rng.integers(0, 60, 1500))
    features["shop"] = [f"shop {n:02d}" for n in shops]
    features["owner"] = rng.random(1500) < 0.5
    return features, sex


def test_rates_are_those_counted_by_hand() -> None:
    found = group_fairness(
        [True, True, False, True, False, False, False, False],
        [0, 1, 0, 0, 0, 1, None, 0],
        list("aaaabbbb"),
        default_probability=[0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.9, 0.5],
    ).set_index("group")
    assert found["rows"].tolist() == [4, 4]
    assert found["selection_rate"].tolist() == [0.75, 0.0]
    assert found["selection_rate_ratio"].tolist() == [1.0, 0.0]
    assert found["goods"].tolist() == [3, 2]
    assert found["rows_without_label"].tolist() == [0, 1]
    assert found["true_positive_rate"].tolist() == pytest.approx([2 / 3, 0.0])
    assert found["equal_opportunity_difference"].tolist() == pytest.approx([0.0, -2 / 3])
    assert found["default_probability"].tolist() == pytest.approx([0.25, 0.6])
    assert found["bad_rate_observed"].tolist() == pytest.approx([0.25, 1 / 3])
    assert found["calibration"].tolist() == pytest.approx([1.0, 2 / 3])


def test_the_worst_group_equals_what_fairlearn_reports(granted: pd.DataFrame) -> None:
    found = group_fairness(granted["approved"], granted["label"], granted["group"])
    good, group = 1 - granted["label"], granted["group"]
    ratio = demographic_parity_ratio(good, granted["approved"], sensitive_features=group)
    assert found["selection_rate_ratio"].min() == pytest.approx(ratio)
    gap = equal_opportunity_difference(good, granted["approved"].astype(float), sensitive_features=group)
    assert -found["equal_opportunity_difference"].min() == pytest.approx(gap)


def test_the_group_held_to_a_stricter_line_is_found_and_its_neighbours_are_not(granted: pd.DataFrame) -> None:
    found = group_fairness(granted["approved"], granted["label"], granted["group"]).set_index("group")
    assert found.loc["x", "selection_rate_ratio"] < 0.8
    assert found.loc["x", "equal_opportunity_difference"] < -0.2
    assert found.loc[["f", "m"], "selection_rate_ratio"].min() > 0.95
    assert found.loc[["f", "m"], "equal_opportunity_difference"].min() > -0.05


def test_a_planted_underestimate_leaves_the_interval_of_its_group_alone(granted: pd.DataFrame) -> None:
    p = granted["p"].where(granted["group"] != "m", granted["p"] / 2)
    found = group_fairness(granted["approved"], granted["label"], granted["group"], default_probability=p).set_index(
        "group"
    )
    assert found.loc["m", "calibration_low"] > 1.5
    assert found.loc[["f", "x"], "calibration"].tolist() == pytest.approx([1, 1], abs=0.01)
    assert (found.loc[["f", "x"], "calibration_low"] < 1).all()
    assert (found.loc[["f", "x"], "calibration_high"] > 1).all()
    assert (found["calibration_low"] < found["calibration"]).all()


def test_the_interval_of_calibration_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3: 15 of 148 gives .0624 to .1605
    label = np.arange(148) < 15
    found = group_fairness(np.ones(148), label, ["a"] * 148, default_probability=np.full(148, 0.5)).iloc[0]
    assert found["calibration_low"] * 0.5 == pytest.approx(0.0624, abs=5e-5)
    assert found["calibration_high"] * 0.5 == pytest.approx(0.1605, abs=5e-5)


def test_a_group_without_goods_or_labels_has_no_opportunity_to_measure() -> None:
    found = group_fairness([1, 1, 0, 0, 0], [0, 1, 1, None, None], ["a", "a", "bad", None, "new"]).set_index("group")
    assert found.index.tolist() == ["a", "bad", "new", "unknown"]
    assert found["true_positive_rate"].isna().tolist() == [False, True, True, True]
    assert found["bad_rate_observed"].isna().tolist() == [False, False, True, True]
    assert found["calibration"].isna().all()
    assert found["default_probability"].isna().all()


def test_nobody_approved_and_nobody_labelled_leave_rates_missing_and_do_not_fail() -> None:
    found = group_fairness([False, False], [None, None], ["a", "b"])
    assert found["selection_rate"].tolist() == [0, 0]
    assert found[["selection_rate_ratio", "true_positive_rate", "equal_opportunity_difference"]].isna().all(axis=None)


def test_the_note_says_on_whom_opportunity_is_observed() -> None:
    assert "granted loans only" in NOTE


def test_ages_change_bands_on_birthdays() -> None:
    ages = [0, 17.99, 18, 25.99, 26, 35, 36, 45, 46, 55, 56, 65.5, 66, 120]
    assert age_bands(ages).tolist() == [
        *["under 18"] * 2, *["18–25"] * 2, *["26–35"] * 2, *["36–45"] * 2,
        *["46–55"] * 2, *["56–65"] * 2, *["66 and over"] * 2,
    ]  # fmt: skip
    assert age_bands(pd.Series([30, None], dtype="Int64", index=[7, 3])).tolist() == ["26–35", "unknown"]


def test_planted_proxies_lead_and_noise_gives_away_nothing(inputs: tuple[pd.DataFrame, np.ndarray]) -> None:
    found = proxies(*inputs, seed=3)
    auc = found["features"].set_index("feature")["auc"]
    assert found["features"]["auc"].is_monotonic_decreasing
    assert auc.index[0] == "distance"  # far on either side: no straight line would see it
    assert auc["distance"] > 0.9
    assert auc["gap"] == pytest.approx(0.75, abs=0.03)  # half of one level is missing
    assert auc["shop"] > 0.65  # more levels than bins
    for innocent in ("noise", "owner"):
        assert auc[innocent] == pytest.approx(0.5, abs=0.04)
    assert found["protected"]["auc"].min() > auc["distance"]


def test_missing_is_a_cell_of_its_own_and_not_a_low_number() -> None:
    rng = np.random.default_rng(6)
    sex = np.repeat(["f", "m"], 400)
    low = np.where(sex == "f", np.where(rng.random(800) < 0.5, np.nan, 5.0), np.where(rng.random(800) < 0.5, 0.0, 5.0))
    found = proxies(pd.DataFrame({"low": low}), sex, seed=0)["features"]
    assert found.loc[0, "auc"] == pytest.approx(0.875, abs=0.03)  # half of each level is certain, the rest even


def test_noise_alone_gives_away_nothing_together() -> None:
    rng = np.random.default_rng(5)
    features = pd.DataFrame(rng.normal(size=(2000, 6)), columns=list("abcdef"))
    found = proxies(features, rng.choice(["f", "m"], 2000), seed=0)
    assert found["protected"]["auc"].tolist() == pytest.approx([0.5, 0.5], abs=0.05)


def test_equal_data_and_seed_give_equal_results_and_rows_are_left_alone(
    inputs: tuple[pd.DataFrame, np.ndarray],
) -> None:
    features, sex = inputs
    before = features.copy()
    first, second = proxies(features, sex, seed=3), proxies(features, sex, seed=3)
    for name in ("protected", "features"):
        pd.testing.assert_frame_equal(first[name], second[name], check_exact=True)
    assert not proxies(features, sex, seed=4)["features"].equals(first["features"])
    pd.testing.assert_frame_equal(features, before)


def test_each_band_of_age_is_held_against_the_others_and_rare_ones_are_left_out() -> None:
    rng = np.random.default_rng(2)
    age = np.append(rng.integers(20, 60, 900), [70] * 5)
    found = proxies(pd.DataFrame({"income": age * 100.0 + rng.normal(0, 300, 905)}), age_bands(age), seed=0)
    table = found["protected"].set_index("level")
    assert table.loc["66 and over", "rows"] == 5
    assert table["auc"].isna().tolist() == [level == "66 and over" for level in table.index]
    assert table["auc"].min() > 0.9
    assert found["features"]["feature"].tolist() == ["income"]


def test_what_cannot_be_compared_is_refused_with_a_reason() -> None:
    frame = pd.DataFrame({"a": np.arange(40.0)})
    with pytest.raises(DataError, match="label must have one value for each of 2 rows; got 1"):
        group_fairness([1, 0], [0], ["a", "b"])
    with pytest.raises(DataError, match="approved must be true or false"):
        group_fairness([1, None], [0, 1], ["a", "b"])
    with pytest.raises(DataError, match=r"label must be 0 .good., 1 .bad. or missing"):
        group_fairness([1, 0], [0, 2], ["a", "b"])
    with pytest.raises(DataError, match="without gaps"):
        group_fairness([1, 0], [0, 1], ["a", "b"], default_probability=[0.1, None])
    with pytest.raises(DataError, match="no rows"):
        group_fairness([], [], [])
    with pytest.raises(DataError, match="between 0 and 120 years; got 1985"):
        age_bands([30, 1985])
    with pytest.raises(DataError, match="two levels with 20 rows are needed"):
        proxies(frame, ["a"] * 25 + ["b"] * 15, seed=0)
    with pytest.raises(DataError, match="one length; got 40 and 2"):
        proxies(frame, ["a", "b"], seed=0)
    with pytest.raises(DataError, match="column since holds dates"):
        proxies(frame.assign(since=pd.Timestamp("2026-01-01")), ["a", "b"] * 20, seed=0)
    with pytest.raises(ParamsError, match="folds must lie between 2 and 20; got 1"):
        proxies(frame, ["a", "b"] * 20, seed=0, folds=1)
