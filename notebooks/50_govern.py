# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Govern: may this model be used?
# Runs the checks that `mlflow/registry.yaml` asks of the model and writes down what each one found. `afraz sync`, which
# the runner calls afterwards, registers the model with these outcomes; the first one that passes becomes champion.

# %% tags=["parameters"]
model: str = "churn"

# %%
import pandas as pd

from afraz.catalog import save
from afraz.governance.evidence import judge
from afraz.governance.registry import registry_entries

# %% [markdown]
# ## What is asked of it
# %%
entry = registry_entries()[model]
pd.Series({"purpose": entry.purpose, "limits": entry.limits, "owner": entry.owner, **entry.bounds}).to_frame(
    "stated"
).style
# %% [markdown]
# ## What was found
# %%
gate = judge(entry)
gate.table().style.hide(axis="index")
# %% [markdown]
# ## Save
# %%
save("checks", [gate.to_dict()])
save("govern_metrics", gate.counts())
gate.counts()
