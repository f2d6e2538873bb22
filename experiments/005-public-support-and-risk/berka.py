"""Berka: the credit and the concentration unit on the loans of a real bank, at the end of 1998.

The published table has one state per loan: A finished, B finished and not paid, C running, D running with the client in
debt. No date of a default, no loss, no balance: what is not known is stated below, and the bank's own figures are not
claimed. The chance of a default is learned from loans that have finished and checked on loans that run.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from afraz.risk.aggregate import aggregate, measure_units
from afraz.risk.board import sensitivity
from afraz.risk.positions import expected_loss
from afraz.risk.settings import RiskSettings
from afraz.risk.units import Terms
from afraz.risk.vasicek import loss_quantile

AS_OF = pd.Timestamp("1999-01-01")
SEVERITY = 0.45  # stated: the supervisory loss given default of unsecured senior claims; losses are not published
CORRELATION = 0.05  # stated, with half and one and a half of it beside
MONTH = 365.25 / 12
LEVEL = 0.95  # of the interval of the bad rate
SETTINGS = RiskSettings(
    currency="CZK", scenarios=100_000,
    units={
        "credit": {"correlation": CORRELATION, "severity_spread": 0.25, "persistence": 1.0},
        "concentration": {"smallest_share": 0.02},
    },
)  # fmt: skip


def read_loans(folder: Path) -> pd.DataFrame:
    """Loans with their age, what is left of them, their owner and the district of the account."""
    loans = _table(folder, "loan")
    owners = _table(folder, "disp").query("type == 'OWNER'")[["account_id", "client_id"]]
    accounts = _table(folder, "account")[["account_id", "district_id"]]
    rows = loans.merge(owners, on="account_id", validate="one_to_one").merge(accounts, on="account_id")
    granted = pd.to_datetime("19" + rows["date"].astype(str), format="%Y%m%d")
    age = (AS_OF - granted).dt.days / MONTH
    left = np.ceil(np.maximum(rows["duration"] - age, 0))
    return pd.DataFrame({
        "loan_id": rows["loan_id"].astype(str), "customer_id": rows["client_id"].astype(str), "applied_on": granted,
        "region_id": rows["district_id"].astype(str), "status": rows["status"],
        "duration": rows["duration"].astype(float), "age_months": age, "remaining_months": left,
        "balance": left * rows["payments"].astype(float),
    }).sort_values("loan_id", ignore_index=True)  # fmt: skip


def _table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv.gz", sep=";")


def monthly_hazard(bad: float, duration: pd.Series) -> float:
    """Chance a month that, held over these durations, gives this many bad loans."""
    low, high = 0.0, 0.5
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - (1 - middle) ** duration).sum() < bad else (low, middle)
    return high


def hazards(finished: pd.DataFrame) -> tuple[float, float, float]:
    """The hazard of finished loans with its interval (Clopper and Pearson 1934)."""
    n, bad, tail = len(finished), int((finished["status"] == "B").sum()), (1 - LEVEL) / 2
    rates = bad / n, float(beta.ppf(tail, bad, n - bad + 1)), float(beta.ppf(1 - tail, bad + 1, n - bad))
    found = [monthly_hazard(rate * n, finished["duration"]) for rate in rates]
    return found[0], found[1], found[2]


def book_of(running: pd.DataFrame, hazard: float) -> pd.DataFrame:
    """The running loans as the credit unit reads them; who is in debt counts as in default."""
    ahead = np.minimum(running["remaining_months"], 12)
    p = 1 - (1 - hazard) ** ahead
    return running.assign(
        default_probability=p, application_probability=1 - (1 - hazard) ** np.minimum(running["duration"], 12),
        loss_given_default=SEVERITY, in_default=running["status"] == "D", days_past_due=0.0,
    )  # fmt: skip


def results(public: Path, seed: int = 7) -> dict[str, Any]:
    """Run all of it on the folder of the public data sets.

    Returns
    -------
    dict
        ``expected_loss`` (crowns, twelve months, loans that are not in debt) with its interval from the bad rate alone;
        ``name_concentration`` (Herfindahl index over clients); the rest says what stands behind them.
    """
    loans = read_loans(public / "berka")
    finished, running = (loans[loans["status"].isin(list(s))].reset_index(drop=True) for s in ("AB", "CD"))
    hazard, low, high = hazards(finished)
    books = [book_of(running, h) for h in (hazard, low, high)]
    frames = {"credit_book": books[0], "customers": loans[["customer_id", "region_id"]], "loans": loans[["loan_id"]]}
    terms = Terms(f"{AS_OF:%Y-%m-%d}", SETTINGS.horizon, SETTINGS.currency)
    measured = measure_units(frames.__getitem__, terms, SETTINGS, ["credit", "concentration"])
    view = aggregate(measured, SETTINGS, seed)
    rows, spread = measured.positions["credit"], measured.deliveries["concentration"]
    losses = [float((b["balance"] * b["default_probability"])[~b["in_default"]].sum() * SEVERITY) for b in books]
    credit = view.units.set_index("unit").loc["credit"]
    provided = measured.deliveries["credit"].tables["provisions"].set_index("stage")
    by = sensitivity(measured, SETTINGS, seed).query("unit == 'credit'").set_index("key")["value_at_risk"]
    one_factor = (rows["exposure"] * SEVERITY * loss_quantile(rows["probability"], CORRELATION, SETTINGS.level)).sum()
    return {
        "loans": len(loans), "finished": len(finished), "finished_bad": int((finished["status"] == "B").sum()),
        "running": len(running), "in_debt": int((running["status"] == "D").sum()),
        **in_debt_expected(running, hazard, low, high),
        "exposure": float(rows["exposure"].sum()), "monthly_hazard": hazard,
        "expected_loss": float(expected_loss(rows).sum()), "expected_loss_low": losses[1],
        "expected_loss_high": losses[2], "provision_in_debt": float(provided.loc[3, "ecl"]),
        "loss_999": float(credit["value_at_risk"]), "loss_999_half_correlation": float(by["correlation_times_0.5"]),
        "loss_999_larger_correlation": float(by["correlation_times_1.5"]), "loss_999_one_factor": float(one_factor),
        "euler_gap": view.total["euler_gap"], "name_concentration": spread.measures["name_herfindahl"],
        "district_concentration": spread.measures["region_herfindahl"], "district_largest_share":
        spread.measures["region_largest_share"], "name_largest_ten_share": spread.measures["name_largest_ten_share"],
        "granularity_adjustment": float(spread.tables["names"]["adjustment_money"].iloc[0]),
        "stated": {"severity": SEVERITY, "correlation": CORRELATION},
        "not_known_in_this_source": [note.split(": ")[1] for note in spread.notes],
    }  # fmt: skip


def in_debt_expected(running: pd.DataFrame, *hazard: float) -> dict[str, float]:
    """How many running loans should be in debt by now, if they went bad at the rate of finished ones."""
    expected = [float((1 - (1 - h) ** running["age_months"]).sum()) for h in hazard]
    return dict(zip(("in_debt_expected", "in_debt_expected_low", "in_debt_expected_high"), expected, strict=True))
