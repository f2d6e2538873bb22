"""Campaigns of a round become rows that ingest accepts, however many offers and channels they have."""

import datetime as dt

import numpy as np
import pandas as pd

from afraz import catalog
from afraz.data.schemas import TABLES
from afraz.decisioning.round_campaigns import round_campaigns

AS_OF = dt.date(2026, 7, 1)
OFFERS = pd.DataFrame({"offer": ["card", "card", "loan"], "channel": ["call", "email", "email"],
                       "contact_cost": [4.0, 0.1, 0.1], "offer_cost": [5.0, 5.0, 8.0]})  # fmt: skip
CONTACTS = pd.DataFrame({
    "campaign_id": ["2026-07-01-card", "2026-07-01-exploration", "2026-07-01-exploration"],
    "offer": ["card", "card", "loan"], "channel": ["call", "call", "email"],
    "expires_at": pd.to_datetime(["2026-07-15", "2026-07-20", "2026-07-28"]),
})  # fmt: skip
WITHHELD = pd.DataFrame({
    "campaign_id": ["2026-07-01-card", "2026-07-01-exploration"], "offer": ["card", None], "channel": ["call", None],
    "expires_at": pd.NaT,
})  # fmt: skip


def test_a_campaign_of_several_offers_has_none_of_its_own_and_who_drew_nothing_costs_nothing() -> None:
    rows = round_campaigns(CONTACTS, WITHHELD, OFFERS, AS_OF, {"response_window_days": 45}).set_index("campaign_id")
    card, explored = rows.loc["2026-07-01-card"], rows.loc["2026-07-01-exploration"]
    assert card[["offer", "channel", "contact_cost", "offer_cost"]].tolist() == ["card", "call", 4.0, 5.0]
    assert card["ends_at"] == pd.Timestamp("2026-07-15")
    assert explored[["offer", "channel"]].isna().all()
    assert explored[["contact_cost", "offer_cost"]].tolist() == [2.05, 6.5]
    assert explored["name"] == "several offers, round of 2026-07-01"
    assert (rows["response_window_days"] == 45).all()
    assert (rows["starts_at"] == pd.Timestamp(AS_OF)).all()


def test_a_round_without_contacts_has_a_table_all_the_same(workspace: object) -> None:
    rows = round_campaigns(CONTACTS.head(0), WITHHELD.tail(1), OFFERS, AS_OF)
    assert rows["ends_at"].isna().all()
    assert np.isnan(rows["contact_cost"].iloc[0])
    catalog.save("round_campaigns", round_campaigns(CONTACTS.head(0), WITHHELD.head(0), OFFERS, AS_OF), as_of=AS_OF)
    assert catalog.load("round_campaigns", as_of=AS_OF).columns.tolist() == TABLES["campaigns"].names
