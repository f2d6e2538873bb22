# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 000: how much of what can be known do the models find, and how good are the offers?
# Several simulated banks, each through the same stages as `make demo`. Two oracles: the *latent* one ranks by the
# truth; the *observable* one learned the truth itself, from the same features of a larger bank or of more banks, so it
# shows what these features hold when neither rows nor luck are short. Parts that are not named keep their results.

# %% tags=["parameters"]
parts: list = ["scores", "decisions"]
seeds: list = [11, 12, 13]
customers: int = 10000
larger: int = 10
oracle_seed: int = 99
as_of: str = "2026-07-01"
n_trials: int = 10
decision_seeds: list = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
oracle_banks: int = 10
kept_in: str = ""

# %%
import json
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd

from afraz.catalog import to_json

sys.path.insert(0, str(Path.cwd()))
import decisions
import scores

# %%
scratch = Path(tempfile.mkdtemp(prefix="afraz-000-"))
today = date.fromisoformat(as_of)
results = json.loads(Path("results.json").read_text()) if Path("results.json").exists() else {}
# %% [markdown]
# ## Scores
# The observable oracle is the pipeline's own learner, fitted to the true probabilities of a bank ten times as large.
# %%
churn, credit, groups = [], [], []
if "scores" in parts:
    best = scores.oracles(scratch / "large", customers * larger, oracle_seed, today, n_trials)
    for seed in seeds:
        left, lent, found = scores.measured(scratch, seed, customers, today, best)
        churn.append(left)
        credit.append(lent)
        groups.append(found)
    results |= {"churn": scores.summed_up(churn), "credit": scores.summed_up(credit)}
    results["groups"] = scores.groups_summed_up(groups)
pd.DataFrame(churn).round(4)
# %%
pd.DataFrame(credit).round(4)
# %% [markdown]
# Adjusted Rand index of segments and planted groups, beside what a mixture makes of the true latent features.
# %%
pd.DataFrame(groups).round(4)
# %% [markdown]
# ## Decisions
# What a budget for contacts of 30 % of a campaign's customers is truly worth. A campaign takes some 4,000
# customers however large the bank is, so the observable oracle learns from several banks instead of a larger one. Where
# `kept_in` names a folder, banks stay there, and those that are there are taken as they are.
# %%
rows, banks = [], []
if "decisions" in parts:
    folder = Path(kept_in) if kept_in else scratch / "decisions"
    folder.mkdir(parents=True, exist_ok=True)
    banks = [decisions.known_offers(folder, oracle_seed + i, customers, today) for i in range(oracle_banks)]
    oracle = decisions.Oracle(banks, oracle_seed)
    rows = [decisions.measured(decisions.bank(folder, s, customers), oracle, s) for s in decision_seeds]
    results["decisions"] = {**decisions.summed_up(rows), **decisions.about(banks, oracle)}
pd.DataFrame(rows).round(4)
# %% [markdown]
# ## Results
# %%
Path("results.json").write_text(to_json(results))
shutil.rmtree(scratch)
{model: {k: v for k, v in found.items() if k != "by_bank"} for model, found in results.items()}
