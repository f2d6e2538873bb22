# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Explore: bins, weights of evidence, and what an expert changes
# For the expert who develops the scorecard: look at a variable's bins, state your own in `overrides`, see what they
# cost, and write them into `bins` of `params/credit.yaml`. No stage runs this notebook; run `dvc repro applications`
# before it.

# %%
from afraz.features.credit_training import credit_training
from afraz.models.binning import bin_variables
from afraz.reports import figures

# %% [markdown]
# ## The applications with an outcome
# The model itself also counts what was seen of other loans (`follow_up` in `params/credit.yaml`): its counts differ.
# %%
table, columns = credit_training({}, use_signs=True, history_days=90, min_events=1)
known = table[table["defaults"].notna()]
inputs = known.drop(
    columns=[*columns["outcomes"], *columns["protected"], "defaults", "loan_id", "customer_id", "as_of"]
)
len(known), int(known["defaults"].sum())
# %% [markdown]
# ## Your bins
# `splits` for numbers, `groups` for texts, `monotonic` (ascending, descending, none) for the bad rate.
# %%
overrides = {
    "amount_of_income": {"splits": [2, 5, 10, 40]},
    "purpose": {"groups": [["car", "renovation"], ["consumption", "education"], ["business", "debt_consolidation"]]},
    "tenure_days": {"monotonic": "descending"},
}
binning = bin_variables(inputs, known["defaults"].astype(int), overrides=overrides, signs=columns["monotone"])
# %% [markdown]
# ## Before and after
# Information value that the automatic bins had, and what is left of it.
# %%
binning.before_after().round(4)
# %% [markdown]
# ## Every variable, strongest first
# %%
binning.summary().sort_values("iv", ascending=False).round(4)
# %% [markdown]
# ## One variable, bin by bin
# %%
variable = "amount_of_income"
binning.variables[variable].table().round(4)
# %%
figures.woe_bars(binning.variables[variable].table(), variable)
