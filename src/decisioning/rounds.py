"""Rounds that were decided before: their contact lists are kept, one file for each date."""

from pathlib import Path

import pandas as pd

from .. import catalog

PLANNED = {"campaign_id": "str", "customer_id": "str", "contact_on": "datetime64[us]", "expires_at": "datetime64[us]"}


def kept_rounds(as_of: str) -> dict[str, Path]:
    """Find the contact lists of the rounds before a day (ISO), the oldest first."""
    this = catalog.path("round", as_of=as_of)
    kept = {each.parent.name.removeprefix("as_of="): each for each in this.parent.parent.glob(f"as_of=*/{this.name}")}
    return {day: kept[day] for day in sorted(kept) if day < as_of}


def earlier_contacts(as_of: str) -> pd.DataFrame:
    """Read what the rounds before a day (ISO) planned.

    Returns
    -------
    DataFrame
        ``campaign_id, customer_id, contact_on, expires_at``; empty where no round is kept.
    """
    parts = [pd.read_parquet(file, columns=list(PLANNED)) for file in kept_rounds(as_of).values()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(PLANNED)).astype(PLANNED)
