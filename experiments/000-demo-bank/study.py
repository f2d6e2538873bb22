# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 000: how much of what can be known do the churn and the credit model find?
# Several simulated banks, each through the same stages as `make demo`. Two oracles: the *latent* one ranks by the true
# probability; the *observable* one is the same learner on the same features, fitted to the true probabilities of a bank
# ten times as large, so it shows what these features hold when neither rows nor luck are short.

# %% tags=["parameters"]
seeds: list = [11, 12, 13]
customers: int = 10000
larger: int = 10
oracle_seed: int = 99
as_of: str = "2026-07-01"
n_trials: int = 10

# %%
import json
import os
import shutil
import tempfile
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from afraz.catalog import root, to_json
from afraz.data.ingest import ingest
from afraz.data.simulator.bank import simulate
from afraz.features.applications import applicants, build_applications
from afraz.features.credit_scorable import running_loans
from afraz.features.snapshots import snapshot_dates
from afraz.features.table import build_features
from afraz.models.artifact import load_artifact
from afraz.models.churn import ChurnSettings, fit_churn
from afraz.models.credit.fit import CreditSettings, fit_credit
from afraz.models.metrics import measure
from afraz.models.oracle import against_truth, book_against_truth
from afraz.params import load_params
from afraz.pipeline.workspace import make_workspace, run_there
from afraz.scoring.credit import score_book

# %%
scratch = Path(tempfile.mkdtemp(prefix="afraz-000-"))
today = date.fromisoformat(as_of)
# %% [markdown]
# ## The observable oracle
# The larger bank goes through simulator, ingest and features; true probabilities need no later data, so two dates of
# every customer are enough, and a third for its own test. The learner is the pipeline's own, with soft labels.
# %%
simulate(scratch / "source", scratch / "truth", customers=customers * larger, seed=oracle_seed, end=today)
source = [{"kind": "demo", "path": str(scratch / "source")}]
ingest(source, scratch / "canonical", scratch / "rejects", observed_until=today)
# %%
tables = {p.stem: ibis.read_parquet(p) for p in sorted((scratch / "canonical").glob("*.parquet"))}
dates = [snapshot_dates(today, 13)[i] for i in (2, 7, 12)]
truth = pd.read_parquet(scratch / "truth" / "churn.parquet", columns=["customer_id", "as_of", "at_risk", "leave_90"])
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
large.shape, asked.shape
# %%
soft = ChurnSettings(
    label="leave_90", soft_label=True, test_dates=1, outcome_days=1, n_trials=n_trials,
    leak_features=0, seed=oracle_seed, folds=4,
)  # fmt: skip
oracle = fit_churn(large, soft)
oracle.metrics["tuning"]
# %%
soft_credit = CreditSettings(
    label="default_probability", soft_label=True, candidates=stated["candidates"], forbid=stated["forbid"],
    max_variables=60, n_trials=n_trials, leak_features=0, seed=oracle_seed, folds=4, bootstrap=20, refit=False,
)  # fmt: skip
credit_oracle = fit_credit(asked, soft_credit)
credit_oracle.metrics["candidates"]["chosen"]
# %% [markdown]
# ## Each bank
# %%
rows, lent, home = [], [], Path.cwd()
for seed in seeds:
    bank = make_workspace(scratch / f"bank-{seed}", {"common": {"seed": seed}, "simulate": {"customers": customers}})
    run_there(bank, "simulate", "ingest", "features", "applications", "churn", "credit", "govern")
    features = pd.read_parquet(bank / "data/features/customer_features.parquet")
    features = features[pd.to_datetime(features["as_of"]) == pd.Timestamp(today)]
    known = pd.read_parquet(bank / "data/truth/churn.parquet")
    known = known[(pd.to_datetime(known["as_of"]) == pd.Timestamp(today)) & known["at_risk"]]
    both = features.drop(columns="as_of").merge(known[["customer_id", "leave_90"]], on="customer_id")
    p = both["leave_90"].to_numpy()
    ours = load_artifact(bank / "experiments/runs/churn/model").predict(both)["leave_90"].to_numpy()
    best = oracle.model.predict(both).iloc[:, 0].to_numpy()
    gini = {
        name: measure(p, s, ("gini",))["gini"] for name, s in {"ours": ours, "latent": p, "observable": best}.items()
    }
    checks = {c["model"]: c["passed"] for c in json.loads((bank / "experiments/runs/govern/checks.json").read_text())}
    expected = p.sum() / ours.sum()
    rows.append({"seed": seed, **gini, "observed_over_expected": expected, "checks_passed": checks["churn"]})
    # credit: applications of the last year, from none of which the model has learned
    model = bank / "experiments/runs/credit/model"
    young = pd.read_parquet(bank / "data/applications/features.parquet")
    young = young[pd.to_datetime(young["as_of"]) >= pd.Timestamp(today) - pd.DateOffset(months=12)]
    young = young.merge(pd.read_parquet(bank / "data/truth/credit.parquet")[["loan_id", "default_probability"]])
    p = young.pop("default_probability").to_numpy()
    ours = load_artifact(model).predict(young)["default_probability"].to_numpy()
    found = against_truth(p, ours)
    best = measure(p, credit_oracle.model.predict(young)["default_probability"].to_numpy(), ("gini",))["gini"]
    os.chdir(bank)
    book, said = score_book(model, running_loans(today), as_of=today)
    os.chdir(home)
    performing = said["portfolio"]["performing"]
    true_book = pd.read_parquet(bank / "data/truth/book.parquet")
    loss = book_against_truth(book, true_book, performing["low"], performing["high"])
    measures = json.loads((bank / "experiments/metrics/credit.json").read_text())
    lent.append({
        "seed": seed, "ours": found["gini"], "latent": found["latent_oracle_gini"], "observable": best,
        "calibration_slope": found["calibration_slope"], "chosen": measures["candidates"]["chosen"],
        "outcome_slope_low": measures["test"]["calibration_slope"]["low"],
        "outcome_slope_high": measures["test"]["calibration_slope"]["high"],
        "observed_over_expected": found["observed_over_expected"], "checks_passed": checks["credit"], **loss,
    })  # fmt: skip
    shutil.rmtree(bank)
tables = {"churn": pd.DataFrame(rows), "credit": pd.DataFrame(lent)}
for table in tables.values():
    table["share_of_latent"] = table["ours"] / table["latent"]
    table["share_of_observable"] = table["ours"] / table["observable"]
tables["churn"].round(4)
# %%
tables["credit"].round(4)
# %% [markdown]
# ## Results
# Mean over the banks, with the t interval of that mean.
# %%
results = {}
for model, table in tables.items():
    measured = {}
    for name in ("share_of_latent", "share_of_observable"):
        values = table[name].to_numpy()
        half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        measured |= {name: values.mean(), f"{name}_low": values.mean() - half, f"{name}_high": values.mean() + half}
    results[model] = {**measured, "by_bank": rows if model == "churn" else lent}
Path("results.json").write_text(to_json(results))
shutil.rmtree(scratch)
{model: {k: v for k, v in found.items() if k != "by_bank"} for model, found in results.items()}
