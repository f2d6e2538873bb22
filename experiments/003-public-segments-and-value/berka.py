"""Berka: behaviour and value segments of a real bank's customers, and who moves between them from quarter to quarter.

The way is the platform's own: source, ingest, feature families, items, segment inputs, lenses, migration.
"""

import contextlib
import itertools
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from afraz import catalog
from afraz.data.ingest import ingest
from afraz.features.dictionary import phrases_of_features
from afraz.features.items import build_items
from afraz.features.segment_inputs import segment_inputs
from afraz.features.table import build_features
from afraz.models.metrics import resamples
from afraz.models.segmentation.flows import by_date, flows
from afraz.models.segmentation.history import assign_months
from afraz.models.segmentation.migration import net_movement
from afraz.models.segmentation.named import segment_names
from afraz.models.segmentation.segmentation import fit_segmentation
from afraz.models.segmentation.settings import SegmentationSettings
from afraz.params import read_yaml
from lens_report import by_seed, configured, examined, reported

Array = NDArray[np.float64]

# Ends of quarters; the last day of the excerpt, 31 March 1994, is cut off part-way and left out
DATES = (date(1993, 7, 1), date(1993, 10, 1), date(1994, 1, 1), date(1994, 3, 31))
WINDOW = 90  # days; an account that is younger has no whole window
OLDER = 180  # days; an account of that age at the earlier date was no new one in either window
SEEDS = 5
# Fixed before the first fit: windows of 90 days, because a year would count how old an account is
LENSES: dict[str, Any] = {
    # what is earned is not recorded: what is kept here stands for it
    "value": {"kind": "tiers", "lower_is_better": ["recency"], "columns": {
        "recency": "days_since_last_initiated", "frequency": "initiated_90d", "balance": "balance_estimate"}},
    "behaviour": {"kind": "clusters", "counts": ["kind"], "numbers": [
        "initiated_90d", "cash_withdrawal_share_90d", "automatic_bookings_90d"]},
}  # fmt: skip


def berka(data: Path, seed: int = 7, resampled: int = 500) -> dict[str, Any]:
    """Run all of it on the folder of the public data sets."""
    inputs = whole_windows(read_inputs(data / "berka"))
    last = inputs[inputs["as_of"] == pd.Timestamp(DATES[-1])].reset_index(drop=True)
    settings, words = configured(LENSES, seed), phrases_of_features()
    result = fit_segmentation(last, settings, phrases=words)
    named = segment_names(result.model.spec)
    segments = assign_months(result.model, inputs, ["tenure_days"])
    pipeline = read_yaml(catalog.root() / "params" / "segmentation.yaml")["lenses"]
    asked = configured({lens: pipeline[lens] for lens in LENSES}, seed)
    usual = fit_segmentation(last, asked, phrases=words)
    return {"segments": {
        "customers": {f"{day:%Y-%m-%d}": len(part) for day, part in by_date(segments)},
        "lenses": aged(reported(result, last, settings), result.assigned, last),
        "pipeline_lenses": aged(reported(usual, last, asked), usual.assigned, last),
        "other_seeds": by_seed(last, "behaviour", settings, range(seed, seed + SEEDS)),
        "older_accounts": of_older(last, result.assigned, settings),
        "profile": result.tables["profile"].to_dict("records"),
        "sizes": {lens: flows(segments, lens).to_dict("records") for lens in named},
        "quarters": quarters(segments, named, resampled, seed),
        "quarters_of_older_accounts": quarters(segments, named, resampled, seed, least_age=OLDER),
    }}  # fmt: skip


def read_inputs(folder: Path) -> pd.DataFrame:
    """Bring the published bank through ingest and features, in a workspace of its own, to what lenses look at."""
    with tempfile.TemporaryDirectory(prefix="afraz-003-") as scratch:
        shutil.copy(catalog.root() / "dvc.yaml", scratch)
        with contextlib.chdir(scratch):
            source = [{"kind": "berka", "path": str(folder)}]
            ingest(source, catalog.target("canonical"), catalog.target("rejects"), observed_until=DATES[-1])
            tables = catalog.canonical_tables()
            catalog.save("customer_features", build_features(tables, DATES))
            catalog.save("items", build_items(tables, DATES, window_days=WINDOW))
            return segment_inputs()


def whole_windows(inputs: pd.DataFrame) -> pd.DataFrame:
    """Keep who owns an account, and has had it for a whole window; who may only use one has no booking."""
    return inputs[(inputs["product:current"] > 0) & (inputs["tenure_days"] >= WINDOW)].reset_index(drop=True)


def aged(found: dict[str, Any], assigned: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    """Add to each lens the share of the variance of account age that lies between its segments."""
    age = assigned["customer_id"].map(table.set_index("customer_id")["tenure_days"])
    return {
        lens: {**values, "age_explained": float(age.groupby(assigned[lens]).transform("mean").var() / age.var())}
        if values["segments"] else values
        for lens, values in found.items()
    }  # fmt: skip


def of_older(last: pd.DataFrame, assigned: pd.DataFrame, settings: SegmentationSettings) -> dict[str, Any]:
    """Look for groups of behaviour among older accounts alone: is what was found more than how young an account is?"""
    older = last[last["tenure_days"] >= OLDER].reset_index(drop=True)
    found = examined(older, "behaviour", settings)
    if found["segments"]:
        own = fit_segmentation(older, settings).assigned.set_index("customer_id")["behaviour"]
        found["agreement"] = float(adjusted_rand_score(assigned.set_index("customer_id")["behaviour"][own.index], own))
    return {"customers": len(older), **found}


def quarters(
    segments: pd.DataFrame, named: dict[str, dict[str, str]], resampled: int, seed: int, least_age: int = 0
) -> list[dict[str, Any]]:
    """Say for each date and the next who moved: shares with 90 % intervals over customers, and net movements.

    Parameters
    ----------
    segments : DataFrame
        From :func:`afraz.models.segmentation.history.assign_months`, with ``tenure_days``.
    least_age : int
        Only accounts of that age at the earlier date, in days.

    Returns
    -------
    list of dict
        One per pair of dates: ``customers`` there at both, ``moved`` (lens → share, low, high) and ``net``, the
        movements that are flagged; none where fewer than a hundred customers are left.
    """
    dates = [(day, part.set_index("customer_id")) for day, part in by_date(segments)]
    found = []
    for (day, before), (later, after) in itertools.pairwise(dates):
        both = before.index[before["tenure_days"] >= least_age].intersection(after.index)
        if len(both) < 100:
            continue
        one, two = before.loc[both, list(named)], after.loc[both, list(named)]
        drawn = resamples(np.arange(len(both)), np.random.default_rng(seed), resampled)
        tests = net_movement(one, two)
        found.append({
            "from": f"{day:%Y-%m-%d}", "to": f"{later:%Y-%m-%d}", "customers": len(both), "tests": len(tests),
            "moved": {lens: spread((one[lens] != two[lens]).to_numpy(float), drawn) for lens in named},
            "net": [
                {**row, "name": named[row["lens"]][row["segment"]]}
                for row in tests[tests["significant"]].drop(columns=["p", "significant"]).to_dict("records")
            ],
        })  # fmt: skip
    return found


def spread(moved: Array, drawn: Array) -> dict[str, float]:
    low, high = np.quantile(drawn @ moved / len(moved), [0.05, 0.95])
    return {"share": float(moved.mean()), "low": float(low), "high": float(high)}
