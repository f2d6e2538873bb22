"""The features of transactions the straightforward way: pandas, one vectorised groupby per as_of date and window.

It filters the table literally for every date (booked before it, known by it) and is what the Ibis version is checked
against, in the tests for equality and in ``experiments/benchmarks/features.py`` for time. No ``apply``, no loop over
customers; customers are
numbered and codes are categoricals, as one would do for speed.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = ("purchase", "cash_withdrawal", "cash_deposit", "transfer_in", "transfer_out", "refund")
CHANNELS = ("pos", "atm", "internet", "mobile", "branch", "phone", "automatic")
AMOUNTS = {
    "purchase": -1, "cash_withdrawal": -1, "transfer_in": 1, "transfer_out": -1, "salary": 1, "fee": -1,
    "interest": 1, "loan_payment": -1,
}  # fmt: skip
WINDOWS = {
    "30": (0, 30), "90": (0, 90), "180": (0, 180), "365": (0, 365), "90_180": (90, 180), "365_455": (365, 455),
}  # fmt: skip


def read_transactions(path: Path) -> pd.DataFrame:
    """Read what is needed into memory, money as floats."""
    columns = ["customer_id", "booked_at", "known_at", "amount", "margin", "kind", "channel", "category"]
    table = pq.read_table(path, columns=columns)
    for money in ("amount", "margin"):
        place = table.schema.get_field_index(money)
        table = table.set_column(place, money, table[money].cast(pa.float64()))
    return table.to_pandas()


def _prepared(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.copy()
    for name in ("kind", "channel", "category"):
        rows[name] = rows[name].astype("category")
    rows["known_at"] = rows["known_at"].fillna(rows["booked_at"])
    rows["day"] = rows["booked_at"].dt.normalize()
    rows["initiated"] = ~rows["kind"].isin(["fee", "interest"]) & (rows["channel"] != "automatic")
    rows["inflow"] = rows["amount"].clip(lower=0)
    rows["outflow"] = (-rows["amount"]).clip(lower=0)
    rows["initiated_outflow"] = rows["outflow"] * rows["initiated"]
    purchase = rows["kind"] == "purchase"
    rows["purchase_squares"] = (rows["amount"] ** 2).where(purchase, 0.0)
    rows["largest_purchase"] = (-rows["amount"]).where(purchase)
    rows["transactions"] = 1
    return rows


def _sums(rows: pd.DataFrame, customers: pd.Index, window: str) -> pd.DataFrame:
    by = rows.groupby("customer_id", observed=True)
    parts = [
        by[["transactions", "initiated", "inflow", "outflow", "initiated_outflow", "purchase_squares", "margin"]].sum()
    ]
    kinds = rows.groupby(["customer_id", "kind"], observed=True)["amount"].agg(["size", "sum"])
    counts = kinds["size"].unstack(fill_value=0).rename(columns=str)
    parts.append(counts.reindex(columns=[*KINDS, "salary"], fill_value=0).add_prefix("kind_"))
    amounts = kinds["sum"].unstack(fill_value=0.0).rename(columns=str)
    parts.append(amounts.reindex(columns=list(AMOUNTS), fill_value=0.0).mul(pd.Series(AMOUNTS)).add_suffix("_amount"))
    channels = rows.groupby(["customer_id", "channel"], observed=True).size().unstack(fill_value=0).rename(columns=str)
    parts.append(channels.reindex(columns=list(CHANNELS), fill_value=0).add_prefix("channel_"))
    acted = rows[rows["initiated"]]
    parts.append(acted.groupby("customer_id", observed=True)["day"].nunique().rename("days").to_frame())
    caused = acted.groupby(["customer_id", "kind"], observed=True).size().unstack(fill_value=0).rename(columns=str)
    parts.append(caused.reindex(columns=list(KINDS), fill_value=0).add_prefix("caused_"))
    out = pd.concat(parts, axis=1).reindex(customers).fillna(0)
    return out.add_suffix("_" + window)


def _gaps(rows: pd.DataFrame, as_of: pd.Timestamp, customers: pd.Index) -> pd.DataFrame:
    """Gaps between active days whose records came within two days, up to two days before as_of."""
    two = pd.Timedelta(days=2)
    rows = rows[rows["initiated"] & (rows["known_at"] <= rows["day"] + two) & (rows["day"] + two <= as_of)]
    days = rows[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    days["gap"] = days.groupby("customer_id", observed=True)["day"].diff().dt.days
    shown = days["day"] + pd.Timedelta(days=1)
    days = days[(shown >= as_of - pd.Timedelta(days=365)) & days["gap"].notna()]
    by = days.groupby("customer_id", observed=True)["gap"]
    return pd.DataFrame({"mean": by.mean(), "sd": by.std()}).reindex(customers)


def _entropy(counts: pd.DataFrame) -> pd.Series:
    total = counts.sum(axis=1).replace(0, np.nan)
    shares = counts.div(total, axis=0)
    return -(shares * np.log(shares.where(shares > 0, 1))).sum(axis=1, min_count=1)


def _change(now: pd.Series, before: pd.Series) -> pd.Series:
    return (now - before) / (now + before).replace(0, np.nan)


def _at(rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    moment = pd.Timestamp(as_of)
    rows = rows[(rows["booked_at"] < moment) & (rows["known_at"] <= moment)]
    customers = rows["customer_id"].drop_duplicates().sort_values()
    index = pd.Index(customers, name="customer_id")
    sums = []
    for name, (start, end) in WINDOWS.items():
        inside = rows["booked_at"] >= moment - timedelta(days=end)
        inside &= rows["booked_at"] < moment - timedelta(days=start)
        sums.append(_sums(rows[inside], index, name))
    t = pd.concat(sums, axis=1)
    by = rows.groupby("customer_id", observed=True)
    whole = pd.DataFrame({"net": by["amount"].sum(), "first": by["day"].min(), "last": by["day"].max()}).reindex(index)
    last = {
        "initiated": rows[rows["initiated"]], "purchase": rows[rows["kind"] == "purchase"],
        "salary": rows[rows["kind"] == "salary"], "inflow": rows[rows["amount"] > 0],
    }  # fmt: skip
    out = pd.DataFrame(index=index)
    for name, part in last.items():
        recent = part.groupby("customer_id", observed=True)["day"].max().reindex(index)
        out[f"days_since_last_{name}"] = (moment - recent).dt.days
    history = (moment - whole["first"]).dt.days
    out["history_days"] = history
    out["days_since_last_booking"] = (moment - whole["last"]).dt.days

    year = rows[rows["booked_at"] >= moment - timedelta(days=365)]
    out["largest_purchase_365d"] = year.groupby("customer_id", observed=True)["largest_purchase"].max().reindex(index)
    recent = rows[(rows["booked_at"] >= moment - timedelta(days=180)) & rows["category"].notna()]
    used = recent.groupby(["customer_id", "category"], observed=True).size().unstack(fill_value=0)
    out["categories_180d"] = (used > 0).sum(axis=1).reindex(index).fillna(0)
    out["category_entropy_180d"] = _entropy(used).reindex(index)
    gaps = _gaps(rows, moment, index)
    out["mean_gap_365d"], out["gap_deviation_365d"] = gaps["mean"], gaps["sd"]
    out["gap_variation_365d"] = gaps["sd"] / gaps["mean"]
    out["silence_over_usual_gap"] = out["days_since_last_initiated"] / gaps["mean"]
    return pd.concat([out, _from_sums(t, whole["net"], history)], axis=1).assign(as_of=as_of).reset_index()


def _from_sums(t: pd.DataFrame, net: pd.Series, history: pd.Series) -> pd.DataFrame:
    out: dict[str, pd.Series] = {}
    observed = history.clip(1, 365)
    for w in ("30", "90", "365"):
        out[f"inflow_{w}d"], out[f"outflow_{w}d"] = t[f"inflow_{w}"], t[f"outflow_{w}"]
        out[f"spending_{w}d"], out[f"transactions_{w}d"] = t[f"initiated_outflow_{w}"], t[f"transactions_{w}"]
        out[f"active_days_{w}d"] = t[f"days_{w}"]
    for w in ("30", "90", "180", "365"):
        out[f"net_flow_{w}d"] = t[f"inflow_{w}"] - t[f"outflow_{w}"]
        out[f"initiated_{w}d"], out[f"salaries_{w}d"] = t[f"initiated_{w}"], t[f"kind_salary_{w}"]
    for w in ("30", "90", "180"):
        available = (net - out[f"net_flow_{w}d"]).clip(lower=0) + t[f"inflow_{w}"]
        out[f"drained_{w}d"] = (-out[f"net_flow_{w}d"] / available.replace(0, np.nan)).clip(-5, 5)
    out["balance_estimate"] = net
    out["spending_of_income_90d"] = (t["outflow_90"] / t["inflow_90"].replace(0, np.nan)).clip(upper=20)
    subjects = {
        "inflow": "inflow", "outflow": "outflow", "spending": "initiated_outflow", "purchase_amount": "purchase_amount",
        "salary": "salary_amount", "initiated": "initiated", "active_days": "days",
        **{f"{k}s": f"kind_{k}" for k in ("purchase", "cash_withdrawal", "transfer_out", "transfer_in")},
    }  # fmt: skip
    for name, source in subjects.items():
        trend = _change(t[f"{source}_90"], t[f"{source}_90_180"])
        out[f"{name}_trend_90d"] = trend.where(history >= 180)
        out[f"{name}_on_last_year_90d"] = _change(t[f"{source}_90"], t[f"{source}_365_455"]).where(history >= 455)
    for w in ("90", "365"):
        out[f"purchase_amount_{w}d"], out[f"salary_{w}d"] = t[f"purchase_amount_{w}"], t[f"salary_amount_{w}"]
        out[f"fees_{w}d"], out[f"margin_{w}d"] = t[f"fee_amount_{w}"], t[f"margin_{w}"]
        out[f"mean_purchase_{w}d"] = t[f"purchase_amount_{w}"] / t[f"kind_purchase_{w}"].replace(0, np.nan)
        out[f"channel_entropy_{w}d"] = _entropy(t[[f"channel_{c}_{w}" for c in CHANNELS]])
    n, s = t["kind_purchase_365"], t["purchase_amount_365"]
    spread = (t["purchase_squares_365"] - s * s / n.replace(0, np.nan)).clip(lower=0)
    out["purchase_variation_365d"] = np.sqrt(spread / (n - 1)).where(n >= 2) / (s / n.replace(0, np.nan)).replace(
        0, np.nan
    )
    before = t["purchase_amount_90_180"] / t["kind_purchase_90_180"].replace(0, np.nan)
    out["mean_purchase_change_90d"] = _change(out["mean_purchase_90d"], before)
    out["salary_of_inflow_365d"] = t["salary_amount_365"] / t["inflow_365"].replace(0, np.nan)
    out["fees_of_outflow_365d"] = t["fee_amount_365"] / t["outflow_365"].replace(0, np.nan)
    out["interest_365d"], out["loan_payments_90d"] = t["interest_amount_365"], t["loan_payment_amount_90"]
    out["cash_of_outflow_90d"] = t["cash_withdrawal_amount_90"] / t["outflow_90"].replace(0, np.nan)
    out["transfers_of_outflow_90d"] = t["transfer_out_amount_90"] / t["outflow_90"].replace(0, np.nan)
    out["margin_on_last_year_90d"] = (t["margin_90"] - t["margin_365_455"]).where(history >= 455)
    out["initiated_month_on_usual"] = _change(t["initiated_30"] * history.clip(30, 365), t["initiated_365"] * 30)
    for kind in KINDS:
        out[f"{kind}s_90d"] = t[f"kind_{kind}_90"]
    for kind in ("purchase", "cash_withdrawal", "transfer_out"):
        out[f"{kind}_share_90d"] = t[f"caused_{kind}_90"] / t["initiated_90"].replace(0, np.nan)
    out["kind_entropy_90d"] = _entropy(t[[f"kind_{k}_90" for k in KINDS]])
    for channel in CHANNELS:
        out[f"channel_{channel}_share_90d"] = t[f"channel_{channel}_90"] / t["transactions_90"].replace(0, np.nan)
    channels = t[[f"channel_{c}_90" for c in CHANNELS]]
    out["channels_used_90d"] = (channels > 0).sum(axis=1)
    out["main_channel_share_90d"] = channels.max(axis=1) / t["transactions_90"].replace(0, np.nan)
    out["automatic_bookings_90d"] = t["channel_automatic_90"]
    out["active_day_share_365d"] = t["days_365"] / observed
    out["rhythm_change_90d"] = _change(t["days_90"] * observed, t["days_365"] * 90)
    out["salary_missing_90d"] = t["kind_salary_365"] * 90 / observed - t["kind_salary_90"]
    return pd.DataFrame(out)


def pandas_features(transactions: pd.DataFrame, as_of: list[date]) -> pd.DataFrame:
    """Compute the features of transactions for every customer with a usable row.

    Parameters
    ----------
    transactions : pd.DataFrame
        From :func:`read_transactions`; every kind and channel occurs.
    as_of : list of date
        Dates.

    Returns
    -------
    pd.DataFrame
        customer_id, as_of, about 110 features named as in the feature dictionary.
    """
    codes, customers = pd.factorize(transactions["customer_id"], sort=True)
    rows = _prepared(transactions.assign(customer_id=codes))
    out = pd.concat([_at(rows, d) for d in as_of], ignore_index=True)
    return out.assign(customer_id=customers.take(out["customer_id"]))
