# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Support period: who contacts the bank, how many agents that takes, what it costs, and how it goes
# Feeds rosters, calls in idle hours, the price of support packages, and reports. Nothing here is registered: forecasts
# are made anew from the contacts known at `as_of`, and measured on a later date than the one they were learned from.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
cohorts: int = 5
cohort_months: int = 3
candidates: list = ["constant", "last_year", "gamma_poisson", "lightgbm"]
features: list = []
folds: int = 3
patterns: dict = {}
staffed: list = ["phone"]
wrap_up_seconds: float = 30.0
service: dict = {}
day_groups: dict = {"working days": [0, 1, 2, 3, 4], "Saturday": [5], "Sunday": [6]}
rate_weeks: int = 26
test_weeks: int = 8
open_calls: float = 0.2
proactive_offer: str = "support_call"
proactive: dict = {}
costs: dict = {"other": {"contact": 3.0, "minute": 0.6}}
packages: dict = {}

# %%
from datetime import date

from afraz.catalog import save_all
from afraz.features.support_history import support_history
from afraz.models.support.settings import SupportSettings
from afraz.models.support.support import fit_support

# %%
inputs = support_history(
    date.fromisoformat(as_of), features, cohorts=cohorts, months=cohort_months, proactive_offer=proactive_offer
)
len(inputs.contacts), inputs.customers.shape
# %%
settings = SupportSettings(
    seed=seed, candidates=candidates, features=features, folds=folds, patterns=patterns, staffed=staffed,
    wrap_up_seconds=wrap_up_seconds, service=service, day_groups=day_groups, rate_weeks=rate_weeks,
    test_weeks=test_weeks, open_calls=open_calls, proactive=proactive, costs=costs, packages=packages,
)  # fmt: skip
result = fit_support(inputs, settings)
result.tables["faults"]
# %% [markdown]
# ## Patterns
# Groups among those in contact, where the data bear them out; who has not been in contact for a year is silent.
# %%
result.metrics["patterns_reason"]
# %%
result.tables["patterns"].round(3)
# %%
result.tables["pattern_moves"]
# %% [markdown]
# ## Until the next contact
# Share of contacts after which the customer is back within so many days; who is not back yet counts as long as watched.
# %%
result.tables["come_back"].round(3)
# %% [markdown]
# ## Contacts to come, by customer and by hour
# %%
result.tables["forecast_test_90"].round(4)
# %%
result.tables["forecast_tenths_90"].round(3)
# %%
result.tables["hour_methods"].round(4)
# %% [markdown]
# ## Agents, and calls in idle hours
# %%
result.metrics["hours"]
# %%
result.metrics["proactive"]["in_words"] if "in_words" in result.metrics["proactive"] else result.metrics["proactive"]
# %% [markdown]
# ## Packages: a scenario, and no estimate of demand
# %%
result.tables["cost_to_serve"].round(2)
# %%
result.tables["packages"].round(2)
# %% [markdown]
# ## Quality of service
# Which units differ by more than chance; and how experiences go with leaving and margin, which proves no cause.
# %%
result.metrics["quality_differs"]
# %%
result.tables["quality_relations"].round(4)
# %% [markdown]
# ## Save
# %%
save_all("support", {
    "customers": result.customers, "calls": result.proactive, "tables": result.tables, "metrics": result.metrics,
})  # fmt: skip
