"""Rounds that were decided before are kept, a folder for each date."""

from pathlib import Path

import pandas as pd

from .. import catalog

PLANNED = {"campaign_id": "str", "customer_id": "str", "contact_on": "datetime64[us]", "expires_at": "datetime64[us]"}


def kept_rounds(before: str | None = None, name: str = "round") -> dict[str, Path]:
    """Find a dataset of the rounds before a day (ISO; None: of all), by default their contact lists; the oldest first.

    Returns
    -------
    dict
        Day (ISO) → file.
    """
    place = catalog.path(name, as_of="*")
    files = place.parent.parent.glob(f"{place.parent.name}/{place.name}")
    kept = {each.parent.name.removeprefix("as_of="): each for each in files}
    return {day: kept[day] for day in sorted(kept) if before is None or day < before}


def earlier_contacts(as_of: str) -> pd.DataFrame:
    """Read what the rounds before a day (ISO) planned.

    Returns
    -------
    DataFrame
        ``campaign_id, customer_id, contact_on, expires_at``; empty where no round is kept.
    """
    parts = [pd.read_parquet(file, columns=list(PLANNED)) for file in kept_rounds(as_of).values()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(PLANNED)).astype(PLANNED)
