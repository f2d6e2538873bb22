# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Value: what customers will bring, and what they buy next
# Margin of the coming six and twelve months with intervals, the next purchase (whether, when, what, how much) and the
# next product. Learned from cohorts whose windows don't overlap; measured once on the last cohort whose window is over.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
candidates: list = ["last_year", "lightgbm", "two_part"]
level: float = 0.9
folds: int = 5
bootstrap: int = 100
cohort_months: int = 3
cost_per_contact: float = 5.0
high_share: float = 0.2

# %%
from datetime import date, timedelta

import pandas as pd

from afraz.catalog import save_all
from afraz.features.value_training import quarterly_margin, value_training
from afraz.models.value.customer_value import ValueSettings, fit_value

# %%
today = date.fromisoformat(as_of)
training, columns = value_training(today, cohort_months)
training.shape
# %% [markdown]
# ## Fit
# How much the level of a year swings is learned from quarters that were over when the test began.
# %%
settings = ValueSettings(
    seed=seed, candidates=candidates, level=level, folds=folds, bootstrap=bootstrap,
    cost_per_contact=cost_per_contact, high_share=high_share, **columns,
)  # fmt: skip
result = fit_value(training, settings, quarters=quarterly_margin(today - timedelta(days=365)))
pd.DataFrame(result.metrics["candidates"]).T
# %% [markdown]
# ## Margins of a cohort that it had not seen
# %%
pd.DataFrame({h: {k: v for k, v in m.items() if k != "coverage"} for h, m in result.metrics["test"].items()}).T
# %%
pd.DataFrame({horizon: measures["coverage"] for horizon, measures in result.metrics["test"].items()}).T
# %% [markdown]
# ## The next purchase and the next product, each beside its rival
# %%
pd.DataFrame(result.metrics["next_purchase"]).T
# %% [markdown]
# ## What a wrong investment tier costs
# A tier labels a customer; whether an investment pays is decided by what it changes.
# %%
result.tables["wrong_tiers"].round(2)
# %% [markdown]
# ## Save
# %%
save_all("value", {
    "model": result.model, "predictions": result.predictions, "sample": result.sample, "tables": result.tables,
    "metrics": result.metrics,
})  # fmt: skip
