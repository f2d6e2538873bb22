"""The call log of a bank, two weeks of February 1999: who calls when, how long it takes, and who gives up."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from afraz.models.support.arrivals import (
    METHODS,
    choose_method,
    count_hours,
    fit_profile,
    flag_outliers,
    poisson_floor,
    wape,
)
from afraz.models.support.contact_log import gaps, read_contacts
from afraz.models.support.gamma_poisson import poisson_deviance
from afraz.models.support.patterns import fit_patterns, pattern_profile
from afraz.models.support.staffing import Service, agents_needed, mean_patience
from afraz.models.support.survival import come_back, kaplan_meier, share_by

START, MIDDLE, END = (pd.Timestamp(day) for day in ("1999-02-01", "1999-02-08", "1999-02-15"))
# Friday closes about 14 h and Saturday opens about 19 h: neither is like any other day.
ALIKE = {"Sunday to Thursday": (6, 0, 1, 2, 3), "Friday": (4,), "Saturday": (5,)}
# Without the day itself there is nothing to copy, so copying is no candidate; it is the rival.
CANDIDATES = tuple(name for name in METHODS if name != "copy_week")
DAY_SECONDS = 86_400
SHORT = 10  # seconds; no matter is settled in less
TYPES = {"PS": "regular", "PE": "regular in English", "NW": "prospect", "NE": "stock exchange",
         "IN": "internet banking", "TT": "call back"}  # fmt: skip
MIXTURE = {"clusters": (2, 4), "bootstrap": 6, "nulls": 5, "sample_rows": 2_000, "starts": 3, "min_stability": 0.8}


def bank_calls(data: Path, *, seed: int = 7) -> dict[str, Any]:
    """Describe the calls, staff the busiest half-hour, and foretell the second week from the first."""
    calls, faults = read_calls(data)
    served = calls[calls["outcome"] == "AGENT"]
    hours = count_hours(calls["started_at"], START, END)
    service = served["duration_seconds"]
    return {
        "calls": len(calls), "identified_callers": int(calls["customer_id"].nunique()), "faults": faults,
        "identified_calls": int(calls["customer_id"].notna().sum()),
        "abandonment": float(calls["abandoned"].mean()), "mean_service_seconds": float(service.mean()),
        "median_service_seconds": float(service.median()), "served_below_10_seconds": float((service < SHORT).mean()),
        "service_by_type": by_type(calls), "outlier_hours": outliers(hours, calls),
        "profile": profile(hours), **patience(calls), **forecast(hours), **busiest(calls, float(service.mean())),
        "callers": callers(calls, seed),
    }  # fmt: skip


def read_calls(data: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Read the log: void records are no calls; times that run backwards are counted and not used."""
    raw = pd.read_csv(data / "bank_calls" / "calls_1999_02_first_half.tsv.gz", sep="\t")
    rows = raw[raw["outcome"] != "PHANTOM"].reset_index(drop=True)
    day = pd.to_datetime(rows["date"].astype(str), format="%y%m%d")
    clock = {name: pd.to_timedelta(rows[name]).dt.total_seconds() for name in ("vru_entry", "ser_start", "ser_exit")}
    lasted = (clock["ser_exit"] - clock["ser_start"]) % DAY_SECONDS  # a call over midnight ends by an earlier clock
    served = rows["outcome"] == "AGENT"
    known = rows["customer_id"].fillna(0) > 0
    calls = pd.DataFrame({
        "customer_id": rows["customer_id"].where(known).astype("Int64").astype("string"),
        "started_at": day + pd.to_timedelta(clock["vru_entry"], unit="s"),
        "wait_seconds": rows["q_time"].astype(float), "duration_seconds": lasted.where(served),
        "menu_seconds": rows["vru_time"].where(rows["vru_time"] >= 0), "type": rows["type"].map(TYPES),
        "outcome": rows["outcome"], "abandoned": ~served, "priority": rows["priority"] == 2,
        "agent_id": rows["server"].where(rows["server"] != "NO_SERVER"),
    })  # fmt: skip
    faults = {
        "void_records": len(raw) - len(rows), "menu_ends_before_it_starts": int((rows["vru_time"] < 0).sum()),
        "service_of_calls_given_up": int((~served & (rows["ser_time"] > 0)).sum()),
        "service_clock_differs": int((served & ((lasted - rows["ser_time"]).abs() > 1)).sum()),
        "served_by_nobody_named": int((served & (rows["server"] == "NO_SERVER")).sum()),
        "over_midnight": int((clock["ser_exit"] < clock["ser_start"]).sum()),
    }  # fmt: skip
    return calls.sort_values("started_at", kind="stable", ignore_index=True), faults


def by_type(calls: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Number, abandonment and mean service time of each kind of call."""
    found = calls.groupby("type").agg(
        calls=("abandoned", "size"), abandonment=("abandoned", "mean"), service_seconds=("duration_seconds", "mean")
    )
    return {str(name): {k: float(v) for k, v in row.items()} for name, row in found.to_dict("index").items()}


def outliers(hours: pd.DataFrame, calls: pd.DataFrame) -> list[dict[str, Any]]:
    """Hours far beyond the same hour of like days, with the share of their calls that was given up."""
    flagged = hours[flag_outliers(hours, ALIKE)]
    hour = calls["started_at"].dt.floor("h")
    return [
        {
            "day": str(row.day.date()), "hour": int(row.hour), "calls": int(row.calls),
            "abandonment": float(calls.loc[hour == row.day + pd.Timedelta(hours=row.hour), "abandoned"].mean()),
        }
        for row in flagged.itertuples()
    ]  # fmt: skip


def profile(hours: pd.DataFrame) -> dict[str, Any]:
    """Mean calls of a day by kind of day, and its busiest hour; flagged hours are left out of the means."""
    quiet = hours[~flag_outliers(hours, ALIKE)]
    found = {}
    for name, days in ALIKE.items():
        mean = quiet[quiet["weekday"].isin(days)].groupby("hour")["calls"].mean()
        open_hours = mean[mean >= 0.3 * mean.max()]  # in some hours a trickle of calls comes to a closed desk
        found[name] = {"calls_a_day": float(mean.sum()), "busiest_hour": int(mean.idxmax()), "most": float(mean.max()),
                       "opens": int(open_hours.index.min()), "closes": int(open_hours.index.max()) + 1}  # fmt: skip
    return found


def patience(calls: pd.DataFrame) -> dict[str, Any]:
    """How long callers would wait: whoever was answered had patience left."""
    waited = calls[calls["wait_seconds"] > 0]
    curve = kaplan_meier(waited["wait_seconds"], waited["abandoned"])
    return {
        "waited": float((calls["wait_seconds"] > 0).mean()), "mean_wait_seconds": float(calls["wait_seconds"].mean()),
        "answered_within_20_seconds": float((~calls["abandoned"] & (calls["wait_seconds"] <= 20)).mean()),
        "mean_patience_seconds": mean_patience(calls["wait_seconds"], calls["abandoned"]),
        "gave_up_by": {str(s): 1 - share_by(curve, s) for s in (30, 60, 120, 300)},
    }  # fmt: skip


def forecast(hours: pd.DataFrame) -> dict[str, Any]:
    """Choose a method on the days of the first week, each left out in turn, then foretell the second week once."""
    first, second = hours[hours["day"] < MIDDLE], hours[hours["day"] >= MIDDLE]
    ordinary = first[first["weekday"].isin(ALIKE["Sunday to Thursday"])]
    chosen = choose_method(first, ALIKE, list(ordinary["day"].unique()), CANDIDATES)
    method = str(chosen["method"].iloc[0])
    flagged = flag_outliers(first, ALIKE)
    seen = second["calls"].to_numpy(float)
    said = {name: fit_profile(first, name, ALIKE, flagged).predict(second) for name in (*CANDIDATES, "copy_week")}
    quiet = ~flag_outliers(hours, ALIKE).loc[second.index].to_numpy()
    kinds = second["weekday"].map({day: name for name, days in ALIKE.items() for day in days}).to_numpy()
    ours = said[method]
    return {
        "forecast_method": method, "forecast_wape": wape(seen, ours), "copy_week_wape": wape(seen, said["copy_week"]),
        "second_week_wape": {name: wape(seen, value) for name, value in said.items()},
        "chosen_on_first_week": {str(r.method): float(r.wape) for r in chosen.itertuples()},
        "forecast_wape_without_outliers": wape(seen[quiet], ours[quiet]),
        "forecast_wape_nothing_flagged": wape(seen, fit_profile(first, method, ALIKE).predict(second)),
        "copy_week_wape_without_outliers": wape(seen[quiet], said["copy_week"][quiet]),
        "forecast_wape_by_day": {name: wape(seen[kinds == name], ours[kinds == name]) for name in ALIKE},
        "copy_week_wape_by_day": {name: wape(seen[kinds == name], said["copy_week"][kinds == name]) for name in ALIKE},
        "second_week": by_day(second["day"], seen, ours, said["copy_week"]),
        "forecast_level": float(seen.sum() / ours.sum()), "poisson_floor": poisson_floor(seen),
        "deviance": {n: float(poisson_deviance(seen, np.maximum(said[n], 0.5)).mean()) for n in (method, "copy_week")},
    }  # fmt: skip


def by_day(day: pd.Series, seen: Any, one: Any, other: Any) -> list[dict[str, Any]]:
    """Give the WAPE of the forecast and of copying on each day."""
    told = []
    for moment in day.unique():
        mine = (day == moment).to_numpy()
        told.append({
            "day": str(moment.date()), "weekday": moment.day_name(), "calls": int(seen[mine].sum()),
            "forecast_wape": wape(seen[mine], one[mine]), "copy_wape": wape(seen[mine], other[mine]),
        })  # fmt: skip
    return told


def busiest(calls: pd.DataFrame, service_seconds: float) -> dict[str, Any]:
    """Staff the busiest half-hour of Sunday to Thursday at 80/20, and see who was there."""
    half = calls["started_at"].dt.floor("30min")
    every = pd.date_range(START, END, freq="D", inclusive="left")
    days = every[every.day_of_week.isin(ALIKE["Sunday to Thursday"])]
    clock = pd.timedelta_range("0h", "23h30min", freq="30min")
    counted = half.value_counts()
    counts = pd.DataFrame({d: counted.reindex(d + clock, fill_value=0).to_numpy() for d in days}, index=clock)
    usual = counts.median(axis=1)
    at = usual.idxmax()
    kept = (counts.loc[at] - usual[at]).abs() <= 10 * max(np.sqrt(usual[at]), 1)
    rate = float(counts.loc[at][kept].mean())
    found = agents_needed(rate / 1800, service_seconds, Service())
    patient = mean_patience(calls["wait_seconds"], calls["abandoned"])
    impatient = agents_needed(rate / 1800, service_seconds, Service(), patient)
    inside = calls[half.isin([d + at for d in days]) & calls["agent_id"].notna()]
    there = inside.groupby(half)["agent_id"].nunique()
    all_there = calls[half.isin([d + at for d in days])]
    soon = ~all_there["abandoned"] & (all_there["wait_seconds"] <= 20)
    return {
        "busiest_half_hour": str(at)[7:12], "busiest_calls": rate, "agents_needed": found.agents,
        "agents_scheduled": found.scheduled, "agents_needed_with_patience": impatient.agents,
        "needed_service_level": found.queue.service_level, "needed_occupancy": found.queue.occupancy,
        "agents_there": float(there.mean()), "agents_there_least": int(there.min()),
        "agents_there_most": int(there.max()),
        "seen_service_level": float(soon.mean()), "seen_abandonment": float(all_there["abandoned"].mean()),
    }  # fmt: skip


def callers(calls: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Look at identified callers: how often, how soon again, in which groups, and what one week says of the next."""
    known = calls[calls["customer_id"].notna()]
    log = read_contacts(known.assign(topic=known["type"], resolved=~known["abandoned"]), END)
    again = gaps(log.rows, END).assign(ended=lambda t: np.where(t["abandoned"], "given up", "answered"))
    back = come_back(again, ["topic", "ended"], (1, 7)).set_index("part")
    counted = log.rows.groupby("customer_id").size()
    rows = log.rows.groupby("customer_id").agg(
        contacts_year=("started_at", "size"), unresolved_365d=("abandoned", "sum"), repeats_year=("repeat", "sum"),
        mean_duration_365d=("duration_seconds", "mean"),
    )  # fmt: skip
    topics = pd.crosstab(log.rows["customer_id"], log.rows["topic"]).add_prefix("topic:")
    table = rows.join(topics).astype(float).reset_index()
    found = fit_patterns(table, MIXTURE, seed=seed)
    table["pattern"] = found.assign(table)
    told = pattern_profile(table.assign(contacts=table["contacts_year"]), found.names, ["mean_duration_365d"])
    columns = ["pattern", "name", "customers", "share", "contacts_year", "share_of_contacts", "main_topic"]
    return {
        "calls_each": float(counted.mean()), "called_once": float((counted == 1).mean()),
        "share_of_calls_of_top_tenth": float(counted.nlargest(len(counted) // 10).sum() / counted.sum()),
        "back_within_a_day": {str(part): float(row["back_1"]) for part, row in back.iterrows()},
        "back_within_a_week": {str(part): float(row["back_7"]) for part, row in back.iterrows()},
        "patterns": told[columns].to_dict("records"), "patterns_reason": found.reason, **next_week(log.rows),
    }  # fmt: skip


def next_week(rows: pd.DataFrame) -> dict[str, Any]:
    """Foretell calls of the second week of those who called in the first: their own number, or Robbins' estimate.

    Robbins (1956): of customers with x calls the rate is (x + 1) n(x + 1) / n(x), without any word on those who did not
    call, whose number nobody knows. A line through its logarithm smooths it.
    """
    first = rows[rows["started_at"] < MIDDLE].groupby("customer_id").size()
    second = rows[rows["started_at"] >= MIDDLE].groupby("customer_id").size().reindex(first.index, fill_value=0)
    size = first.value_counts().sort_index()
    x = size.index.to_numpy()
    pairs = [(k, (k + 1) * size[k + 1] / size[k], size[k + 1]) for k in x if k + 1 in size.index and size[k + 1] >= 5]
    k, ratio, weight = (np.array(v, float) for v in zip(*pairs, strict=True))
    slope, level = np.polyfit(np.log(k), np.log(ratio), 1, w=np.sqrt(weight))
    said = np.exp(level + slope * np.log(first.to_numpy(float)))
    seen = second.to_numpy(float)
    rivals = {"robbins": said, "own_number": first.to_numpy(float), "everybody_alike": np.full(len(seen), first.mean())}
    return {
        "called_in_both_weeks": float((seen > 0).mean()), "calls_of_first_week_callers": float(first.mean()),
        "calls_a_week_later": float(seen.mean()),
        "next_week_deviance": {name: float(poisson_deviance(seen, value).mean()) for name, value in rivals.items()},
        "next_week_level": {name: float(seen.sum() / value.sum()) for name, value in rivals.items()},
    }  # fmt: skip
