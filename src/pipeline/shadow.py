"""Challengers score beside the champion without anybody acting on it; when outcomes mature, the two are compared."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .. import catalog
from ..errors import GateError, NotApplicable
from ..features.matured import matured_outcomes, must_have_outcomes
from ..governance.comparison import Comparison, Contender, compare
from ..governance.entries import chosen_entries
from ..governance.ledger import ledger
from ..governance.registry import Champion, resolve_champion, version_of
from ..governance.standing import Standing, waiting
from ..models.artifact import learned_until
from ..params import iso_date
from ..scoring.sinks import read_scores, write_scores
from .score import scorer_of

# the file of each model whose rows have outcomes
JUDGED = {"churn": "churn_scores", "credit": "credit_scores", "value": "value_scores"}


@dataclass(frozen=True)
class Shadow:
    """One file that a challenger wrote; ``written`` is False if it was there already."""

    version: int
    place: Path
    rows: int
    written: bool


def challengers(model: str) -> list[Standing]:
    """Versions that wait for a decision and whose checks passed, newest first."""
    return [s for s in waiting(ledger().decisions(model)) if s.gates == "passed"]


def shadow_place(dataset: str, model: str, digest: str, as_of: str) -> Path:
    """Where a challenger's scores lie: apart from the champion's, so that nobody takes them for those."""
    name = Path(catalog.dataset(dataset).path).name
    return catalog.root() / "data" / "shadow" / f"as_of={as_of}" / f"{model}-{digest[:12]}" / name


def score_in_shadow(model: str, as_of: str, only: int | None = None) -> list[Shadow]:
    """Score a date with every challenger of a model, or with one version.

    Raises
    ------
    GateError
        If nothing waits, or not the version that was asked for.
    """
    day, make_scores = iso_date(as_of), scorer_of(model)
    chosen = [s for s in challengers(model) if only in {None, s.version}]
    if not chosen:
        asked = f"version {only} of {model} is" if only else f"{model} has"
        raise GateError(f"{asked} no challenger: newer than the champion, checks passed, undecided; see `afraz review`")
    done = []
    for standing in chosen:
        version = version_of(model, standing.digest)
        for name, scores, manifest in make_scores(version, day):
            place = shadow_place(name, model, standing.digest, as_of)
            done.append(Shadow(standing.version, place, len(scores), write_scores(scores, manifest, place)))
    return done


def compare_in_shadow(model: str, only: int | None = None) -> dict[int, Comparison]:
    """Compare each challenger with the champion on every date that both scored and whose outcomes are known.

    Only rows count that lie after the last outcome that either has learned from.

    Returns
    -------
    dict of version to Comparison

    Raises
    ------
    NotApplicable
        If a model has no outcomes, or none has matured on a date that both scored.
    """
    entry = chosen_entries([model])[model]
    must_have_outcomes(model)
    champion = resolve_champion(model)
    found, reasons = {}, []
    for standing in challengers(model):
        if only not in {None, standing.version}:
            continue
        challenger = version_of(model, standing.digest)
        try:
            mine, theirs = _matured_pair(model, challenger, champion)
        except NotApplicable as early:
            reasons.append(f"version {standing.version}: {early}")
            continue
        found[standing.version] = compare(
            model, _contender(challenger, mine), _contender(champion, theirs), bounds=entry.bounds
        )
    if not found:
        raise NotApplicable("; ".join(reasons) or f"{model} has no challenger: see `afraz review`")
    return found


def _contender(version: Champion, predictions: pd.DataFrame) -> Contender:
    none = pd.DataFrame(columns=["feature", "rank", "share"])
    return Contender(version.version, version.digest, version.folder, predictions, none)


def _matured_pair(model: str, challenger: Champion, champion: Champion) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and outcomes of both on the dates that both scored, one below the other."""
    name = JUDGED[model]
    learned = [pd.Timestamp(known) for v in (challenger, champion) if (known := learned_until(v.folder)) is not None]
    pairs, early = [], []
    for place in sorted(catalog.root().glob(f"data/shadow/as_of=*/{model}-{challenger.digest[:12]}/"
                                            f"{Path(catalog.dataset(name).path).name}")):  # fmt: skip
        as_of = place.parents[1].name.removeprefix("as_of=")
        beside = catalog.path(name, as_of=as_of)
        if not beside.exists() or read_scores(beside)[1]["model_digest"] != champion.digest:
            early.append(f"{as_of} was not scored with the present champion")
            continue
        try:
            outcomes = matured_outcomes(model, iso_date(as_of))
        except NotApplicable as reason:
            early.append(str(reason))
            continue
        outcomes = outcomes[pd.to_datetime(outcomes["as_of"]) >= max(learned, default=pd.Timestamp.min)]
        if outcomes.empty:
            early.append(f"{as_of} lies before the last outcome that a version learned from ({max(learned):%Y-%m-%d})")
            continue
        pairs.append([_with_outcomes(read_scores(p)[0], outcomes) for p in (place, beside)])
    if not pairs:
        raise NotApplicable("; ".join(early) or f"nothing was scored in shadow: `afraz shadow {model} --as-of DATE`")
    mine, theirs = (_once(pd.concat(part, ignore_index=True)) for part in zip(*pairs, strict=True))
    return mine, theirs


def _with_outcomes(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    keys = ["loan_id"] if "loan_id" in outcomes else ["customer_id", "as_of"]
    dated = [t.assign(as_of=pd.to_datetime(t["as_of"]).astype("datetime64[us]")) for t in (scores, outcomes)]
    left = dated[0].drop(columns="as_of") if keys == ["loan_id"] else dated[0]
    return left.merge(dated[1], on=keys)


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """A loan that several dates scored counts once, as it was scored last."""
    return rows.drop_duplicates("loan_id", keep="last") if "loan_id" in rows else rows
