# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Applications: what was known on the day a loan was asked for
# One row per application, built from rows dated before that day and known by it; what became of each from what came
# after. The leak audit rebuilds the rows of a sample with the future removed, and altered.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
families: list = ["repayment", "lifecycle"]
days_past_due: int = 90
window_months: int = 12
audit_customers: int = 600
audit_dates: int = 24
waived: dict = {}

# %%
from datetime import date

import pandas as pd

from afraz.catalog import canonical_tables, load, save
from afraz.features.applications import applicants, audited, build_applications
from afraz.features.audit import leak_audit
from afraz.features.default_labels import default_labels, label_counts, personal
from afraz.features.dictionary import dictionary_frame
from afraz.features.snapshots import snapshot_dates
from afraz.features.table import not_applicable
from afraz.features.workouts import arrears_outcomes, defaulted_loans, recoveries_of

# %%
tables = applicants(canonical_tables())
today = date.fromisoformat(as_of)
window = {"days_past_due": days_past_due, "observed_until": today}

# %% [markdown]
# ## Features
# %%
save("application_features", build_applications(tables, families))
save("application_dictionary", dictionary_frame())
pd.Series(not_applicable(tables, families), name="not applicable, because", dtype=str).to_frame()
# %% [markdown]
# ## Outcomes
# A loan is bad when it comes to be so many days past due within so many months of granting. Loans whose window has not
# ended have no outcome yet, and are counted; the exact definition stands in `src/features/default_labels.py`.
# %%
outcomes = personal(default_labels(tables, window_months=window_months, **window), tables)
save("application_outcomes", outcomes)
label_counts(outcomes).to_pandas()
# %% [markdown]
# ## Defaults and what came back of them
# %%
save("defaults", defaulted_loans(tables, **window))
save("recovered", recoveries_of(tables, observed_until=today))
save("arrears", arrears_outcomes(tables, window_months=window_months, **window))
load("defaults").groupby("has_collateral")[["exposure", "cured_at"]].agg(["count", "min", "max"])
# %% [markdown]
# ## Leak audit
# %%
audit = leak_audit(
    tables, snapshot_dates(today, audit_dates)[:-1], audited(families), sample=audit_customers, seed=seed,
    waived=waived, window_days=31,
)  # fmt: skip
save("application_audit", audit.to_dict())
audit.table()
# %%
audit.stop_on_leaks()
# %% [markdown]
# ## What it looks like
# %%
load("application_features").describe().T.round(3)
