"""Quiet banks, month by month as counts; a shift planted into the feature table; how often either raises an alarm."""

import dataclasses
import pickle
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afraz import catalog
from afraz.data.ingest import ingest
from afraz.data.simulator.bank import simulate
from afraz.features.applications import applicants, build_applications
from afraz.features.labels import churn_labels
from afraz.features.snapshots import snapshot_dates
from afraz.features.table import build_features
from afraz.models.artifact import load_artifact
from afraz.models.cells import NUMBERS
from afraz.monitoring.drift import SEASON, DriftTerms, judge, surprises
from afraz.monitoring.profile import Profile
from afraz.monitoring.subjects import SUBJECTS
from afraz.monitoring.watcher import SCORE
from afraz.params import load_params

SD, SHARE = 0.3, 0.3  # what is planted: so many standard deviations, for so many customers
FIRST_YEAR = 12  # months of data before the first date: windows look back a year


@dataclasses.dataclass
class Bank:
    """Counts of one quiet bank.

    Attributes
    ----------
    inputs : dict of population (at risk, all customers, applications) to Profile
    scores : dict of model to Profile
    planted : dict of population to dict of feature to counts of the last month, had the shift been there
    """

    seed: int
    inputs: dict[str, Profile]
    scores: dict[str, Profile]
    planted: dict[str, dict[str, NDArray[np.int64]]]


def population_of(model: str) -> str:
    subject = SUBJECTS[model]
    return "applications" if subject.rows == "applications" else "at risk" if subject.at_risk else "all customers"


def quiet_bank(folder: Path, seed: int, customers: int, months: int, today: date, bins: int) -> Bank:
    """Simulate a bank and count its months; one that was counted before is taken as it is."""
    kept = folder / f"bank-{seed}.pkl"
    if kept.exists():
        return pickle.loads(kept.read_bytes())  # noqa: S301 written here
    place = folder / f"bank-{seed}"
    simulate(place / "source", place / "truth", customers=customers, months=months + FIRST_YEAR, seed=seed, end=today)
    source = [{"kind": "demo", "path": str(place / "source")}]
    ingest(source, place / "canonical", place / "rejects", observed_until=today)
    tables = {p.stem: ibis.read_parquet(p) for p in sorted((place / "canonical").glob("*.parquet"))}
    dates = snapshot_dates(today, months)
    stated = load_params("features", catalog.root())
    labels = churn_labels(
        tables, dates, definition=stated["churn_definition"], silent_days=stated["silent_days"],
        horizons=stated["horizons"], observed_until=today,
    )  # fmt: skip
    risky = labels.filter(labels.at_risk).select("customer_id", "as_of").to_pandas()
    rows = build_features(tables, dates, families=stated["families"]).to_pandas()
    rows, risky = (part.assign(as_of=pd.to_datetime(part["as_of"])) for part in (rows, risky))
    at_risk = rows.merge(risky, on=["customer_id", "as_of"])
    asked = build_applications(applicants(tables), load_params("applications", catalog.root())["families"]).to_pandas()
    when = pd.to_datetime(asked["as_of"])
    asked["as_of"] = when.dt.to_period("M").dt.to_timestamp() + pd.DateOffset(months=1)
    moments = [pd.Timestamp(day) for day in dates]
    shutil.rmtree(place)
    assert rows.groupby("as_of").size().gt(0).reindex(moments, fill_value=False).all(), "a month without customers"
    parts = {"at risk": at_risk, "all customers": rows, "applications": asked}
    bank = Bank(seed, {}, {}, {})
    for name, table in parts.items():
        names = sorted({f for m in SUBJECTS if population_of(m) == name for f in _inputs(m) if f in table})
        bank.inputs[name] = _counted(table, names, moments, bins)
        bank.planted[name] = _planted(table[table["as_of"] == moments[-1]], bank.inputs[name], seed)
    for model, subject in SUBJECTS.items():
        if subject.measure:
            table = parts[population_of(model)]
            model_of = load_artifact(catalog.path(f"{model}_model"))
            output = {"churn": "leave_90", "credit": "default_probability", "value": "expected_margin_12m"}[model]
            scored = pd.DataFrame({"as_of": table["as_of"], SCORE: model_of.score(table, output)})
            bank.scores[model] = _counted(scored, [SCORE], moments, bins)
    kept.write_bytes(pickle.dumps(bank))
    return bank


def _inputs(model: str) -> list[str]:
    return [str(f["name"]) for f in load_artifact(catalog.path(f"{model}_model")).spec["features"]]


def _counted(table: pd.DataFrame, names: Sequence[str], dates: Sequence[pd.Timestamp], bins: int) -> Profile:
    profile = Profile.of(table[table["as_of"].isin(dates[:12:2])], names, bins)
    for day in dates:
        profile.add(day, table[table["as_of"] == day])
    return profile


def _planted(month: pd.DataFrame, profile: Profile, seed: int) -> dict[str, NDArray[np.int64]]:
    """Counts of a month, feature by feature, were that feature .3 standard deviations higher for 30 % of the rows."""
    rng, found = np.random.default_rng(seed), {}
    for name, cells in profile.cells.items():
        if cells.kind == NUMBERS:
            values = pd.to_numeric(month[name]).astype(float)
            chosen = rng.random(len(values)) < SHARE
            found[name] = cells.count(values + np.where(chosen, SD * values.std(), 0.0))
    return found


def judged(bank: Bank, terms: DriftTerms) -> dict[str, pd.DataFrame]:
    """Judge every month of every model."""
    moved = {name: surprises(profile, terms) for name, profile in bank.inputs.items()}
    found = {}
    for model in SUBJECTS:
        table = moved[population_of(model)]
        own = [table[table["feature"].isin(_inputs(model))]]
        if model in bank.scores:
            own.append(surprises(bank.scores[model], terms))
        found[model] = judge(pd.concat(own), terms)
    return found


def alarms(bank: Bank, terms: DriftTerms, months: int) -> list[dict[str, Any]]:
    """Count the quiet months with an alarm, model by model, among the last ``months``."""
    rows = []
    for model, table in judged(bank, terms).items():
        dates = sorted(table.loc[table["held_against"] == SEASON, "as_of"].unique())[-months:]
        raised = table[table["alarm"] & table["as_of"].isin(dates)]
        named = [f"{r.as_of:%Y-%m} {r.feature}" for r in raised.itertuples()]
        rows.append({"seed": bank.seed, "model": model, "months": len(dates), "months_with_alarm":
                     raised["as_of"].nunique(), "named": "; ".join(named[:4])})  # fmt: skip
    return rows


def power(bank: Bank, terms: DriftTerms, model: str) -> pd.DataFrame:
    """Plant the shift into each number that a model reads, one at a time, in the last month: is it found, and named?"""
    name = population_of(model)
    profile, last = bank.inputs[name], bank.inputs[name].months[-1]
    quiet = judged(bank, terms)[model]
    month = quiet[quiet["as_of"] == last]
    before = quiet[quiet["as_of"] < last]
    rows = []
    for feature, counts in bank.planted[name].items():
        if feature not in set(month["feature"]) or feature in terms.own_doing:
            continue
        one = profile.only([feature])
        one = Profile(one.cells, one.rows, {feature: {**one.counts[feature], last: counts}})
        moved = surprises(one, terms)
        moved = moved[moved["as_of"] == last]
        table = judge(pd.concat([before, month[month["feature"] != feature], moved]), terms)
        found = table[(table["as_of"] == last) & table["alarm"]]["feature"].tolist()
        judgeable = bool(moved["p"].notna().all())
        rows.append((bank.seed, feature, feature in found, len(found) - (feature in found), judgeable))
    return pd.DataFrame(rows, columns=["seed", "feature", "found", "others", "judged"])
