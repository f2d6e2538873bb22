"""What campaigns did: canonical tables in, effects, verdicts and the counts for two pages out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ... import catalog
from ...errors import NotApplicable
from .assignments import campaign_facts, screened
from .cells import COLUMNS as CELLS
from .cells import cells
from .cuts import LENS, cuts_of
from .effects import Costs, weekly_effects
from .operations import counts, fold_small, running
from .sequential import SequentialTest
from .verdicts import verdicts

NAME = "_name"  # beside the segment of a lens stands its name


@dataclass(frozen=True)
class Inputs:
    """Treatments with what is known of their customers, and campaigns."""

    treatments: pd.DataFrame
    campaigns: pd.DataFrame


@dataclass(frozen=True)
class Findings:
    """Tables (see :func:`find_effects`) and a summary in plain values."""

    tables: dict[str, pd.DataFrame]
    summary: dict[str, Any]


def feedback_inputs() -> Inputs:
    """Load treatments and campaigns, with branch and region of the customers and their segments at the assignment.

    Branch and region are those of today: the source overwrites them.

    Raises
    ------
    NotApplicable
        If the source has no treatments or no campaigns.
    """
    for name in ("treatments", "campaigns"):
        if not catalog.path(name).exists() or not len(catalog.scan(name).limit(1).to_pandas()):
            raise NotApplicable(f"there is no table of {name} in this source: map it in params/ingest.yaml")
    treatments = catalog.scan("treatments").to_pandas()
    customers = catalog.scan("customers").select("customer_id", "branch_id", "region_id").to_pandas()
    treatments = treatments.merge(customers, on="customer_id", how="left", validate="many_to_one")
    if catalog.path("segments").exists():
        found = catalog.scan("segments")
        names = [c for c in found.columns if c.endswith(NAME) and c.removesuffix(NAME) in found.columns]
        treatments = with_segments(treatments, found.select("customer_id", "as_of", *names).to_pandas())
    return Inputs(treatments, catalog.scan("campaigns").to_pandas())


def with_segments(treatments: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Add the segment of every lens as of the last date that is not after the assignment, as ``segment_<lens>``.

    Parameters
    ----------
    segments : DataFrame
        ``customer_id, as_of`` and, for every lens, ``<lens>_name``.

    Examples
    --------
    >>> treatments = pd.DataFrame({"customer_id": ["a", "a"],
    ...                            "assigned_at": pd.to_datetime(["2026-01-31 09:00", "2026-02-01 09:00"])})
    >>> segments = pd.DataFrame({"customer_id": "a", "as_of": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    ...                          "value_name": ["low", "high"]})
    >>> with_segments(treatments, segments)["segment_value"].tolist()
    ['low', 'high']
    """
    lenses = [c for c in segments.columns if c.endswith(NAME)]
    known = segments[["customer_id", "as_of", *lenses]].astype({"as_of": "datetime64[us]"}).sort_values("as_of")
    known = known.rename(columns={c: LENS + c.removesuffix(NAME) for c in lenses})
    dated = treatments.sort_values("assigned_at", kind="stable")
    out = pd.merge_asof(dated, known, left_on="assigned_at", right_on="as_of", by="customer_id").drop(columns="as_of")
    return out.set_index(dated.index).loc[treatments.index]


def find_effects(
    inputs: Inputs, *, as_of: str, test: SequentialTest, costs: Costs, worthwhile: float, cell_test: SequentialTest,
    cell_lens: str, cell_by: Sequence[str], smallest_cell: int, window_days: int,
) -> Findings:  # fmt: skip
    """Estimate, judge and sum up.

    Returns
    -------
    Findings
        Tables ``campaigns`` (facts), ``effects`` (every look), ``verdicts``, ``cells``, ``rejects``; see
        :mod:`.assignments`, :mod:`.effects`, :mod:`.verdicts`, :mod:`.cells`.
    """
    now = pd.Timestamp(as_of)
    rows, rejects = screened(inputs.treatments, inputs.campaigns)
    facts = campaign_facts(rows, rejects, inputs.campaigns, now, window_days)
    effects = weekly_effects(rows, facts, cuts_of(rows), as_of=now, test=test, costs=costs)
    judged = verdicts(effects, worthwhile=worthwhile, level=test.level)
    lens = LENS + cell_lens if LENS + cell_lens in rows else None
    found, small = [], {}
    for person in (None, *(c for c in cell_by if c in rows and rows[c].notna().any())):
        if lens is None and person is None:
            continue
        table, few = cells(rows, facts, segment=lens, person=person, as_of=now, test=cell_test, smallest=smallest_cell)
        found.append(table.assign(by=person or "segment"))
        small[person or "segment"] = few
    all_cells = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[*CELLS, "by"])
    tables = {"campaigns": facts, "effects": effects, "verdicts": judged, "cells": all_cells, "rejects": rejects}
    return Findings(tables, _summary(tables, small, len(inputs.treatments)))


def _summary(tables: dict[str, pd.DataFrame], small: dict[str, int], read: int) -> dict[str, Any]:
    facts, judged, rejects = tables["campaigns"], tables["verdicts"], tables["rejects"]
    own = judged[judged["cut"] == "campaign"]
    by_verdict = {cut: rows["verdict"].value_counts().to_dict() for cut, rows in judged.groupby("cut")}
    without = facts[facts["no_estimate"].notna()]
    numbers = own.set_index("part")[["effect", "low", "high", "net"]].replace([np.inf, -np.inf], np.nan)
    return {
        "rows": {"read": read, "accepted": read - len(rejects), "rejected": len(rejects)},
        "rejects": rejects["rule"].value_counts().to_dict(),
        "campaigns": len(facts),
        "without_estimate": dict(zip(without["campaign_id"], without["no_estimate"], strict=True)),
        "verdicts": by_verdict,
        "effects": {part: {k: v for k, v in row.items() if not pd.isna(v)}
                    for part, row in numbers.to_dict("index").items()},
        "cells": {by: {"judged": int((tables["cells"]["by"] == by).sum()), "too_small": few,
                       "discoveries": int(tables["cells"].loc[tables["cells"]["by"] == by, "discovery"].sum())}
                  for by, few in small.items()},
    }  # fmt: skip


@dataclass(frozen=True)
class Week:
    """What the operations page shows: counts by campaign, channel and branch, and whether any of them was running."""

    campaigns: pd.DataFrame
    channels: pd.DataFrame
    branches: pd.DataFrame
    current: bool


def week_of(inputs: Inputs, facts: pd.DataFrame, *, as_of: str, days: int, smallest: int) -> Week:
    """Count the campaigns of the ``days`` before ``as_of``, every row of theirs, also those that no effect can use.

    A campaign that states no channel goes through several, or nobody said which.
    """
    now = pd.Timestamp(as_of)
    names, current = running(facts, now, days)
    rows = inputs.treatments[inputs.treatments["campaign_id"].isin(names)]
    named = inputs.campaigns[["campaign_id", "name", "channel"]].fillna({"name": "", "channel": "several or unknown"})
    rows = rows.merge(named, on="campaign_id")
    by = (["campaign_id", "name", "channel"], ["channel"], ["branch_id"])
    campaigns, channels, branches = (counts(rows.dropna(subset=b), b, now, days) for b in by)
    return Week(campaigns, channels, fold_small(branches, "branch_id", smallest), current)
