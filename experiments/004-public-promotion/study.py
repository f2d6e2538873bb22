# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 004: campaigns on data that nobody simulated for them
# Who answers a campaign, and was it a trial at all? Each public set has a module of its own beside this notebook, with
# one function that returns its part of `results.json`.

# %% tags=["parameters"]
seed: int = 7
n_trials: int = 10
resampled: int = 200
uplift_seeds: list = [0, 1, 2, 3, 4]

# %%
import os
import sys
from pathlib import Path

import pandas as pd

from afraz.catalog import root, to_json

sys.path.insert(0, str(Path.cwd()))
from bank_marketing import bank_marketing
from completejourney import completejourney
from hillstrom import hillstrom
from hillstrom_trial import hillstrom_trial

# %%
stated = Path(os.environ["AFRAZ_PUBLIC_DATA"])
public = stated if stated.is_absolute() else root() / stated
results = {}
# %% [markdown]
# ## Hillstrom: was it a trial?
# 64,000 customers in thirds: men's mail, women's mail, none. The platform is told the thirds and must find nothing that
# speaks against them.
# %%
results["hillstrom"] = hillstrom_trial(public, seed=seed)
results["hillstrom"]["why"]
# %% [markdown]
# ## Hillstrom: whom does a mail change?
# Every customer is scored once per seed by a procedure that has not seen the customer, the choice of the learner
# included; ranks are cut within folds. The rule "bought such goods first" stands beside the learners.
# %%
results |= hillstrom(public, seeds=uplift_seeds, bootstrap=resampled)
results["hillstrom_women_visit"]["chosen"]
# %%
shown = ["uplift_at_30pct", "dr_gain_at_20pct", "qini_auc"]
lists = pd.DataFrame(results["hillstrom_women_visit"]["by_list"]).T
lists[[f"{name}{end}" for name in shown for end in ("", "_low", "_high")]].round(4)
# %%
lists[[c for c in lists if c.startswith("uplift_at_30pct_over")]].round(4)
# %%
results["hillstrom_both_visit"]
# %% [markdown]
# ## The Complete Journey: was it a trial?
# Campaigns of a grocer, aimed at households. Every campaign with 100 households on either side is assessed, on what was
# known before its start; the headline is the largest.
# %%
results["completejourney"] = completejourney(public, seed=seed)
results["completejourney"]["why"]
# %%
pd.DataFrame(results["completejourney"]["balance"]).round(3)
# %%
pd.DataFrame(results["completejourney"]["by_campaign"]).drop(columns="why").round(3)
# %%
[(one["campaign"], one["why"]) for one in results["completejourney"]["by_campaign"] if one["randomised"]]
# %% [markdown]
# ## Bank marketing: who says yes?
# Learned from three quarters of the calls and tested on one: drawn at random, or the last in time. Neither the length
# of the call nor its number is a feature. Once more without whatever tells when a call was made.
# %%
results["bank_marketing"] = bank_marketing(public, seed=seed, n_trials=n_trials, resampled=resampled)
{name: value for name, value in results["bank_marketing"].items() if name.startswith("roc_auc")}
# %%
results["bank_marketing"]["without_clock"]
# %% [markdown]
# ## Results
# %%
Path("results.json").write_text(to_json(results))
results
