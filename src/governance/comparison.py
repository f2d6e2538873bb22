"""A challenger beside the champion, on the same later rows that neither learned from.

Compared are the predictions that both runs saved of their test parts, made by models of training rows only. Where the
champion's do not reach the challenger's rows, its model folder may score them, if they lie after the last outcome that
it learned from. Differences have intervals by paired bootstrap of customers: both are measured on the same resamples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import ArtifactError
from ..models.artifact import folder_digest, learned_until, load_artifact
from .comparison_measures import KINDS, LOWER_IS_BETTER, Kind

LEAST_ROWS = 500
REASONS = 15
CUTS = (0.05, 0.1, 0.2, 0.3)

MEASURES = ["measure", "champion", "challenger", "difference", "low", "high", "margin"]
MIGRATION = ["champion_decile", "challenger_decile", "customers"]
SIDES = ["top_share", "stay", "enter", "leave", "stay_rate", "enter_rate", "leave_rate"]
RANKS = ["feature", "champion_rank", "challenger_rank", "champion_share", "challenger_share"]


@dataclass(frozen=True)
class Contender:
    """A version with what its run saved.

    Attributes
    ----------
    folder : Path
        The model folder.
    predictions : DataFrame
        Of the test part of its own run, by a model that had not learned from it; for a segmentation the sample of its
        run, whose inputs both versions assign.
    reasons : DataFrame
        ``feature, rank, share``; empty where the stage explained nothing.
    """

    version: int
    digest: str
    folder: Path
    predictions: pd.DataFrame
    reasons: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """What sets two versions apart.

    Attributes
    ----------
    rows, customers : int
        In common; 0 where nothing could be compared, and ``note`` says why.
    measures : DataFrame
        ``measure, champion, challenger, difference`` (challenger − champion) with ``low, high``, ``margin`` (NaN: not
        judged).
    migration : DataFrame
        ``champion_decile, challenger_decile, customers``: 1 has the highest scores. Of a segmentation, segments.
    sides : DataFrame
        For each ``top_share`` of the list how many ``stay`` in it, ``enter`` and ``leave``, and each group's outcome.
    reasons : DataFrame
        ``feature, champion_rank, challenger_rank, champion_share, challenger_share``.
    note : str
        On what rows, and what it cannot say.
    """

    champion_version: int
    champion_digest: str
    rows: int
    customers: int
    measures: pd.DataFrame
    migration: pd.DataFrame
    sides: pd.DataFrame
    reasons: pd.DataFrame
    note: str

    def judged(self) -> pd.DataFrame:
        """Give the measures that have a margin; ``worst`` is the worse end of the interval, below 0 if worse."""
        judged = self.measures[self.measures["margin"].notna()]
        lower = judged["measure"].isin(LOWER_IS_BETTER)
        return judged.assign(worst=np.where(lower, -judged["high"].astype(float), judged["low"].astype(float)))


def read_contender(model: str, version: int, run: Path, folder: Path | None = None) -> Contender:
    """Collect what is compared from a run folder, as a stage writes it or as MLflow keeps it.

    Parameters
    ----------
    run : Path
        ``experiments/runs/<model>``.
    folder : Path, optional
        The model folder; default: the run's own.
    """
    run, folder = Path(run), Path(folder or Path(run) / "model")
    saved, told = run / f"{KINDS[model].saved}.parquet", run / "explanation" / "summary.csv"
    return Contender(
        version, folder_digest(folder), folder,
        pd.read_parquet(saved) if saved.exists() else pd.DataFrame(),
        pd.read_csv(told) if told.exists() else pd.DataFrame(columns=["feature", "rank", "share"]),
    )  # fmt: skip


def compare(
    model: str,
    challenger: Contender,
    champion: Contender,
    *,
    bounds: Mapping[str, float] | None = None,
    features: pd.DataFrame | None = None,
    n: int = 200,
    seed: int = 0,
) -> Comparison:
    """Compare two versions of a model on the rows that both may be measured on.

    Parameters
    ----------
    model : str
        churn, credit, value, promotion or segmentation.
    bounds : mapping, optional
        ``margin_<measure>``: by how much the challenger may be worse.
    features : DataFrame, optional
        Key and inputs of the challenger's rows, so that the champion can score those that lie after its last outcome.
    n : resamples of customers

    Returns
    -------
    Comparison
        Without measures where the two have too few rows in common.
    """
    kind, bounds = KINDS[model], bounds or {}
    reasons = changed_reasons(champion.reasons, challenger.reasons)
    both, note = _assigned(challenger, champion) if kind.assigns else _common(kind, challenger, champion, features)
    short = _too_few(kind, both)
    if short:
        measures, migration, moved = (pd.DataFrame(columns=columns) for columns in (MEASURES, MIGRATION, SIDES))
        said = f"{short}. {note}".strip()
        return Comparison(champion.version, champion.digest, 0, 0, measures, migration, moved, reasons, said)
    customers = pd.factorize(both[kind.customer])[0].astype(np.int64) if kind.customer in both else np.arange(len(both))
    measures = kind.measure(both, customers, n, seed)
    measures["margin"] = [bounds.get(f"margin_{name}", np.nan) for name in measures["measure"]]
    return Comparison(
        champion.version, champion.digest, len(both), len(np.unique(customers)), measures[MEASURES],
        kind.migration(both), sides(kind, both), reasons, f"{note} {kind.note}".strip(),
    )  # fmt: skip


def _common(
    kind: Kind, challenger: Contender, champion: Contender, features: pd.DataFrame | None
) -> tuple[pd.DataFrame, str]:
    """Join both test predictions on their key; rows that only the challenger has are scored where that is honest."""
    new, old, keys = _dated(challenger.predictions), _dated(champion.predictions), list(kind.key)
    for name, part in (("challenger", new), ("champion", old)):
        absent = [c for c in (*keys, *kind.needed, kind.score(part)) if c not in part]
        if absent:
            return pd.DataFrame(), f"The {name}'s run saved no {', '.join(absent)} of its test rows."
    mine = new.assign(challenger=new[kind.score(new)])
    theirs = old[keys].assign(champion=old[kind.score(old)])
    both = mine.merge(theirs, on=keys, how="left", validate="one_to_one")
    own = int(both["champion"].notna().sum())
    note = f"{own:,} of the challenger's {len(new):,} test rows are test rows of the champion's run, too."
    scored = _scored(kind, both[both["champion"].isna()], champion, features)
    both.loc[scored.index, "champion"] = scored
    if len(scored):
        note += f" The champion's model scored {len(scored):,} more, which lie after the last outcome it learned from."
    return both[both["champion"].notna()].reset_index(drop=True), note


def _scored(kind: Kind, rows: pd.DataFrame, champion: Contender, features: pd.DataFrame | None) -> pd.Series:
    """Score rows with the champion's folder, if they lie after its last outcome and their inputs are at hand."""
    until = learned_until(champion.folder) if len(rows) and features is not None else None
    if until is None or features is None or "as_of" not in rows:
        return pd.Series(dtype=float)
    later = rows[rows["as_of"] >= until]
    known = later[list(kind.key)].reset_index().merge(_dated(features), on=list(kind.key)).set_index("index")
    if known.empty:
        return pd.Series(dtype=float)
    try:
        predicted = load_artifact(champion.folder).predict(known)
    except ArtifactError:  # an input that the champion needs is not made any more
        return pd.Series(dtype=float)
    return predicted[kind.score(predicted)]


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(as_of=pd.to_datetime(rows["as_of"]).astype("datetime64[us]")) if "as_of" in rows else rows


def _assigned(challenger: Contender, champion: Contender) -> tuple[pd.DataFrame, str]:
    """Let both segmentations assign the customers of the challenger's sample."""
    rows = challenger.predictions
    if rows.empty:
        return rows, "The challenger's run saved no sample."
    try:
        one, other = (load_artifact(each.folder) for each in (challenger, champion))
        new, old = one.predict(rows), other.predict(rows)
    except ArtifactError as refused:
        return pd.DataFrame(), f"The two do not assign the same rows: {' '.join(str(refused).split())}"
    lenses = [name for name in new if f"{name}_confidence" in new and name in old]
    named = {f"challenger {name}": new[name] for name in lenses} | {f"champion {name}": old[name] for name in lenses}
    return pd.DataFrame(named), f"{len(rows):,} customers of the challenger's sample, assigned by both."


def _too_few(kind: Kind, both: pd.DataFrame) -> str:
    least = 100 if kind.assigns else LEAST_ROWS
    if len(both) < least:
        return f"Too few common rows to compare: {len(both):,}, at least {least:,} are needed"
    return kind.short(both)


def sides(kind: Kind, both: pd.DataFrame) -> pd.DataFrame:
    """Say who changes sides when the list of the champion is replaced by that of the challenger, at several lengths.

    Returns
    -------
    DataFrame
        ``stay, enter, leave`` count rows; ``*_rate`` is what came of each group (missing where nobody is in it).
    """
    rows = []
    if kind.outcome is None:
        return pd.DataFrame(columns=SIDES)
    for share in CUTS:
        size = max(1, round(share * len(both)))
        new, old = (
            both[name].rank(ascending=False, method="first").to_numpy() <= size for name in ("challenger", "champion")
        )
        groups = {"stay": new & old, "enter": new & ~old, "leave": old & ~new}
        rates = {f"{name}_rate": kind.outcome(both[inside]) if inside.any() else np.nan
                 for name, inside in groups.items()}  # fmt: skip
        rows.append({"top_share": share, **{name: int(inside.sum()) for name, inside in groups.items()}, **rates})
    return pd.DataFrame(rows, columns=SIDES)


def changed_reasons(champion: pd.DataFrame, challenger: pd.DataFrame) -> pd.DataFrame:
    """Set the strongest features of both side by side; a rank is missing where a version does not know the feature.

    Examples
    --------
    >>> old = pd.DataFrame({"feature": ["spend", "visits"], "rank": [1, 2], "share": [0.7, 0.3]})
    >>> new = pd.DataFrame({"feature": ["visits", "age"], "rank": [1, 2], "share": [0.6, 0.4]})
    >>> changed_reasons(old, new)
      feature  champion_rank  challenger_rank  champion_share  challenger_share
    0  visits            2.0              1.0             0.3               0.6
    1     age            NaN              2.0             NaN               0.4
    2   spend            1.0              NaN             0.7               NaN
    """
    parts = [
        part.set_index("feature")[["rank", "share"]].astype(float).add_prefix(f"{who}_")
        for who, part in (("champion", champion), ("challenger", challenger))
    ]
    whole = parts[0].join(parts[1], how="outer")
    best = whole[["champion_rank", "challenger_rank"]].min(axis=1) <= REASONS
    shown = whole[best].rename_axis("feature").reset_index()
    return shown.sort_values(["challenger_rank", "champion_rank", "feature"], ignore_index=True)[RANKS]
