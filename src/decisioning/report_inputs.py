"""What the reports are made of: datasets of earlier stages brought to groups, and why some are not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import selectors

from .. import catalog
from ..datasets import CATALOG
from ..errors import DataError
from ..features.inputs import seen_by
from ..reports.site.periods import Window, windows
from ..reports.site.segments import EVERYBODY, MEASURES
from .feedback.findings import feedback_inputs, week_of
from .feedback.operations import counts, fold_small
from .rounds import kept_rounds
from .strips import HOLDOUT

NAME = "_name"
MONEY = ("volume", "margin")


@dataclass(frozen=True)
class Gathered:
    """``frames`` by name; ``absent`` says of those not there why."""

    frames: dict[str, pd.DataFrame]
    values: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def optional(name: str, inside: str = "", **names: Any) -> tuple[Any, str]:
    """Load a dataset, or a CSV file of a folder, that a source or an earlier stage may lack.

    Returns
    -------
    object
        None where it is not there.
    str
        Why not; empty where it is.
    """
    stage, place = CATALOG[name].stage, catalog.path(name, **names)
    found = place / f"{inside}.csv" if inside else place
    if found.exists():
        return (pd.read_csv(found) if inside else catalog.load(name, **names)), ""
    measured = f"{stage}_metrics"
    if measured in CATALOG and catalog.path(measured).exists():
        reason = catalog.reason_not_applicable(measured)
        if reason:
            return None, f"stage {stage} was not applicable: {reason}"
    if inside and place.exists():
        return None, f"stage {stage} had nothing to say of it"
    if stage == CATALOG["canonical"].stage and catalog.path("canonical").exists():
        return None, f"there is no table of {name} in this source"
    return None, f"stage {stage} has not written it: run `dvc repro {stage}`"


def gather(as_of: str) -> Gathered:
    """Bring everything that management sees to groups; the only customer rows kept are those of the contact lists.

    Raises
    ------
    DataError
        Without customers, transactions or segments.
    """
    day = pd.Timestamp(as_of)
    segments = catalog.scan("segments").filter(lambda t: t.as_of.cast("timestamp") <= day)
    lenses = [c.removesuffix(NAME) for c in segments.columns if c.endswith(NAME)]
    frames = {"history": history(segments, lenses), "bookings": bookings(segments, lenses, day)}
    absent, values = {}, {}
    sources = {
        **{n: (n, "", {"as_of": as_of}) for n in ("value_scores", "value_manifest", "churn_scores", "credit_book")},
        "contact_list": ("contact_list", "", {}), "surveys": ("surveys", "", {}),
        **{n: ("feedback_tables", n, {}) for n in ("campaigns", "verdicts")},
        **{f"risk_{n}": ("risk_tables", n, {}) for n in ("units", "lights", "changes")},
        "quality": ("support_tables", "quality", {}), "proactive": ("support_calls", "", {}),
        "performance": ("monitor_tables", "performance", {}),
    }  # fmt: skip
    for name, (dataset, inside, names) in sources.items():
        found, reason = optional(dataset, inside, **names)
        if reason:
            absent[name] = reason
        elif isinstance(found, pd.DataFrame):
            frames[name] = found
        else:
            values[name] = found
    if "contact_list" in frames:  # the same stage says who must not be contacted
        strips = catalog.load("strips")
        values["apart"] = {
            *catalog.load("withheld")["customer_id"],
            *strips.loc[strips["strip"].eq(HOLDOUT), "customer_id"],
        }
    now = catalog.scan("customers").select("customer_id", "branch_id", "region_id").to_pandas()
    latest = segments.filter(lambda t: t.as_of == t.as_of.max())
    now = now.merge(latest.select("customer_id", *(f"{n}{NAME}" for n in lenses)).to_pandas(), on="customer_id")
    frames["customers"] = now.rename(columns={f"{n}{NAME}": said(n) for n in lenses})
    values["lenses"] = [said(n) for n in lenses]
    measured = (optional("segmentation_metrics")[0] or {}).get("lenses", {})
    values["answered"] = {said(n): m["silence"]["answered_share"] for n, m in measured.items() if "silence" in m}
    return Gathered(frames, values, absent)


def history(segments: ir.Table, lenses: list[str]) -> pd.DataFrame:
    """Count the customers of every segment at every date, with the margin of the year before.

    Returns
    -------
    DataFrame
        ``lens, as_of, segment, customers, margin``.
    """
    parts = [
        segments.group_by(as_of="as_of", segment=segments[f"{lens}{NAME}"])
        .aggregate(customers=ibis._.count(), margin=ibis._.margin_365d.cast("decimal(18,2)").sum())
        .to_pandas().assign(lens=said(lens))
        for lens in lenses
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True).dropna(subset="segment")
    table = table.assign(as_of=pd.to_datetime(table["as_of"]).dt.date.astype(str), margin=table["margin"].astype(float))
    return table.sort_values(["lens", "as_of", "segment"])[["lens", "as_of", "segment", "customers", "margin"]]


def bookings(segments: ir.Table, lenses: list[str], end: pd.Timestamp) -> pd.DataFrame:
    """Sum bookings, volume and margin by period and segment, as customers were at the first of the booking's month.

    Returns
    -------
    DataFrame
        ``lens, segment, period, window, customers`` (who booked), ``bookings, volume`` (sum of amounts either way),
        ``margin``; the lens ``everybody`` has one segment. Windows that the data do not cover are left out.
    """
    table = catalog.scan("transactions")
    table = table.filter(seen_by(table, "booked_at", end.date()))
    since = pd.Timestamp(table.booked_at.min().to_pandas())
    table = table.filter(table.booked_at >= min(w.start for w in windows(end)))  # older bookings lie in no window
    table = table.mutate(month=table.booked_at.truncate("M").date(), volume=table.amount.abs())
    states = segments.mutate(month=segments.as_of.cast("date"))
    begun = pd.Timestamp(states.month.min().to_pandas())
    wanted = windows(end)
    months = ibis.memtable(_by_month(table, wanted).to_pyarrow())
    parts = [
        _summed(months.mutate(lens=ibis.literal(EVERYBODY), segment=ibis.literal("all")), [EVERYBODY], wanted, since)
    ]
    if lenses:
        known = states.select("customer_id", "month", **{said(lens): states[f"{lens}{NAME}"] for lens in lenses})
        long = known.pivot_longer(~selectors.cols("customer_id", "month"), names_to="lens", values_to="segment")
        parts.append(_summed(months.inner_join(long, ["customer_id", "month"]), list(map(said, lenses)), wanted, begun))
    return pd.concat(parts, ignore_index=True)


def _by_month(table: ir.Table, wanted: Sequence[Window]) -> ir.Table:
    """Sum what each customer booked in a month that lies in each window: segments are those of a month."""
    sums: dict[str, ir.Value] = {}
    for n, each in enumerate(wanted):
        inside = (table.booked_at >= each.start) & (table.booked_at < each.end)
        sums[f"bookings_{n}"] = inside.cast("int64").sum()
        for measure in MONEY:  # not a filtered aggregate: DuckDB takes five times as long for that
            sums[f"{measure}_{n}"] = ibis.ifelse(inside, table[measure], ibis.null(table[measure].type())).sum()
    return table.group_by("customer_id", "month").aggregate(**sums)


def _summed(months: ir.Table, lenses: list[str], wanted: Sequence[Window], since: pd.Timestamp) -> pd.DataFrame:
    covered = {n: each for n, each in enumerate(wanted) if each.start >= since.normalize()}
    if not covered:
        return pd.DataFrame(columns=["segment", "lens", "period", "window", *MEASURES])
    sums: dict[str, ir.Value] = {}
    for n in covered:
        booked = months[f"bookings_{n}"]
        sums |= {f"customers_{n}": months.customer_id.nunique(where=booked > 0), f"bookings_{n}": booked.sum(),
                 **{f"{measure}_{n}": months[f"{measure}_{n}"].sum() for measure in MONEY}}  # fmt: skip
    wide = (
        months.group_by(["lens", "segment"])
        .aggregate(**sums)
        .to_pandas()
        .dropna(subset="segment")
        .sort_values("segment")
    )
    names = list(MEASURES)
    parts = [
        wide.loc[wide["lens"] == lens, ["segment", *(f"{m}_{n}" for m in names)]].set_axis(["segment", *names], axis=1)
        .assign(lens=lens, period=each.period, window=each.name)
        for lens in lenses for n, each in covered.items()
    ]  # fmt: skip
    out = pd.concat(parts, ignore_index=True)
    return out.astype({"customers": int, "bookings": int, "volume": float, "margin": float})


def worked(as_of: str, days: int, smallest: int, campaigns: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Count what was done: by campaign, channel and branch, in the last week and year; empty without campaigns."""
    if campaigns is None:
        return {}
    dated = campaigns.assign(**{c: pd.to_datetime(campaigns[c]) for c in ("starts_at", "last_assigned")})
    inputs = feedback_inputs()
    week = week_of(inputs, dated, as_of=as_of, days=days, smallest=smallest)
    end = pd.Timestamp(as_of)
    recent = inputs.treatments[inputs.treatments["assigned_at"] >= end - pd.DateOffset(years=1)]
    recent = recent.merge(inputs.campaigns[["campaign_id", "channel"]], on="campaign_id")
    channels, branches = (counts(recent.dropna(subset=b), [b], end, days) for b in ("channel", "branch_id"))
    sent = inputs.treatments[inputs.treatments["delivered_at"] < end]
    waited = (sent["delivered_at"] - sent["assigned_at"]).dt.total_seconds() / 86400
    speed = waited.groupby(sent["campaign_id"]).median().rename("days_to_delivery").rename_axis("campaign_id")
    return {
        "week_campaigns": week.campaigns.assign(running=week.current),
        "week_channels": week.channels,
        "week_branches": week.branches,
        "all_campaigns": counts(inputs.treatments, ["campaign_id"], end, days),
        "year_channels": channels,
        "year_branches": fold_small(branches, "branch_id", smallest),
        "speed": speed.reset_index(),
    }


def previous_list(as_of: str, place: str = "") -> tuple[pd.DataFrame | None, str]:
    """Read the contact list of the round before and say which it is; None and why where there is none.

    Parameters
    ----------
    as_of : str
        ISO date of this round.
    place : str, optional
        A Parquet file; empty: the newest round before ``as_of`` that is kept.

    Raises
    ------
    DataError
        If the stated file is not there.
    """
    if place:
        file = catalog.root() / place
        if not file.is_file():
            raise DataError(f"previous: {place} is not there; state the list of the last round, or leave it empty")
        return pd.read_parquet(file), place
    earlier = kept_rounds(as_of)
    if not earlier:
        return None, "no earlier round is kept"
    day, file = list(earlier.items())[-1]
    return pd.read_parquet(file), f"as of {day}"


def said(lens: str) -> str:
    """Spell the name of a lens for readers."""
    return lens.replace("_", " ")
