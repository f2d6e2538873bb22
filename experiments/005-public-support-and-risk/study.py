# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 005: support and risk on data that nobody simulated for them
# What do two weeks of a bank's call log teach about callers, hours and agents, and what does a loan book teach about
# risk? Each public set has a module of its own beside this notebook, with one function that returns its part of
# `results.json`.

# %% tags=["parameters"]
seed: int = 7

# %%
import importlib
import importlib.util
import os
import sys
from pathlib import Path

import pandas as pd

from afraz.catalog import root, to_json

sys.path.insert(0, str(Path.cwd()))
from bank_calls import bank_calls

# %%
stated = Path(os.environ["AFRAZ_PUBLIC_DATA"])
public = stated if stated.is_absolute() else root() / stated
results = {"bank_calls": bank_calls(public, seed=seed)}
calls = results["bank_calls"]
# %% [markdown]
# ## Calls: how many, how long, who gives up
# %%
{name: calls[name] for name in ("calls", "identified_callers", "abandonment", "mean_service_seconds", "faults")}
# %%
pd.DataFrame(calls["service_by_type"]).T.round(3)
# %%
pd.DataFrame(calls["profile"]).T.round(1)
# %%
pd.DataFrame(calls["outlier_hours"]).round(3)
# %% [markdown]
# ## The second week from the first
# The method is chosen on the days of the first week, each left out in turn; the second week has no part in it.
# %%
{name: calls[name] for name in calls if "wape" in name or name in ("forecast_method", "poisson_floor")}
# %%
pd.DataFrame(calls["second_week"]).round(3)
# %% [markdown]
# ## Agents in the busiest half-hour
# %%
{name: calls[name] for name in calls if "agents" in name or "busiest" in name or name.startswith("seen_")}
# %% [markdown]
# ## Callers
# %%
pd.DataFrame(calls["callers"]["patterns"]).round(3)
# %%
{name: value for name, value in calls["callers"].items() if name != "patterns"}
# %% [markdown]
# ## Berka: loans and districts
# %%
if importlib.util.find_spec("berka") is not None:
    results["berka"] = importlib.import_module("berka").results(public)
results.get("berka")
# %% [markdown]
# ## Results
# %%
Path("results.json").write_text(to_json(results))
results
