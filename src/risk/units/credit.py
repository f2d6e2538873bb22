"""Credit: what performing loans may cost within the horizon. Loans in default have cost already: provisions."""

import pandas as pd
from pydantic import Field

from ..basel import Class, risk_weight
from ..positions import expected_loss, positions
from ..provisions import Provisioning, provisions
from ..vasicek import loss_quantile
from .unit import Delivery, Frames, Terms, Unit, UnitSettings


class CreditSettings(UnitSettings):
    """What the credit unit is told beside the dependence of its loans."""

    shock_months: int = Field(3, ge=1, description="loans applied for in so many months share a factor")
    regulatory_class: Class = Field("other_retail", description="for the supervisory yardstick")
    provisioning: Provisioning = Provisioning()


def measure(frames: Frames, terms: Terms, settings: CreditSettings) -> Delivery:
    """Take the scored book as positions.

    Parameters
    ----------
    frames : mapping
        ``credit_book``: ``loan_id, applied_on, balance, default_probability, application_probability,
        loss_given_default, days_past_due, remaining_months, in_default``.

    Returns
    -------
    Delivery
        Tables ``provisions`` (IFRS 9, by stage and scenario) and ``yardsticks`` (closed form and supervisory capital).
    """
    book = frames["credit_book"]
    alive = book[~book["in_default"].astype(bool)]
    months = pd.to_datetime(alive["applied_on"])
    group = (months.dt.year * 12 + months.dt.month - 1) // settings.shock_months
    rows = positions(
        UNIT.name, alive["loan_id"], exposure=alive["balance"].to_numpy(),
        probability=alive["default_probability"].to_numpy(), severity=alive["loss_given_default"].to_numpy(),
        method="credit champion, 12-month default probability by loan", factor=group.astype(str).to_numpy(),
        **terms.told(),
    )  # fmt: skip
    staged = provisions(book, settings.provisioning)
    gone = len(book) - len(alive)
    owed = staged.set_index("stage")["exposure"]
    shares = {"stage_2_share": float(owed[2] / owed.sum()), "stage_3_share": float(owed[3] / owed.sum()),
              "coverage": float(staged["ecl"].sum() / owed.sum())}  # fmt: skip
    return Delivery(rows, {"provisions": staged, "yardsticks": yardsticks(rows, settings)}, (
        f"{gone:,} loans in default are provided for (stage 3) and no longer uncertain here",
    ), shares)  # fmt: skip


def yardsticks(rows: pd.DataFrame, settings: CreditSettings, level: float = 0.999) -> pd.DataFrame:
    """Hold the book against closed forms: one factor and endlessly many loans, and the supervisor's formula.

    Returns
    -------
    DataFrame
        ``yardstick, correlation, loss, capital`` at 99.9 %: at the stated correlation, at half and at one and a half
        of it, and with the supervisor's.
    """
    p, lgd, owed = (rows[c].to_numpy(float) for c in ("probability", "severity", "exposure"))
    expected = float(expected_loss(rows).sum())
    found = []
    for share, words in ((1.0, "stated correlation"), (0.5, "half of it"), (1.5, "one and a half of it")):
        rho = settings.correlation * share
        loss = float((owed * lgd * loss_quantile(p, rho, level)).sum())
        found.append((f"one factor, {words}", rho, loss, loss - expected))
    held = p > 0
    weighted = float((owed[held] * risk_weight(settings.regulatory_class, p[held], lgd[held])).sum())
    capital = weighted / 12.5
    found.append((f"supervisory formula, {settings.regulatory_class}", float("nan"), capital + expected, capital))
    return pd.DataFrame(found, columns=["yardstick", "correlation", "loss", "capital"])


UNIT = Unit(
    "credit", "Credit: loans that default", ("credit_book",), CreditSettings, measure,
    estimated="default probability, loss given default and balance of every loan",
    stated="how loans move together, how loss given default spreads, scenarios and weights of IFRS 9",
)  # fmt: skip
