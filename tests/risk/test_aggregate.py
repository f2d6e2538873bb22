"""The whole: it reconciles with its units, and goes on, marked, when one of them fails."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, NotApplicable, ParamsError
from afraz.risk.aggregate import Measured, View, aggregate, dependence, measure_units
from afraz.risk.settings import RiskSettings
from afraz.risk.units import UNITS

from .books import TERMS, frames

TOLD = {
    "scenarios": 20_000, "level": 0.99,
    "copula": {"kind": "t", "degrees": 4, "otherwise": 0.1, "correlations": {"attrition": {"deposits": 0.7}}},
    "units": {"credit": {"correlation": 0.05}, "attrition": {"correlation": 0.03}, "deposits": {"correlation": 0.05},
              "service": {"correlation": 0.02}},
}  # fmt: skip
SETTINGS = RiskSettings(**TOLD)


def measured(settings: RiskSettings = SETTINGS, names: list[str] | None = None, **broken: pd.DataFrame) -> Measured:
    given = {**frames(), **broken}
    return measure_units(given.__getitem__, TERMS, settings, names)


@pytest.fixture(scope="module")
def whole() -> View:
    return aggregate(measured(), SETTINGS, 7)


def test_units_reconcile_to_the_total(whole: View) -> None:
    units, total = whole.units, whole.total
    assert measured().failed == {}
    assert list(units["unit"]) == list(UNITS)
    assert units["expected_loss"].sum() == pytest.approx(total["expected_loss"], rel=1e-12)
    assert units["capital_contribution"].sum() == pytest.approx(total["economic_capital"], rel=1e-9)
    assert units["shortfall_contribution"].sum() == pytest.approx(total["expected_shortfall"], rel=1e-9)
    assert total["euler_gap"] < 1e-9
    assert units["economic_capital"].sum() == pytest.approx(total["sum_of_units_capital"])


def test_the_draws_have_the_expected_loss_as_their_mean(whole: View) -> None:
    assert abs(whole.total["drift"]) < 3 * whole.total["standard_deviation"] / np.sqrt(SETTINGS.scenarios)


def test_a_unit_counted_elsewhere_adds_capital_but_no_expected_loss(whole: View) -> None:
    row = whole.units.set_index("unit").loc["concentration"]
    assert row["expected_loss"] == 0
    assert row["exposure"] * row["probability"] * row["severity"] > 0
    assert row["capital_contribution"] > 0
    others = whole.units[whole.units["unit"] != "concentration"]
    assert whole.total["exposure"] == pytest.approx(others["exposure"].sum())  # a loan is at risk once


def test_diversification_lies_between_independence_and_the_worst_together(whole: View) -> None:
    capital = dependence(whole, SETTINGS, 7).set_index("dependence")["economic_capital"]
    assert capital["t copula (4 degrees), stated correlations"] == whole.total["economic_capital"]
    assert capital["independent"] < whole.total["economic_capital"] < capital["all at their worst together"]
    assert capital["all at their worst together"] == pytest.approx(whole.total["sum_of_units_capital"], rel=1e-6)
    assert 0 < whole.total["diversification_benefit"] < 1


def test_a_single_unit_is_its_own_whole() -> None:
    found = aggregate(measured(names=["credit"]), SETTINGS, 7)
    row = found.units.iloc[0]
    assert row["capital_contribution"] == pytest.approx(row["economic_capital"])
    assert found.total["diversification_benefit"] == pytest.approx(0)


def test_a_unit_measures_the_same_with_and_without_the_others(whole: View) -> None:
    alone = aggregate(measured(names=["credit"]), SETTINGS, 7).units.iloc[0]
    among = whole.units.set_index("unit").loc["credit"]
    assert alone["value_at_risk"] == among["value_at_risk"]


def test_a_unit_with_a_missing_number_is_named_and_the_rest_goes_on(whole: View) -> None:
    book = frames()["credit_book"]
    book.loc[book.index[~book["in_default"]][3], "default_probability"] = np.nan
    found = measured(credit_book=book)
    assert list(found.failed) == ["credit", "concentration"]
    assert "credit: probability is missing or out of range in 1 of" in found.failed["credit"]
    view = aggregate(found, SETTINGS, 7)
    assert view.notes == []
    assert list(view.units["unit"]) == ["attrition", "deposits", "service"]
    left = view.units.set_index("unit")["expected_loss"]
    assert left.equals(whole.units.set_index("unit")["expected_loss"][left.index])


def test_a_unit_that_delivers_nothing_or_lacks_a_column_is_named() -> None:
    contacts = frames()["contacts_by_topic"].iloc[:0]
    scores = frames()["value_scores"].rename(columns={"expected_margin_12m": "margin"})
    found = measured(contacts_by_topic=contacts, value_scores=scores)
    assert "expected contacts in the year before as_of, got none" in found.failed["service"]
    assert "attrition: expected the column 'expected_margin_12m'" in found.failed["attrition"]
    assert list(found.deliveries) == ["credit", "deposits", "concentration"]


def test_a_source_without_loans_says_so_and_keeps_the_rest() -> None:
    def read(name: str) -> pd.DataFrame:
        if name == "credit_book":
            raise NotApplicable("no credit book: there are no loans in this source")
        return frames()[name]

    found = measure_units(read, TERMS, SETTINGS)
    assert found.failed == dict.fromkeys(["credit", "concentration"],
                                         "no credit book: there are no loans in this source")  # fmt: skip
    assert list(aggregate(found, SETTINGS, 7).units["unit"]) == ["attrition", "deposits", "service"]


def test_a_frame_that_two_units_read_is_asked_for_once() -> None:
    asked: list[str] = []

    def read(name: str) -> pd.DataFrame:
        asked.append(name)
        return frames()[name]

    assert measure_units(read, TERMS, SETTINGS).failed == {}
    assert len(asked) == len(set(asked))


def test_nothing_at_all_is_refused_with_every_reason() -> None:
    with pytest.raises(DataError, match="no unit of risk delivered anything: expected contacts in the year"):
        aggregate(measured(names=["service"], contacts_by_topic=frames()["contacts_by_topic"].iloc[:0]), SETTINGS, 7)


def test_correlations_that_contradict_each_other_are_repaired_and_said() -> None:
    broken = {"credit": {"attrition": 0.9, "deposits": -0.9}, "attrition": {"deposits": 0.9}}
    stated = RiskSettings(**{**TOLD, "copula": {**TOLD["copula"], "correlations": broken}})  # type: ignore[dict-item]
    given = measured(stated)
    assert given.failed == {}
    found = aggregate(given, stated, 7)
    assert len(found.notes) == 1
    assert "contradict each other (not positive definite): replaced by the nearest" in found.notes[0]
    assert np.linalg.eigvalsh(found.correlation.to_numpy()).min() > 0


def test_units_that_do_not_exist_are_refused_wherever_they_are_named() -> None:
    with pytest.raises(ParamsError, match="no unit of risk 'market': known"):
        measured(RiskSettings(units={"market": {}}))
    stated = RiskSettings(scenarios=2000, level=0.9, copula={"correlations": {"credit": {"atrition": 0.5}}})
    with pytest.raises(ParamsError, match="copula correlations: no unit of risk 'atrition': did you mean attrition"):
        aggregate(measured(stated), stated, 7)


def test_a_misspelt_setting_is_refused_and_no_unit_left_out_for_it() -> None:
    with pytest.raises(ParamsError, match="stage_2_dayz.*did you mean"):
        measured(RiskSettings(units={"credit": {"provisioning": {"stage_2_dayz": 30}}}))

    def read(name: str) -> pd.DataFrame:
        raise ParamsError(f"{name}: stated wrongly")

    with pytest.raises(ParamsError, match="stated wrongly"):
        measure_units(read, TERMS, SETTINGS)


def test_equal_seeds_give_equal_numbers_and_others_others(whole: View) -> None:
    again = aggregate(measured(), SETTINGS, 7)
    assert again.total == whole.total
    assert aggregate(measured(), SETTINGS, 8).total["value_at_risk"] != whole.total["value_at_risk"]
