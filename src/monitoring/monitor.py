"""Watch every model over the months, and say of each what is to be done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from .. import catalog
from ..digests import folder_digest
from ..errors import ArtifactError, GateError, NotApplicable, ParamsError, nearest
from ..governance.entries import Entry, chosen_entries
from ..governance.registry import champion_in_use
from ..models.stated import Stated
from . import segment_shares
from . import verdict as say
from .broken import broken_inputs
from .drift import SEASON, DriftTerms, against_learned, judge, surprises
from .profile import Profile
from .quality import refused_by_month, unusual_shares
from .subjects import (
    BLOCK_ROWS,
    SUBJECTS,
    application_months,
    customer_months,
    months_until,
)
from .verdict import Finding, Promise
from .watcher import SCORE, Watcher, weights_of

REFERENCE_MONTHS, REFERENCE_ROWS = 6, 3_000  # what cells are learned from: quantiles of so many rows a month are steady
Month = tuple[pd.Timestamp, pd.DataFrame]
_NO_SEGMENTS = pd.DataFrame(columns=list(segment_shares.COLUMNS))


class MonitorTerms(Stated):
    """What is asked of a month.

    Raises
    ------
    ParamsError
        For an unknown term (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> MonitorTerms(drift={"level": 0.01}).drift.level
    0.01
    >>> MonitorTerms(least_coverage=98)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: monitor term least_coverage: input should be less than or equal to 1, got 98
    """

    word: ClassVar[str] = "monitor term"

    drift: DriftTerms = DriftTerms()
    warn_days: int = Field(60, ge=0, description="so long before its outcomes are too old, the next model is to follow")
    stale_days: int = Field(7, ge=0, description="the newest booking may be so old")
    least_coverage: float = Field(0.98, ge=0, le=1, description="share of those to be scored who are")
    least_reject_share: float = Field(0.005, ge=0, le=1, description="a rise of refused rows by less is no alarm")
    bootstrap: int = Field(200, ge=1, description="resamples of customers behind every interval")
    seed: int = Field(7, ge=0)


@dataclass
class Population:
    """Rows that some models speak of: customers, those at risk among them, or applications."""

    rows: str
    at_risk: bool
    watchers: list[Watcher]
    profile: Profile = field(default_factory=lambda: Profile({}))

    def own(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["at_risk"]].reset_index(drop=True) if self.at_risk else rows

    def learn_cells(self, reference: pd.DataFrame, bins: int) -> None:
        mine = self.own(reference)
        names = list(dict.fromkeys(name for w in self.watchers for name in w.names))
        self.profile = Profile.of(mine, names, bins)
        for watcher in self.watchers:
            watcher.learn_cells(mine, bins)

    def add(self, month: pd.Timestamp, rows: pd.DataFrame, always: bool) -> None:
        mine = self.own(rows)
        self.profile.add(month, mine)
        for watcher in self.watchers:
            watcher.add(month, mine)
            watcher.cover(month, rows, always)


@dataclass(frozen=True)
class Monitored:
    """What was found.

    Attributes
    ----------
    verdicts : DataFrame
        ``model, as_of, verdict, in_sample, digest, evidence``: the last month, and those before it that lie after what
        the model learned from.
    findings : DataFrame
        ``model, as_of, number, asks, about, words``.
    drift : DataFrame
        :func:`.drift.drift_by_month` of every model, with ``model`` and ``in_sample``.
    tables : dict of name to DataFrame
        ``performance, broken, quality, undated, coverage, segments, freshness``.
    not_watched : dict of model to str
        Why a model could not be watched.
    """

    verdicts: pd.DataFrame
    findings: pd.DataFrame
    drift: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    not_watched: dict[str, str]

    def now(self) -> pd.DataFrame:
        """Verdicts of the last month."""
        last = self.verdicts["as_of"].max()
        return self.verdicts[self.verdicts["as_of"] == last].reset_index(drop=True)

    def metrics(self) -> dict[str, Any]:
        """Measures of the run: verdicts now (``gravity``: 0 keep … 3 withdraw), months with an alarm of every model."""
        now = self.now()
        judged = self.drift[self.drift["held_against"] == SEASON]
        months = judged.groupby("model")["as_of"].nunique()
        alarms = self.drift[self.drift["alarm"]].groupby("model")["as_of"].nunique()
        return {
            "verdicts": dict(zip(now["model"], now["verdict"], strict=True)),
            "gravity": {row["model"]: say.VERDICTS.index(row["verdict"]) for row in now.to_dict("records")},
            "months_judged": {name: int(months.get(name, 0)) for name in now["model"]},
            "months_with_alarm": {name: int(alarms.get(name, 0)) for name in now["model"]},
            "not_watched": self.not_watched,
        }


def monitor(models: Sequence[str], as_of: date, months: int, terms: MonitorTerms) -> Monitored:
    """Watch models over the monthly dates until ``as_of``.

    A model without a champion, or of whose rows the source has none, is left out with the reason; the others go on.

    Raises
    ------
    ParamsError
        For a model that nothing is watched of.
    NotApplicable
        If no model can be watched, or the features stage built none of the months.
    """
    for name in models:
        if name not in SUBJECTS:
            raise ParamsError(f"models: nothing is watched of {name!r}: {nearest(name, SUBJECTS)}")
    dates = months_until(as_of, months)
    entries = chosen_entries(list(models))
    watchers, not_watched = _watchers(models, terms)
    populations = [
        found
        for rows, at_risk in (("customers", True), ("customers", False), ("applications", False))
        if (mine := [w for w in watchers if (w.subject.rows, w.subject.at_risk) == (rows, at_risk)])
        for found in [Population(rows, at_risk, mine)]
    ]
    for rows in ("customers", "applications"):
        _go_by(rows, [p for p in populations if p.rows == rows], dates, terms, not_watched)
    populations = [p for p in populations if p.profile.cells]
    if not populations:
        raise NotApplicable("; ".join(f"{name}: {why}" for name, why in not_watched.items()))
    general = _general(dates, terms)
    parts = []
    for population in populations:
        moved = surprises(population.profile, terms.drift)
        parts += [_judged(w, population, moved, dates, entries[w.model], general, terms) for w in population.watchers]
    parts.sort(key=lambda part: list(models).index(part.verdicts["model"].iloc[0]))
    return Monitored(
        pd.concat([p.verdicts for p in parts], ignore_index=True),
        pd.concat([p.findings for p in parts], ignore_index=True),
        pd.concat([p.drift for p in parts], ignore_index=True),
        {**{name: pd.concat([p.tables[name] for p in parts], ignore_index=True)
            for name in ("performance", "broken", "coverage", "segments", "freshness")}, **general},
        not_watched,
    )  # fmt: skip


def _watchers(models: Sequence[str], terms: MonitorTerms) -> tuple[list[Watcher], dict[str, str]]:
    watchers, without = [], {}
    known = catalog.load("dictionary")["name"].astype(str)
    for name in models:
        try:
            found = champion_in_use(name)
            watchers.append(Watcher.of(name, SUBJECTS[name], found.folder, found.digest, known,
                                       bootstrap=terms.bootstrap, seed=terms.seed))  # fmt: skip
        except (NotApplicable, GateError, ArtifactError) as why:
            without[name] = str(why)
    return watchers, without


def _go_by(
    rows: str,
    populations: list[Population],
    dates: Sequence[pd.Timestamp],
    terms: MonitorTerms,
    without: dict[str, str],
) -> None:
    """Let the months of one kind of rows go by all models that speak of them; variables are counted once for all."""
    if not populations:
        return
    try:
        parts = _held(rows, dates)
        reference = _reference(parts if isinstance(parts, list) else _read(rows, dates[:12]), terms.seed)
    except NotApplicable as why:
        without.update({w.model: str(why) for p in populations for w in p.watchers})
        return
    for population in populations:
        population.learn_cells(reference, terms.drift.bins)
    for month, frame in parts:
        for population in populations:
            population.add(month, frame, always=month == dates[-1])


def _read(rows: str, dates: Sequence[pd.Timestamp]) -> Iterator[Month]:
    return customer_months(dates) if rows == "customers" else application_months(dates)


def _held(rows: str, dates: Sequence[pd.Timestamp]) -> list[Month] | Iterator[Month]:
    """All months at once where they fit into memory, so that they are read once."""
    small = rows != "customers" or int(catalog.scan("customer_features").count().execute()) <= BLOCK_ROWS
    return list(_read(rows, dates)) if small else _read(rows, dates)


def _reference(parts: Sequence[Month] | Iterator[Month], seed: int) -> pd.DataFrame:
    """Rows of some of the first months, by which variables are cut."""
    rng, kept = np.random.default_rng(seed), []
    for i, (_, frame) in enumerate(parts):
        if i >= 12:
            break
        if i % (12 // REFERENCE_MONTHS) == 0 and len(frame):
            chosen = np.sort(rng.permutation(len(frame))[:REFERENCE_ROWS])
            kept.append(frame.iloc[chosen])
    if not kept:
        raise NotApplicable("there are no rows in the first months to learn from what is usual")
    return pd.concat(kept, ignore_index=True)


def _general(dates: Sequence[pd.Timestamp], terms: MonitorTerms) -> dict[str, pd.DataFrame]:
    """What concerns every model: rows that ingest refused."""
    import ibis

    rejects = {p.stem: ibis.read_parquet(p) for p in sorted(catalog.path("rejects").glob("*.parquet"))}
    counted, undated = refused_by_month(catalog.canonical_tables(), rejects, dates[0], dates[-1])
    shares = unusual_shares(counted, level=terms.drift.level, least_share=terms.least_reject_share)
    return {"quality": shares, "undated": undated}


def _judged(
    watcher: Watcher, population: Population, moved: pd.DataFrame, dates: Sequence[pd.Timestamp], entry: Entry,
    general: Mapping[str, pd.DataFrame], terms: MonitorTerms,
) -> Monitored:  # fmt: skip
    """Judge one model at the last month, and at those before it that it has not learned from."""
    name = watcher.model
    inputs = population.profile.only(watcher.names)
    drift = judge(pd.concat([moved[moved["feature"].isin(watcher.names)], surprises(watcher.scores, terms.drift)]),
                  terms.drift)  # fmt: skip
    learned = [against_learned(part, watcher.learned(dates)) for part in (inputs, watcher.scores)]
    drift = drift.merge(pd.concat(learned), on=["as_of", "feature"], how="left")
    broken, performance = broken_inputs(inputs), watcher.performances()
    segments = _segments(watcher) if name == "segmentation" else _NO_SEGMENTS
    promise, weights = _promise(watcher, entry), weights_of(name)
    judged = [m for m in dates if m == dates[-1] or watcher.in_sample(m) is False]
    rows, verdicts = [], []
    for month in judged:
        found = [
            *say.from_broken(broken[broken["as_of"] == month]),
            *([Finding(say.WITHDRAW, "inputs", watcher.refused[month])] if month in watcher.refused else []),
            *say.from_drift(drift[drift["as_of"] == month], SCORE, promise, weights),
            *say.from_performance(performance[performance["known_at"] <= month],
                                  performance[performance["as_of"] == month], promise),
            *say.from_segments(segments[segments["as_of"] == month], promise.score_psi),
            *say.from_age(watcher.until, month, entry.valid_for_days, terms.warn_days),
            *(say.from_coverage(watcher.coverage[month], terms.least_coverage) if month in watcher.coverage else []),
            *_data(general["quality"], month),
            *(_freshness(dates[-1], terms.stale_days) if month == dates[-1] else []),
        ]  # fmt: skip
        if not inputs.rows.get(month):
            found.append(Finding(say.WATCH, "inputs", "there are no rows in this month: nothing can be said of it"))
        worst = say.worst(f.asks for f in found)
        grave = [f for f in found if f.asks == worst] if worst != say.KEEP else found
        said = "; ".join(f"{f.about}: {f.words}" for f in grave) or "nothing unusual"
        verdicts.append((name, month, worst, bool(watcher.in_sample(month)), watcher.digest, said))
        rows += [(name, month, i, f.asks, f.about, f.words) for i, f in enumerate(found)]
    sample = drift["as_of"].map(watcher.in_sample)
    age = np.nan if watcher.until is None else (dates[-1] - watcher.until).days
    fresh = pd.DataFrame([{"model": name, "learned_until": watcher.until, "age_days": age,
                           "valid_for_days": entry.valid_for_days, "note": watcher.subject.note}])  # fmt: skip
    return Monitored(
        pd.DataFrame(verdicts, columns=["model", "as_of", "verdict", "in_sample", "digest", "evidence"]),
        pd.DataFrame(rows, columns=["model", "as_of", "number", "asks", "about", "words"]),
        drift.assign(model=name, in_sample=sample),
        {"performance": performance.assign(model=name), "broken": broken.assign(model=name), "freshness": fresh,
         "coverage": _coverage(watcher), "segments": segments.assign(model=name)},
        {},
    )  # fmt: skip


def _promise(watcher: Watcher, entry: Entry) -> Promise:
    """What the champion was approved with: its run's measures, if the last run made it, and the registry's bounds."""
    subject, bounds = watcher.subject, entry.bounds
    rank = np.nan
    made = (
        folder_digest(catalog.path(f"{watcher.model}_model")) if catalog.path(f"{watcher.model}_model").exists() else ""
    )
    if subject.promised and made == watcher.digest:
        found: Any = catalog.load(f"{watcher.model}_metrics")
        for key in subject.promised:
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        rank = float(found["value"]) if isinstance(found, Mapping) and "value" in found else np.nan
    measure = subject.promised[-1] if subject.promised else ""
    return Promise(
        rank, bounds.get(f"margin_{measure}", 0.01), bounds.get(subject.bound, np.nan),
        bounds.get("calibration_tolerance", 0.25), bounds.get("psi", 0.25),
    )  # fmt: skip


def _coverage(watcher: Watcher) -> pd.DataFrame:
    parts = [found.table().assign(as_of=month, model=watcher.model) for month, found in watcher.coverage.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["what", "rows", "as_of", "model"])


def _segments(watcher: Watcher) -> pd.DataFrame:
    place = catalog.path("segmentation_tables") / "movement.csv"
    if not place.exists() or not catalog.path("segments").exists():
        return _NO_SEGMENTS
    lenses = [str(lens["name"]) for lens in watcher.artifact.spec["lenses"] if lens["kind"] != "none"]
    segments = pd.read_parquet(catalog.path("segments"), columns=["as_of", *lenses])
    return segment_shares.segments_by_month(segments, pd.read_csv(place), lenses)


def _data(quality: pd.DataFrame, month: pd.Timestamp) -> list[Finding]:
    bad = quality[(quality["as_of"] == month) & quality["alarm"].astype(bool)]
    said = [f"{r['table']}: {r['rule']} refused {r['share']:.2%} of the month's rows, usual are {r['usual']:.2%}"
            for r in bad.to_dict("records")]  # fmt: skip
    return [Finding(say.WATCH, "data", words) for words in said]


def _freshness(as_of: pd.Timestamp, stale_days: int) -> list[Finding]:
    newest = pd.Timestamp(catalog.load("coverage")["transactions"]["last"])
    days = (as_of - newest).days
    if days <= stale_days:
        return []
    return [Finding(say.WATCH, "data", f"the newest booking is {days} days old; {stale_days} are borne")]
