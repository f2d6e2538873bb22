"""Patterns of contact: who calls, how often, about what and how, in groups that the data bear out; and who moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import NotApplicable
from ..artifact import Artifact
from ..segmentation.flows import flows, migration_matrix
from ..segmentation.migration import net_movement
from ..segmentation.segmentation import fit_segmentation
from ..segmentation.settings import SegmentationSettings

LENS = "contacts"
SILENT = "silent"
NUMBERS = ("contacts_year", "unresolved_365d", "repeats_year", "mean_duration_365d", "digital_share_90d")
BLOCKS = ("topic", "channel")
PHRASES = {
    "contacts_year": ("seldom in contact", "often in contact"),
    "unresolved_365d": ("matters settled", "matters left open"),
    "repeats_year": ("no repeat", "comes back with the same matter"),
    "mean_duration_365d": ("brief contacts", "long contacts"),
    "digital_share_90d": ("served by people", "serves itself"),
}
OFTEN = 4  # a year, where groups are told by rules: one matter a quarter
LEAST = 400  # customers with a contact, for groups to be told from chance


@dataclass(frozen=True)
class Patterns:
    """How customers are grouped: by a model of those in contact, or by rules where no groups are found.

    Attributes
    ----------
    model : Artifact, optional
        None: rules.
    names : dict
        Pattern → what sets it apart.
    reason : str
        Why the groups are what they are.
    evidence : DataFrame
        What was tried, with its measures against tables without groups.
    """

    model: Artifact | None
    names: dict[str, str]
    reason: str
    evidence: pd.DataFrame

    def assign(self, rows: pd.DataFrame) -> pd.Series:
        """Give the pattern of customers at a date (rows of :func:`.cohorts.cohort_table` with items)."""
        out = pd.Series(SILENT, index=rows.index, dtype="str")
        calls = rows["contacts_year"] > 0
        if not calls.any():
            return out
        mine = rows[calls]
        if self.model is None:
            open_matters = mine["unresolved_365d"].fillna(0) > 0 if "unresolved_365d" in mine else False
            found = np.select([mine["contacts_year"] >= OFTEN, open_matters], ["frequent", "unsettled"], "occasional")
            out[calls] = found
        else:
            out[calls] = self.model.predict(_inputs(mine, self.model))[LENS].astype(str).to_numpy()
        return out


def _inputs(rows: pd.DataFrame, model: Artifact) -> pd.DataFrame:
    needed = [feature["name"] for feature in model.spec["features"]]
    return rows.reindex(columns=needed).reset_index(drop=True)


def fit_patterns(rows: pd.DataFrame, settings: dict[str, Any], *, seed: int = 7) -> Patterns:
    """Look for groups among the customers who were in contact in the last year; the others are silent.

    Parameters
    ----------
    rows : DataFrame
        Customers of one date: ``customer_id``, ``NUMBERS`` as far as there are, and items (``topic:…, channel:…``).
    settings : dict
        Of :class:`afraz.models.segmentation.settings.SegmentationSettings`: when groups count as real.

    Returns
    -------
    Patterns
        Rules (occasional, unsettled, frequent) where too few are in contact or no groups stand out from chance.
    """
    mine = rows[rows["contacts_year"] > 0].reset_index(drop=True)
    if len(mine) < LEAST:
        return _by_rules(f"{len(mine)} customers were in contact, {LEAST} are needed to tell groups from chance")
    numbers = [n for n in NUMBERS if n in mine and mine[n].nunique(dropna=True) > 1]
    blocks = [b for b in BLOCKS if sum(c.startswith(f"{b}:") and mine[c].sum() > 0 for c in mine.columns) > 1]
    lens = {"kind": "clusters", "numbers": numbers, "counts": blocks}
    asked = SegmentationSettings(lenses={LENS: lens}, as_of=None, seed=seed, **settings)
    try:
        found = fit_segmentation(mine, asked, phrases=_phrases(mine))
    except NotApplicable as none:
        return _by_rules(str(none))
    segments = found.model.spec["lenses"][0]["segments"]
    names = {segment["id"]: segment["name"] for segment in segments}
    reason = f"{len(names)} groups, stable on resamples ({found.metrics['lenses'][LENS]['stability']:.2f})"
    return Patterns(found.model, {SILENT: "no contact in a year", **names}, reason, found.tables["evidence"])


def _phrases(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    items = {c: c.split(":", 1)[1].replace("_", " ") for c in rows.columns if c.startswith(("topic:", "channel:"))}
    by = {c: ("by" if c.startswith("channel:") else "about") for c in items}
    return {**PHRASES, **{c: (f"not {by[c]} {item}", f"{by[c]} {item}") for c, item in items.items()}}


def _by_rules(reason: str) -> Patterns:
    names = {
        SILENT: "no contact in a year", "occasional": f"fewer than {OFTEN} contacts, all settled",
        "unsettled": f"fewer than {OFTEN} contacts, one not settled", "frequent": f"{OFTEN} contacts and more",
    }  # fmt: skip
    return Patterns(None, names, f"by rules: {reason}", pd.DataFrame({"lens": []}))


def migration(assigned: pd.DataFrame, names: dict[str, str]) -> dict[str, pd.DataFrame]:
    """Follow patterns from date to date.

    Parameters
    ----------
    assigned : DataFrame
        ``customer_id, as_of, pattern``.

    Returns
    -------
    dict
        ``pattern_flows`` (each date and pattern), ``pattern_moves`` (the matrix of the last step) and ``pattern_net``
        (is the net movement of the last step more than chance); nothing with one date only.
    """
    dates = sorted(assigned["as_of"].unique())
    if len(dates) < 2:
        return {}
    before, after = (assigned[assigned["as_of"] == day].set_index("customer_id")["pattern"] for day in dates[-2:])
    flow = flows(assigned, "pattern")
    matrix = migration_matrix(before, after).reset_index()
    net = net_movement(before.to_frame(), after.to_frame()).drop(columns="lens")
    spelled = {"segment": lambda t: t["segment"], "name": lambda t: t["segment"].map(names)}
    return {"pattern_flows": flow.assign(**spelled), "pattern_moves": matrix, "pattern_net": net.assign(**spelled)}


def pattern_profile(rows: pd.DataFrame, names: dict[str, str], extra: Sequence[str] = ()) -> pd.DataFrame:
    """Describe each pattern: size, contacts, matters left open, repeats, self-service, main topic and channel.

    Parameters
    ----------
    rows : DataFrame
        Customers of one date with ``pattern`` and items; ``extra`` columns are averaged, too.
    """
    told = []
    blocks = {b: [c for c in rows.columns if c.startswith(f"{b}:")] for b in BLOCKS}
    for pattern, part in rows.groupby("pattern"):
        row: dict[str, Any] = {
            "pattern": pattern, "name": names.get(str(pattern), ""), "customers": len(part),
            "share": len(part) / len(rows), "contacts_year": part["contacts_year"].mean(),
            "share_of_contacts": part["contacts_year"].sum() / max(rows["contacts_year"].sum(), 1),
        }  # fmt: skip
        for name in ("unresolved_365d", "repeats_year", "digital_share_90d", *extra):
            row[name] = part[name].mean() if name in part else np.nan
        for block, columns in blocks.items():
            summed = part[columns].sum()
            row[f"main_{block}"] = str(summed.idxmax()).split(":", 1)[1] if len(columns) and summed.sum() else ""
        told.append(row)
    return pd.DataFrame(told).sort_values("share_of_contacts", ascending=False, kind="stable", ignore_index=True)
