"""Whom an offer could be made to: taken from the stage, or built anew for another date with its parameters."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable
from afraz.features.promotion_scorable import customers_for_offers


@pytest.fixture
def stage(workspace: Path, bank, make_on) -> Path:
    """The stage has built one date for two customers; the source has a third, who came before the other date."""
    people = [
        {"customer_id": c, "joined_at": f"{day}T00:00:00"} for c, day in (("a", "2024-01-01"), ("b", "2024-05-01"))
    ]
    treatments = [{"campaign_id": "P1", "customer_id": "a", "assigned_at": "2024-03-31T09:00:00", "arm": "bonus"}]
    campaigns = [{"campaign_id": "P1", "starts_at": "2024-03-01T00:00:00", "channel": "email"}]
    tables = bank(make_on("a", "2024-01-05"), customers=people, treatments=treatments, campaigns=campaigns)
    for name, table in tables.items():
        catalog.save(name, table)
    catalog.save("coverage", {"observed_until": "2024-07-01"})
    built = pd.DataFrame({"customer_id": ["b", "a"], "as_of": date(2024, 7, 1), "offers_so_far": [7.0, 8.0]})
    catalog.save("promotion_scorable", built)
    (workspace / "params" / "assignments.yaml").write_text("families: [campaigns]\n")
    (workspace / "notebooks" / "22_assignments.py").write_text('# %% tags=["parameters"]\nfamilies: list = []\n')
    return workspace


def test_the_date_of_the_stage_is_taken_from_it(stage: Path) -> None:
    rows = customers_for_offers(date(2024, 7, 1))
    assert rows["customer_id"].tolist() == ["a", "b"]
    assert rows["offers_so_far"].tolist() == [8, 7]
    assert rows["as_of"].eq(pd.Timestamp("2024-07-01")).all()


def test_another_date_is_built_with_the_parameters_of_the_stage(stage: Path) -> None:
    rows = customers_for_offers(date(2024, 4, 1))
    assert rows["customer_id"].tolist() == ["a"], "b had not joined"
    assert rows["offers_so_far"].tolist() == [1]
    assert "initiated_90d" not in rows
    assert customers_for_offers(date(2024, 3, 31))["offers_so_far"].tolist() == [0], "assigned later that day"


def test_dates_without_data_are_refused(stage: Path) -> None:
    with pytest.raises(DataError, match="2024-08-01 lies after the end of the data"):
        customers_for_offers(date(2024, 8, 1))
    with pytest.raises(DataError, match="nobody is with the bank at 2019-01-01"):
        customers_for_offers(date(2019, 1, 1))


def test_a_source_without_campaigns_is_not_applicable(workspace: Path) -> None:
    with pytest.raises(NotApplicable, match="no campaigns in this source"):
        customers_for_offers(date(2024, 7, 1))
