"""What the support period is learned from, as frames."""

from dataclasses import dataclass, field

import pandas as pd


def _nobody(kind: str) -> pd.Series:
    return pd.Series(dtype=kind, index=pd.Index([], dtype="str"))


@dataclass(frozen=True)
class SupportInputs:
    """Frames of the support period.

    Attributes
    ----------
    contacts : DataFrame
        As :func:`.contact_log.read_contacts` takes them.
    customers : DataFrame
        ``customer_id, as_of`` and features; of the last date is spoken, those before it are learned from.
    start, until : Timestamp
        The first moment that the contacts cover, and the first that they don't.
    joined, left : Series
        Customer → moment; missing: before the data began, or still there.
    places : DataFrame
        ``customer_id`` and cuts of service quality (``branch_id, region_id``).
    assigned : DataFrame
        Trials of proactive calls: ``customer_id, assigned_at, arm``.
    outcomes : DataFrame
        ``customer_id, as_of, leaves`` (within 90 days), ``margin`` (of a year), each missing where it is not known yet.
    strata : tuple of str
        Columns of customers within which like is held against like.
    """

    contacts: pd.DataFrame
    customers: pd.DataFrame
    start: pd.Timestamp
    until: pd.Timestamp
    joined: pd.Series = field(default_factory=lambda: _nobody("datetime64[us]"))
    left: pd.Series = field(default_factory=lambda: _nobody("datetime64[us]"))
    places: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"customer_id": []}))
    assigned: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"customer_id": [], "assigned_at": pd.to_datetime([]), "arm": []})
    )
    outcomes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"customer_id": [], "as_of": []}))
    strata: tuple[str, ...] = ()
