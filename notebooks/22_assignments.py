# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Assignments: what was known on the day a customer was drawn for a campaign
# One row per customer and campaign, treated or control, built from what was known at the midnight before; what became
# of each from what came after. Whether an offer changes what people do is learned from these rows. The leak audit
# rebuilds a sample with everything from the day of assignment on removed, and altered.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
families: list = ["value", "behaviour", "loyalty", "lifecycle", "support", "attitude", "campaigns"]
response_window_days: int = 30
value_days: int = 90
churn_definition: str = "closure"
silent_days: int = 90
placebo_offers: list = ["placebo"]
service_offers: list = ["support_call"]
audit_customers: int = 400
waived: dict = {}

# %%
from datetime import date

import pandas as pd

from afraz.catalog import canonical_tables, load, save
from afraz.features.assignments import audited, build_assignments, campaign_kinds, days_drawn, drawn, with_kinds
from afraz.features.audit import leak_audit
from afraz.features.dictionary import STATED, dictionary_frame
from afraz.features.response_labels import label_counts, naive_effects, response_labels
from afraz.features.table import build_features, not_applicable

# %%
everybody, today = canonical_tables(), date.fromisoformat(as_of)
tables = drawn(everybody)

# %% [markdown]
# ## How the campaigns were drawn
# What may be learned from a campaign depends on it: only a control group drawn by lot, or with known chances, tells
# what would have happened without the offer.
# %%
kinds = campaign_kinds(tables, placebo_offers=placebo_offers, service_offers=service_offers)
kinds.to_pandas().merge(load("campaigns"), on="campaign_id").sort_values("campaign_id", ignore_index=True)
# %% [markdown]
# ## Features
# %%
save("assignment_features", with_kinds(build_assignments(tables, families), kinds))
save("assignment_dictionary", dictionary_frame(STATED))
pd.Series(not_applicable(tables, families), name="not applicable, because", dtype=str).to_frame()
# %% [markdown]
# ## Outcomes
# Rows whose window has not ended, and those with impossible dates, have no outcome and are counted; the exact
# definition stands in `src/features/response_labels.py`.
# %%
outcomes = response_labels(
    tables, response_window_days=response_window_days, value_days=value_days, churn_definition=churn_definition,
    silent_days=silent_days, observed_until=today,
)  # fmt: skip
save("assignment_outcomes", outcomes)
label_counts(outcomes).to_pandas()
# %% [markdown]
# How many more respond with the offer than without, campaign by campaign, looking at nothing else. The placebo should
# show nothing; a targeted campaign shows whom it picked as well as what it did.
# %%
naive_effects(load("assignment_outcomes")).round(4)
# %%
load("assignment_outcomes").groupby("arm")[["responded", "net_value", "margin_after", "closed_after"]].mean().round(4)
# %% [markdown]
# ## Customers of today
# The same features for everybody who is with the bank now: whom to make the next offer.
# %%
save("promotion_scorable", build_features(everybody, [today], families=families))
load("promotion_scorable").describe().T.round(3)
# %% [markdown]
# ## Leak audit
# %%
who = days_drawn(tables)
days = who["as_of"].unique().to_pylist()
audit = leak_audit(tables, days, audited(who, families), sample=audit_customers, seed=seed, waived=waived)
save("assignment_audit", audit.to_dict())
audit.table()
# %%
audit.stop_on_leaks()
