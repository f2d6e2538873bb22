"""Contacts of a customer: the model must beat simple rivals where there is something to know, and only there."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.support.contact_forecast import calibrated, choose_forecaster, fit_forecaster, measured, reliability


def customers(n: int, seed: int, *, driver: float = 0.0, spread: bool = True) -> pd.DataFrame:
    """Customers whose rate differs (``spread``) and depends on a feature that their past does not show (``driver``)."""
    rng = np.random.default_rng(seed)
    rate = 0.006 * (rng.gamma(2.0, 0.5, n) if spread else np.ones(n))
    feature = rng.normal(size=n)
    exposure = rng.integers(100, 700, n).astype(float)
    counts, year = rng.poisson(rate * exposure), np.minimum(exposure, 365)
    ahead = rate * np.exp(driver * feature - driver**2 / 2)
    return pd.DataFrame({
        "customer_id": [f"c{i}" for i in range(n)], "contacts": counts, "exposure": exposure,
        "contacts_year": rng.binomial(counts, year / exposure), "exposure_year": year, "feature": feature,
        "next_90": rng.poisson(ahead * 90), "rate": ahead * 90,
    })  # fmt: skip


def test_shrunk_rates_beat_both_rivals() -> None:
    found = choose_forecaster(customers(6_000, 1), customers(6_000, 2), 90, ["feature"])
    assert found.forecaster.candidate == "gamma_poisson", "the trees have nothing to add"
    deviance = found.test.set_index("forecast")["deviance"]
    assert deviance["chosen"] < deviance["constant"] < deviance["last_year"]


def test_trees_are_taken_where_a_feature_says_more() -> None:
    found = choose_forecaster(customers(6_000, 1, driver=0.8), customers(6_000, 2, driver=0.8), 90, ["feature"])
    assert found.forecaster.candidate == "lightgbm"
    deviance = found.test.set_index("forecast")["deviance"]
    assert deviance["chosen"] < deviance["gamma_poisson"] - 0.02


def test_customers_who_do_not_differ_get_one_number() -> None:
    found = choose_forecaster(customers(4_000, 1, spread=False), customers(4_000, 2, spread=False), 90, ["feature"])
    assert found.forecaster.candidate == "constant"
    assert np.ptp(found.forecaster.predict(customers(50, 3))) < 1e-9


def test_the_level_and_slope_are_those_of_the_truth() -> None:
    train, test = customers(8_000, 1, driver=0.8), customers(8_000, 2, driver=0.8)
    said = choose_forecaster(train, test, 90, ["feature"]).forecaster.predict(test)
    assert test["rate"].sum() / said.sum() == pytest.approx(1, abs=0.04)
    tenths = reliability(test["next_90"].to_numpy(float), said)
    assert np.corrcoef(tenths["expected"], tenths["observed"])[0, 1] > 0.98
    assert tenths["customers"].sum() == len(test)


def test_calibration_mends_a_planted_distortion() -> None:
    rows = customers(20_000, 5)
    fitted = fit_forecaster(rows, "gamma_poisson", 90)
    bent = 3.0 * rows["rate"].to_numpy() ** 1.5
    mended = calibrated(fitted, bent, rows["next_90"].to_numpy(float))
    assert mended.slope == pytest.approx(1 / 1.5, abs=0.05)
    assert np.exp(mended.level) * 3.0**mended.slope == pytest.approx(1, abs=0.1)


def test_calibration_meets_the_equations_of_the_likelihood() -> None:
    rows = customers(5_000, 5)
    fitted, label = fit_forecaster(rows, "gamma_poisson", 90), rows["next_90"].to_numpy(float)
    bent = 3.0 * rows["rate"].to_numpy() ** 1.5
    mended = calibrated(fitted, bent, label)
    x = np.log(bent)
    gap = label - np.exp(mended.level + mended.slope * x)
    assert [gap.mean(), (gap * x).mean()] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert (mended.candidate, mended.rates) == (fitted.candidate, fitted.rates)


@pytest.mark.parametrize(
    ("said", "label", "mean"), [((0.5, 0.5, 0.5), (0.0, 1.0, 5.0), 2.0), ((0.5, 0.5, 0.6), (0.0, 0.0, 0.0), 1e-9)]
)
def test_where_all_are_told_alike_or_nobody_called_only_the_level_is_mended(
    said: tuple[float, ...], label: tuple[float, ...], mean: float
) -> None:
    fitted = fit_forecaster(customers(200, 1), "constant", 90)
    mended = calibrated(fitted, np.array(said), np.array(label))
    assert mended.slope == 1.0
    assert mended.level + np.log(said).mean() == pytest.approx(np.log(mean))


def test_what_comes_after_is_no_feature() -> None:
    train, test = customers(3_000, 1), customers(3_000, 2)
    one = choose_forecaster(train, test, 90, ["feature"]).forecaster.predict(test)
    other = choose_forecaster(train, test.assign(next_90=7), 90, ["feature"]).forecaster.predict(test.assign(next_90=7))
    np.testing.assert_array_equal(one, other)


def test_unknown_candidates_and_empty_cohorts_are_refused() -> None:
    with pytest.raises(
        ParamsError, match="unknown candidate 'lightgmb' of the contact forecast: did you mean lightgbm?"
    ):
        fit_forecaster(customers(100, 1), "lightgmb", 90)
    with pytest.raises(DataError, match="100 rows to learn from, 0 to be measured on"):
        choose_forecaster(customers(100, 1), customers(100, 1).head(0), 90, [])


def test_a_forecast_without_order_has_no_rank_correlation() -> None:
    assert np.isnan(measured(np.array([0.0, 1, 2]), np.ones(3))["rank_correlation"])
