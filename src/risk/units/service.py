"""Service: contacts that end unresolved, what each costs, and how many there may be."""

import pandas as pd
from pydantic import Field

from ...errors import DataError
from ..positions import positions
from .unit import Delivery, Frames, Terms, Unit, UnitSettings


class ServiceSettings(UnitSettings):
    """What the service unit is told beside the dependence of contacts."""

    cost_per_failure: float = Field(25.0, ge=0, description="currency: repeated contacts, goodwill, handling")


def measure(frames: Frames, terms: Terms, settings: ServiceSettings) -> Delivery:
    """Carry last year's contacts to the horizon; the chance of failure is the share that ended unresolved.

    Parameters
    ----------
    frames : mapping
        ``contacts_by_topic``: ``topic, contacts, unresolved, days`` (of the period counted).

    Raises
    ------
    DataError
        If there was no contact in the period.
    """
    seen = frames["contacts_by_topic"].sort_values("topic", ignore_index=True)
    seen = seen[seen["contacts"] > 0]
    if seen.empty:
        raise DataError("expected contacts in the year before as_of, got none")
    coming = (seen["contacts"] * terms.horizon / seen["days"]).clip(lower=1).round()
    rows = positions(
        UNIT.name, seen["topic"], exposure=(coming * settings.cost_per_failure).to_numpy(),
        probability=(seen["unresolved"] / seen["contacts"]).to_numpy(), severity=1.0, count=coming.to_numpy(),
        method="contacts and share unresolved of the last year, by topic", **terms.told(),
    )  # fmt: skip
    shown = pd.DataFrame({"topic": seen["topic"], "contacts": seen["contacts"], "unresolved": seen["unresolved"],
                          "share": seen["unresolved"] / seen["contacts"]})  # fmt: skip
    return Delivery(rows, {"failures": shown})


UNIT = Unit(
    "service", "Service: contacts that end unresolved", ("contacts_by_topic",), ServiceSettings, measure,
    estimated="contacts and share unresolved by topic, of the last year",
    stated="cost of a failure, how failures move together",
)  # fmt: skip
