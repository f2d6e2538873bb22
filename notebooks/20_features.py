# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Features: what was known of every customer on every date
# One row per customer and `as_of`, built from rows dated before it and known by it; labels from what came after.
# The leak audit rebuilds a sample with the future removed, and altered: a feature that changes stops the pipeline.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
snapshots: int = 25
families: list = ["value", "behaviour", "loyalty", "geography", "lifecycle", "support", "attitude"]
item_days: int = 1095
churn_definition: str = "closure"
silent_days: int = 90
horizons: list = [30, 60, 90]
audit_customers: int = 300
waived: dict = {}

# %%
from datetime import date
from functools import partial

import pandas as pd

from afraz.catalog import canonical_tables, load, save, scan
from afraz.features.audit import leak_audit
from afraz.features.dictionary import DERIVED, dictionary_frame
from afraz.features.feature import ATTRIBUTES
from afraz.features.items import build_items, counted_items
from afraz.features.labels import churn_labels, outcome_days
from afraz.features.snapshots import snapshot_dates
from afraz.features.table import build_features, not_applicable
from afraz.features.value_labels import value_labels

# %%
tables = canonical_tables()
today = date.fromisoformat(as_of)
dates = snapshot_dates(today, snapshots)
build, items = partial(build_features, families=families), partial(build_items, window_days=item_days)

# %% [markdown]
# ## Features
# %%
save("customer_features", build(tables, dates))
pd.Series(not_applicable(tables, families), name="not applicable, because", dtype=str).to_frame()
# %% [markdown]
# Items: what customers use, hold and ask for, one by one.
# %%
save("items", items(tables, dates))
counted = counted_items(scan("items"))
save("dictionary", dictionary_frame([*counted.index, *ATTRIBUTES, *DERIVED]))
counted
# %% [markdown]
# ## Labels
# Customers who are not at risk, and outcomes whose window is not over, are counted, not guessed.
# %%
labels = churn_labels(
    tables, dates, definition=churn_definition, silent_days=silent_days,
    horizons=tuple(horizons), observed_until=today,
)  # fmt: skip
save("churn_labels", labels)
load("churn_labels").groupby("as_of")[["at_risk", "censored", *(f"leaves_{h}" for h in horizons)]].sum().tail(8)
# %%
save("value_labels", value_labels(tables, dates, observed_until=today))
load("value_labels").groupby("as_of")[["margin_6m", "margin_12m"]].agg(["size", "count", "mean"]).tail(13).round(2)
# %%
terms = {"definition": churn_definition, "outcome_days": outcome_days(churn_definition, silent_days, horizons)}
save("label_terms", terms)
terms
# %% [markdown]
# ## Leak audit
# %%
audited = partial(leak_audit, tables, dates[:-1] or dates, sample=audit_customers, seed=seed)
audit = audited(build, waived=waived).joined(audited(items))
save("leak_audit", audit.to_dict())
audit.table()
# %%
audit.stop_on_leaks()
# %% [markdown]
# ## What it looks like
# %%
scan("customer_features").filter(lambda t: t.as_of == today).to_pandas().describe().T.round(3)
