# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Simulate: a bank whose truth is known
# Real customers' truth is never seen; here it is planted, so that every later claim can be held against it.
# Writes source files as a bank's systems would deliver them, some rows dirty, and apart from them the truth,
# which only tests and `95_oracle` read.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
customers: int = 10000
months: int = 36

# %%
from datetime import date

import pandas as pd

from afraz.catalog import path, target
from afraz.data.simulator.bank import simulate

# %% [markdown]
# ## Simulate
# The last simulated day is the one before `as_of`: decisions are taken on what is known that morning.
# %%
report = simulate(
    target("demo_source"), target("truth"),
    customers=customers, months=months, seed=seed, end=date.fromisoformat(as_of),
)  # fmt: skip

# %% [markdown]
# ## What it wrote
# %%
pd.Series(report["rows"], name="rows").to_frame()
# %% [markdown]
# The truth: the probability that a customer leaves within 90 days, given the latent state at each date.
# %%
truth = pd.read_parquet(path("truth") / "churn.parquet")
truth[truth.at_risk].groupby("as_of").leave_90.describe(percentiles=[0.5, 0.9]).tail(6).round(4)
