"""How good are the probabilities of leaving and of default, and are planted groups found? Beside their oracles."""

import json
import shutil
from collections.abc import Sequence
from contextlib import chdir
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
from intervals import mean_of

from afraz.catalog import root
from afraz.data.ingest import ingest
from afraz.data.simulator.bank import simulate
from afraz.features.applications import applicants, build_applications
from afraz.features.credit_scorable import running_loans
from afraz.features.snapshots import snapshot_dates
from afraz.features.table import build_features
from afraz.governance.entries import chosen_entries
from afraz.governance.evidence import judge_all
from afraz.models.artifact import Artifact, load_artifact
from afraz.models.churn import ChurnSettings, fit_churn
from afraz.models.credit.fit import CreditSettings, fit_credit
from afraz.models.metrics import measure
from afraz.models.oracle import LATENT, against_truth, book_against_truth, groups_found
from afraz.params import load_params
from afraz.pipeline.workspace import make_workspace, run_there
from afraz.scoring.credit import score_book

STAGES = ("simulate", "ingest", "features", "applications", "churn", "credit", "segmentation")


def oracles(scratch: Path, customers: int, seed: int, today: date, n_trials: int) -> tuple[Artifact, Artifact]:
    """Fit the pipeline's own learners to the true probabilities of a larger bank: of leaving, and of default.

    True probabilities need no later data, so two dates of every customer are enough, and a third for its own test.
    """
    simulate(scratch / "source", scratch / "truth", customers=customers, seed=seed, end=today)
    source = [{"kind": "demo", "path": str(scratch / "source")}]
    ingest(source, scratch / "canonical", scratch / "rejects", observed_until=today)
    tables = {p.stem: ibis.read_parquet(p) for p in sorted((scratch / "canonical").glob("*.parquet"))}
    dates = [snapshot_dates(today, 13)[i] for i in (2, 7, 12)]
    truth = pd.read_parquet(
        scratch / "truth" / "churn.parquet", columns=["customer_id", "as_of", "at_risk", "leave_90"]
    )
    truth["as_of"] = pd.to_datetime(truth["as_of"])
    truth = truth[truth["at_risk"] & truth["as_of"].isin(pd.to_datetime(dates))].drop(columns="at_risk")
    parts = []
    for day in dates:  # one date at a time: memory
        features = build_features(tables, [day]).to_pandas()
        features["as_of"] = pd.to_datetime(features["as_of"])
        parts.append(features.merge(truth, on=["customer_id", "as_of"]))
    large = pd.concat(parts, ignore_index=True)
    families = load_params("applications", root())["families"]
    stated = load_params("credit", root())
    asked = build_applications(applicants(tables), families).to_pandas()
    asked["as_of"] = pd.to_datetime(asked["as_of"])
    likely = pd.read_parquet(scratch / "truth" / "credit.parquet", columns=["loan_id", "default_probability"])
    asked = asked[asked["as_of"] >= pd.Timestamp(today) - pd.DateOffset(months=24)].merge(likely, on="loan_id")
    shutil.rmtree(scratch / "source")
    shutil.rmtree(scratch / "canonical")
    soft = ChurnSettings(
        label="leave_90", soft_label=True, test_dates=1, outcome_days=1, n_trials=n_trials,
        leak_features=0, seed=seed, folds=4,
    )  # fmt: skip
    soft_credit = CreditSettings(
        label="default_probability", soft_label=True, candidates=stated["candidates"], forbid=stated["forbid"],
        max_variables=60, n_trials=n_trials, leak_features=0, seed=seed, folds=4, bootstrap=20, refit=False,
    )  # fmt: skip
    return fit_churn(large, soft).model, fit_credit(asked, soft_credit).model


def measured(
    scratch: Path, seed: int, customers: int, today: date, best: tuple[Artifact, Artifact]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Run the main job on a bank and hold against the truth: leaving, default, and segments."""
    bank = make_workspace(scratch / f"bank-{seed}", {"common": {"seed": seed}, "simulate": {"customers": customers}})
    run_there(bank, *STAGES)
    with chdir(bank):
        gates = {gate.model: gate for gate in judge_all(chosen_entries(["churn", "credit"]))}
    found = (
        {"seed": seed, **_churn(bank, today, best[0]), "failed_checks": ", ".join(gates["churn"].failures)},
        {"seed": seed, **_credit(bank, today, best[1]), "failed_checks": ", ".join(gates["credit"].failures)},
        {"seed": seed, **_groups(bank, today)},
    )
    shutil.rmtree(bank)
    return found


def _churn(bank: Path, today: date, oracle: Artifact) -> dict[str, Any]:
    features = pd.read_parquet(bank / "data/features/customer_features.parquet")
    features = features[pd.to_datetime(features["as_of"]) == pd.Timestamp(today)]
    known = pd.read_parquet(bank / "data/truth/churn.parquet")
    known = known[(pd.to_datetime(known["as_of"]) == pd.Timestamp(today)) & known["at_risk"]]
    both = features.drop(columns="as_of").merge(known[["customer_id", "leave_90"]], on="customer_id")
    p = both["leave_90"].to_numpy()
    ours = load_artifact(bank / "experiments/runs/churn/model").predict(both)["leave_90"].to_numpy()
    best = oracle.predict(both).iloc[:, 0].to_numpy()
    gini = {
        name: measure(p, s, ("gini",))["gini"] for name, s in {"ours": ours, "latent": p, "observable": best}.items()
    }
    return {**gini, "observed_over_expected": p.sum() / ours.sum()}


def _credit(bank: Path, today: date, oracle: Artifact) -> dict[str, Any]:
    """Judge applications of the last year; those that the model has learned from by what it says without their fold."""
    runs, both = bank / "experiments/runs/credit", ["loan_id", "default_probability"]
    said = pd.read_parquet(runs / "applicants.parquet", columns=both)
    young = pd.read_parquet(bank / "data/applications/features.parquet")
    young = young[pd.to_datetime(young["as_of"]) >= pd.Timestamp(today) - pd.DateOffset(months=12)]
    truth = pd.read_parquet(bank / "data/truth/credit.parquet", columns=both)
    young = young.merge(truth, on="loan_id")
    p = young.pop("default_probability").to_numpy()
    found = against_truth(p, young[["loan_id"]].merge(said, how="left")["default_probability"].to_numpy())
    best = measure(p, oracle.predict(young)["default_probability"].to_numpy(), ("gini",))["gini"]
    with chdir(bank):
        book, manifest = score_book(Path("experiments/runs/credit/model"), running_loans(today), as_of=today)
    performing = manifest["portfolio"]["performing"]
    true_book = pd.read_parquet(bank / "data/truth/book.parquet")
    loss = book_against_truth(book, true_book, performing["low"], performing["high"])
    measures = json.loads((bank / "experiments/metrics/credit.json").read_text())
    return {
        "ours": found["gini"], "latent": found["latent_oracle_gini"], "observable": best,
        "calibration_slope": found["calibration_slope"], "chosen": measures["candidates"]["chosen"],
        "outcome_slope_low": measures["test"]["calibration_slope"]["low"],
        "outcome_slope_high": measures["test"]["calibration_slope"]["high"],
        "observed_over_expected": found["observed_over_expected"], **loss,
    }  # fmt: skip


def _groups(bank: Path, today: date) -> dict[str, float]:
    segments = pd.read_parquet(bank / "data/segments/segments.parquet")
    now = segments[pd.to_datetime(segments["as_of"]) == pd.Timestamp(today)]
    return groups_found(now, pd.read_parquet(bank / "data/truth/groups.parquet"))


def groups_summed_up(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Agreement with planted groups, in terms of what the true latent features give: mean over the banks."""
    table = pd.DataFrame(rows)
    shares = [mean_of(f"{lens}_share", table[f"{lens}_share"]) for lens in LATENT]
    return {**{name: value for share in shares for name, value in share.items()}, "by_bank": list(rows)}


def summed_up(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares of the oracles' Gini: mean over the banks, with the t interval of that mean."""
    table = pd.DataFrame(rows)
    return {
        **mean_of("share_of_latent", table["ours"] / table["latent"]),
        **mean_of("share_of_observable", table["ours"] / table["observable"]),
        "by_bank": list(rows),
    }
