"""The support period put together: from frames to patterns, forecasts, agents, packages and quality of service."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, NotApplicable
from ..metrics import finite
from .arrivals import backtest, count_hours, fit_profile, flag_outliers
from .cohorts import cohort_table, items
from .contact_forecast import Choice, choose_forecaster, words
from .contact_log import ContactLog, gaps, per_month, read_contacts
from .cost_to_serve import contact_cost, cost_distribution, cost_of_customers
from .gamma_poisson import fit_gamma_poisson
from .inputs import SupportInputs
from .packages import Demand, break_even, price_curve, price_packages, spread_sensitivity
from .patterns import Patterns, fit_patterns, migration, pattern_profile
from .proactive import Effect, estimate_effect, proactive_list, spare_slots
from .service_quality import association, experience, service_quality
from .settings import SupportSettings
from .staffing import mean_patience, staffing_table
from .survival import come_back

HORIZONS = (30, 90)
KEY = ("customer_id", "as_of")
YEAR = 365
WEEK = pd.Timedelta(days=7)
CUTS = ("branch_id", "region_id", "channel", "agent_id")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class SupportResult:
    """Everything about the support period.

    Attributes
    ----------
    customers : DataFrame
        A customer of the last date: pattern, contacts of the last year and expected ones, cost to serve.
    proactive : DataFrame
        Whom to call in idle hours (:func:`.proactive.proactive_list`).
    """

    customers: pd.DataFrame
    proactive: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    metrics: dict[str, Any]


def fit_support(inputs: SupportInputs, settings: SupportSettings) -> SupportResult:
    """Learn patterns, forecasts, agents, prices and quality of service from contacts.

    Returns
    -------
    SupportResult
        What a source has not (agents, waiting, trials of calls, surveys) is left out, with the reason in ``metrics``.

    Raises
    ------
    NotApplicable
        Where no contact is fit to count, or no date lies early enough to be learned from.
    """
    log = read_contacts(inputs.contacts, inputs.until)
    if log.rows.empty:
        raise NotApplicable(f"no contact of {len(inputs.contacts)} is fit to count: {log.refused} refused")
    cohorts = cohort_table(log.rows, inputs.customers, inputs.joined, inputs.start, inputs.until, HORIZONS)
    cohorts = pd.concat([cohorts, items(log.rows, cohorts)], axis=1)
    choices = forecast_by_customer(cohorts, settings)
    last = cohorts["as_of"].max()
    now = cohorts[cohorts["as_of"] == last].reset_index(drop=True)
    patterns = fit_patterns(now, settings.patterns, seed=settings.seed)
    assigned = cohorts[["customer_id", "as_of"]].assign(pattern=patterns.assign(cohorts))
    now["pattern"] = patterns.assign(now)
    customers = _customers(log, now, patterns, choices, settings, last)
    staffing, hours, by_hour = _by_hour(log, inputs, settings)
    effect, proactive, called = _proactive(log, inputs, settings, customers, staffing)
    packages, priced = _packages(now, customers, choices[90], settings)
    quality, relations = _quality(log, inputs, cohorts)
    spent = cost_distribution(customers)
    tables = {
        "faults": log.faults, "months": per_month(log.rows, inputs.start, inputs.until),
        "patterns": pattern_profile(now, patterns.names, ["contacts"]), "pattern_evidence": patterns.evidence,
        **migration(assigned, patterns.names),
        # not by pattern, which is made of the very contacts that came back
        "come_back": come_back(gaps(log.rows, inputs.until, inputs.left), ["resolved", "topic", "channel"]),
        **{f"candidates_{days}": choice.candidates for days, choice in choices.items()},
        **{f"forecast_test_{days}": choice.test for days, choice in choices.items()},
        **{f"forecast_tenths_{days}": choice.reliability for days, choice in choices.items()},
        **hours, **called, "cost_to_serve": spent, **packages, "quality": quality, "quality_relations": relations,
    }  # fmt: skip
    everybody = spent.iloc[-1]
    metrics = {
        "contacts": len(log.rows), "refused": log.refused, "customers": len(customers),
        "contacts_a_year": float(now["contacts_year"].sum() / max(now["exposure_year"].sum() / YEAR, 1e-9)),
        "silent_share": float((now["contacts_year"] == 0).mean()), "patterns": len(patterns.names),
        "patterns_reason": patterns.reason, "forecast": words(choices), "hours": by_hour,
        "cost_to_serve": {"mean": everybody["mean"], "share_of_top_tenth": everybody["share_of_top_tenth"]},
        "proactive": {**effect, "listed": len(proactive), "expected_avoided": proactive["expected_avoided"].sum()},
        "packages": priced, "quality_differs": _differing(quality),
    }  # fmt: skip
    return SupportResult(customers, proactive, tables, finite(metrics))


def forecast_by_customer(cohorts: pd.DataFrame, settings: SupportSettings) -> dict[int, Choice]:
    """Learn the forecast for each horizon from the dates before the last whose window is over, and measure it there.

    Raises
    ------
    NotApplicable
        Where no date lies so early that its windows end before the test begins.
    """
    ripe = sorted(cohorts.loc[cohorts["next_90"].notna(), "as_of"].unique())
    learned = [day for day in ripe if pd.Timestamp(day) + pd.Timedelta(days=90) <= pd.Timestamp(ripe[-1])]
    if not learned:
        raise NotApplicable(
            f"contacts are foretold from a date whose 90 days end before another begins that is over, too; {len(ripe)} "
            "dates are over: more snapshots in params/features.yaml, or data of a longer time"
        )
    train, test = cohorts[cohorts["as_of"].isin(learned)], cohorts[cohorts["as_of"] == ripe[-1]]
    features = [name for name in settings.features if name in cohorts and cohorts[name].notna().any()]
    return {
        days: choose_forecaster(train.reset_index(drop=True), test.reset_index(drop=True), days, features,
                                candidates=settings.candidates, folds=settings.folds, seed=settings.seed)
        for days in HORIZONS
    }  # fmt: skip


def _customers(
    log: ContactLog, now: pd.DataFrame, patterns: Patterns, choices: dict[int, Choice], settings: SupportSettings,
    last: pd.Timestamp,
) -> pd.DataFrame:  # fmt: skip
    found = now[["customer_id", "as_of", "pattern"]].copy()
    found["pattern_name"] = found["pattern"].map(patterns.names)
    found["contacts_last_year"] = now["contacts_year"].astype("int64")
    least = np.zeros(len(now))
    for days, choice in choices.items():  # a longer time holds the contacts of a shorter one
        least = np.maximum(least, choice.forecaster.predict(now))
        found[f"expected_contacts_{days}"] = least
    inside = (log.rows["started_at"] < last) & (log.rows["started_at"] >= last - pd.Timedelta(days=YEAR))
    year = log.rows[inside & (log.rows["known_at"] <= last)].copy()
    year["cost"] = contact_cost(year, settings.costs)
    ahead = found["expected_contacts_90"].to_numpy() * YEAR / 90
    costs = cost_of_customers(found, year, ahead)
    return pd.concat([found, costs], axis=1)


def _by_hour(
    log: ContactLog, inputs: SupportInputs, settings: SupportSettings
) -> tuple[pd.DataFrame | None, dict[str, pd.DataFrame], dict[str, Any]]:
    queued = log.rows[log.rows["channel"].isin(settings.staffed)] if log.rows["channel"].notna().any() else log.rows
    whole = inputs.until.normalize()
    weeks = min(settings.rate_weeks + settings.test_weeks, (whole - inputs.start.normalize()).days // 7)
    talked = queued["duration_seconds"].dropna()
    if weeks < settings.test_weeks + 1 or talked.empty:
        reason = f"{weeks} weeks of calls, {len(talked)} of them with a duration: no hours can be foretold or staffed"
        return None, {}, {"not_applicable": reason}
    hours = count_hours(queued["started_at"], whole - weeks * WEEK, whole)
    tested, measures = backtest(hours, settings.day_groups, settings.test_weeks, settings.methods)
    recent = hours[hours["day"] >= whole - settings.rate_weeks * WEEK]
    flagged = flag_outliers(recent, settings.day_groups)
    profile = fit_profile(recent, measures["method"], settings.day_groups, flagged).table()
    profile["open"] = profile["calls"] >= settings.open_calls
    seconds = float(talked.mean()) + settings.wrap_up_seconds
    patience = mean_patience(queued["wait_seconds"], queued["abandoned"])
    staffing = staffing_table(profile, seconds, settings.service, patience)
    spread = recent.loc[~flagged].groupby(["weekday", "hour"])["calls"].agg(["mean", "var"])
    spread = spread[spread["mean"] > 0]
    busiest = staffing.iloc[int(staffing["calls"].argmax())]
    return staffing, {"hour_methods": tested, "staffing": staffing,
                      "outlier_hours": recent[flagged].assign(day=lambda t: t["day"].dt.date.astype(str))}, {
        **measures, "outlier_hours": int(flagged.sum()), "service_seconds": seconds, "patience_seconds": patience,
        "dispersion": float((spread["var"] * spread["mean"]).sum() / (spread["mean"] ** 2).sum()),
        "abandonment": float(queued["abandoned"].mean()),
        "busiest": {"weekday": str(busiest["day"]), "hour": int(busiest["hour"]), "calls": float(busiest["calls"]),
                    "agents": int(busiest["agents"]), "scheduled": int(busiest["scheduled"])},
        "agent_hours_a_week": int(staffing["agents"].sum()), "spare_hours_a_week": float(staffing["spare_hours"].sum()),
    }  # fmt: skip


def _proactive(
    log: ContactLog, inputs: SupportInputs, settings: SupportSettings, customers: pd.DataFrame,
    staffing: pd.DataFrame | None,
) -> tuple[dict[str, Any], pd.DataFrame, dict[str, pd.DataFrame]]:  # fmt: skip
    asked, nothing = settings.proactive, Effect(0.0, -np.inf, np.inf, settings.proactive.days, pd.DataFrame())
    slots = pd.DataFrame({"weekday": [], "hour": [], "slots": []}).astype("int64")
    empty = proactive_list(customers, nothing, slots, most=0, control_share=0.0, seed=0)
    if staffing is None:
        return {"not_applicable": "no hours are staffed"}, empty, {}
    try:
        effect = estimate_effect(_expected(log, inputs, asked.days), log.rows, inputs.until, days=asked.days)
    except NotApplicable as none:
        return {"not_applicable": str(none)}, empty, {}
    slots = spare_slots(staffing, asked.call_seconds, use=asked.use, first=asked.first_hour, last=asked.last_hour,
                        days=asked.weekdays)  # fmt: skip
    ordered = customers.assign(expected_30=customers["expected_contacts_30"] * asked.days / 30)
    listed = proactive_list(
        ordered, effect, slots, most=asked.most, control_share=asked.control_share, seed=settings.seed
    )
    seconds = float(log.rows["duration_seconds"].mean()) + settings.wrap_up_seconds
    said = {
        "reduction": effect.reduction, "low": effect.low, "high": effect.high, "shown": effect.shown,
        "in_words": effect.in_words(), "slots": int(slots["slots"].sum()),
        "agent_hours_spent": float((listed["arm"] == "call").sum() * asked.call_seconds / 3600),
        "agent_hours_saved": float(listed["expected_avoided"].sum() * seconds / 3600),
    }  # fmt: skip
    return said, listed, {"proactive_effect": effect.table, "proactive_slots": slots}


def _expected(log: ContactLog, inputs: SupportInputs, days: int) -> pd.DataFrame:
    """Put beside assigned customers what was expected of them by their contacts before the draw."""
    draws = inputs.assigned.assign(as_of=pd.to_datetime(inputs.assigned["assigned_at"]))
    if draws.empty:
        return draws.assign(expected=np.array([], float))
    past = cohort_table(log.rows, draws, inputs.joined, inputs.start, inputs.until, ())
    rates = fit_gamma_poisson(past["contacts"], past["exposure"])
    return past.assign(expected=rates.rate(past["contacts"], past["exposure"]) * days)


def _packages(
    now: pd.DataFrame, customers: pd.DataFrame, choice: Choice, settings: SupportSettings
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    if not settings.packages:
        return {}, {"not_applicable": "no packages are stated"}
    try:
        answers = now.get("last_price_sensitivity", pd.Series(np.nan, index=now.index)).astype(float)
        sensitivity = spread_sensitivity(answers)
    except DataError as none:
        return {}, {"not_applicable": str(none)}
    demand = Demand(
        contacts=customers["expected_contacts_90"].to_numpy() * YEAR / 90,
        shape=choice.forecaster.rates.shape + now["contacts"].to_numpy(float),
        cost=customers["cost_of_contact"].to_numpy(), sensitivity=sensitivity,
    )  # fmt: skip
    asked = [name for name, package in settings.packages.items() if package.price]
    curves = {name: price_curve(demand, settings.packages, name) for name in asked}
    even = {name: break_even(curve) for name, curve in curves.items()}
    priced = price_packages(demand, settings.packages).assign(price_break_even=lambda t: t["package"].map(even))
    tables = {"packages": priced}
    if curves:
        tables["package_prices"] = pd.concat(curves.values(), ignore_index=True)
    said = priced.set_index("package")[["share", "margin_each", "selection", "price_for_all", "price_break_even"]]
    return tables, {"answered": float(answers.notna().mean()),
                    **{str(name): dict(row) for name, row in said.iterrows()}}  # fmt: skip


def _quality(
    log: ContactLog, inputs: SupportInputs, cohorts: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    recent = log.rows[log.rows["started_at"] >= inputs.until - pd.Timedelta(days=YEAR)]
    placed = recent.merge(inputs.places, on="customer_id", how="left")
    quality = service_quality(placed, CUTS)
    parts = []
    for outcome in ("leaves", "margin"):
        if outcome not in inputs.outcomes or not {"contacts_90d", "unresolved_90d"} <= set(cohorts.columns):
            continue
        known = inputs.outcomes[inputs.outcomes[outcome].notna()]
        day = known["as_of"][known["as_of"].isin(cohorts["as_of"])].max()
        rows = cohorts[cohorts["as_of"] == day].merge(known[[*KEY, outcome]], on=list(KEY))
        if len(rows):
            rows["experience"] = experience(rows)
            parts.append(association(rows, outcome, inputs.strata).assign(as_of=str(day.date())))
    return quality, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"experience": []})


def _differing(quality: pd.DataFrame) -> dict[str, int]:
    if quality.empty:
        return {}
    named = quality.groupby(quality["cut"] + "_" + quality["measure"])["differs"].sum()
    return {str(name): int(number) for name, number in named.items()}
