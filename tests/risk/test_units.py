"""Each unit by itself: the same schema, the right numbers, refusals by name."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, NotApplicable, ParamsError
from afraz.risk.positions import checked, expected_loss
from afraz.risk.units import UNITS, Delivery, unit_named

from .books import TERMS, frames


def delivered(name: str, given: dict[str, pd.DataFrame] | None = None, **settings: object) -> Delivery:
    unit = unit_named(name)
    have = given or frames()
    return unit.measure({n: have[n] for n in unit.reads}, TERMS, unit.settings(**settings))


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_runs_alone_and_keeps_the_schema(name: str) -> None:
    found = delivered(name)
    checked(found.positions, name)
    assert found.positions["position"].is_unique
    assert expected_loss(found.positions).sum() > 0
    assert UNITS[name].estimated
    assert UNITS[name].stated


def test_credit_takes_performing_loans_and_their_expected_loss() -> None:
    given = frames()
    book = given["credit_book"]
    alive = book[~book["in_default"]]
    found = delivered("credit", given)
    assert list(found.positions["position"]) == list(alive["loan_id"])
    asked = (alive["balance"] * alive["default_probability"] * alive["loss_given_default"]).sum()
    assert expected_loss(found.positions).sum() == pytest.approx(asked)
    assert f"{book['in_default'].sum()} loans in default" in found.notes[0]


def test_loans_of_a_quarter_share_a_factor() -> None:
    given = frames()
    given["credit_book"]["in_default"] = False
    days = ["2026-01-01", "2026-03-31", "2026-04-01", "2025-12-31"]
    given["credit_book"] = given["credit_book"].iloc[:4].assign(applied_on=pd.to_datetime(days))
    factor = delivered("credit", given, shock_months=3).positions["factor"].tolist()
    assert factor[0] == factor[1]
    assert len(set(factor)) == 3
    assert len(set(delivered("credit", given, shock_months=1).positions["factor"])) == 4


def test_yardsticks_grow_with_the_correlation() -> None:
    found = delivered("credit", correlation=0.1).tables["yardsticks"].set_index("yardstick")["loss"]
    assert found["one factor, half of it"] < found["one factor, stated correlation"]
    assert found["one factor, stated correlation"] < found["one factor, one and a half of it"]


def test_attrition_puts_back_the_leaving_that_the_forecast_has_in_it() -> None:
    given = frames(n=2)
    given["churn_scores"]["leave_90"] = 0.1
    given["value_scores"]["expected_margin_12m"] = [100.0, -20.0]
    rows = delivered("attrition", given).positions
    year = 1 - 0.9 ** (365 / 90)
    assert rows["probability"].to_numpy() == pytest.approx([year, year])
    # what is expected if the margin is lost from a day of the year on that is any day alike
    assert rows["exposure"].tolist() == pytest.approx([100 / (1 - year / 2), 0.0])
    assert rows["exposure"][0] - expected_loss(rows)[0] == pytest.approx(100)


def test_a_missing_forecast_is_not_a_margin_of_zero() -> None:
    given = frames()
    given["value_scores"].loc[3, "expected_margin_12m"] = np.nan
    with pytest.raises(DataError, match="attrition: exposure is missing or out of range in 1 of 400 positions"):
        checked(delivered("attrition", given).positions, "attrition")


def test_churn_scores_without_a_probability_are_refused() -> None:
    given = frames()
    given["churn_scores"] = given["churn_scores"][["customer_id"]]
    with pytest.raises(DataError, match="expected churn scores with a column leave_<days>, got none"):
        delivered("deposits", given)


def test_what_deposits_cost_is_the_price_of_replacing_them() -> None:
    found = delivered("deposits", replacement_cost=0.02, run_off={"rumour": 0.25})
    rows, flows = found.positions, found.tables["run_off"].set_index("scenario")["outflow"]
    assert rows["severity"].unique() == pytest.approx([0.02])
    assert flows["rumour"] == pytest.approx(0.25 * rows["exposure"].sum())
    assert 0.02 * flows.iloc[0] == pytest.approx(expected_loss(rows).sum())


def test_balances_below_zero_count_as_none_and_are_told() -> None:
    given = frames(n=3)
    given["balances"]["balance"] = [-50.0, 100.0, 0.0]
    found = delivered("deposits", given)
    assert found.positions["exposure"].tolist() == [0, 100, 0]
    assert "1 of 3 customers" in found.notes[0]


def test_service_counts_every_contact_as_a_case() -> None:
    rows = delivered("service", cost_per_failure=10).positions.set_index("position")
    assert rows.loc["fees", ["count", "exposure", "probability"]].tolist() == [500, 5000, 0.3]


def test_a_year_without_contacts_is_said() -> None:
    given = frames()
    given["contacts_by_topic"] = given["contacts_by_topic"].assign(contacts=0.0)
    with pytest.raises(DataError, match="expected contacts in the year before as_of, got none"):
        delivered("service", given)


def test_concentration_names_regions_and_products_but_no_customer() -> None:
    given = frames()
    found = delivered("concentration", given)
    spread = found.tables["concentration"].set_index("cut")
    assert spread.loc["region", "largest"] == "R1"
    assert spread.loc["name", "largest"] == "a customer"
    assert not found.positions["position"].isin(given["customers"]["customer_id"]).any()
    assert found.measures["region_largest_share"] == spread.loc["region", "largest_share"]
    alive = given["credit_book"][~given["credit_book"]["in_default"]]
    assert found.positions.groupby("factor")["exposure"].sum().to_numpy() == pytest.approx(
        [alive["balance"].sum()] * 2
    )  # each cut covers the whole book


def test_a_source_without_regions_has_concentration_by_name_and_product_and_says_so() -> None:
    given = frames()
    given["customers"] = given["customers"][["customer_id"]]
    found = delivered("concentration", given)
    assert list(found.tables["concentration"]["cut"]) == ["name", "product"]
    assert found.notes == ("not known in this source: region",)


def test_a_source_that_knows_neither_regions_nor_purposes_has_no_such_unit() -> None:
    given = frames()
    given["customers"], given["loans"] = given["customers"][["customer_id"]], given["loans"][["loan_id"]]
    with pytest.raises(NotApplicable, match="neither the region nor the purpose is known"):
        delivered("concentration", given)


def test_a_loan_without_a_number_is_counted_and_not_passed_over() -> None:
    given = frames()
    performing = given["credit_book"].index[~given["credit_book"]["in_default"]]
    given["credit_book"].loc[performing[0], "balance"] = np.nan
    with pytest.raises(DataError, match=f"concentration: 1 of {len(performing)} loans lack balance"):
        delivered("concentration", given)


def test_an_unknown_setting_of_a_unit_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParamsError, match="unknown setting of the unit 'run_of': did you mean run_off"):
        unit_named("deposits").settings(run_of={})
