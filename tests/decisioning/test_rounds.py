"""Kept rounds: only those before the day are read."""

from pathlib import Path

import pandas as pd

from afraz import catalog
from afraz.decisioning.rounds import earlier_contacts


def test_what_earlier_rounds_planned_is_read_and_neither_this_one_nor_later_ones(workspace: Path) -> None:
    assert earlier_contacts("2026-07-01").empty
    for day in ("2026-06-17", "2026-06-24", "2026-07-01", "2026-07-08"):
        row = {"campaign_id": f"{day}-card", "customer_id": "C1", "contact_on": pd.Timestamp(day),
               "expires_at": pd.Timestamp(day) + pd.Timedelta(days=14), "offer": "card"}  # fmt: skip
        catalog.save("round", pd.DataFrame([row]), as_of=day)
    found = earlier_contacts("2026-07-01")
    assert found["campaign_id"].tolist() == ["2026-06-17-card", "2026-06-24-card"]
    assert list(found) == ["campaign_id", "customer_id", "contact_on", "expires_at"]
