# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Govern: may these models be used?
# Runs the checks that `mlflow/registry.yaml` asks of each model and writes down what each one found. `afraz sync`,
# which the runner calls afterwards, registers the models with these outcomes; the first that passes becomes champion.

# %% tags=["parameters"]
models: list = ["churn", "credit", "segmentation", "value", "promotion"]

# %%
import pandas as pd

from afraz.catalog import save
from afraz.governance.evidence import by_model, judge_all, side_by_side
from afraz.governance.entries import chosen_entries

# %% [markdown]
# ## What is asked of them
# %%
entries = chosen_entries(models)
asked = {name: {"purpose": e.purpose, "limits": e.limits, "owner": e.owner, **e.bounds} for name, e in entries.items()}
pd.DataFrame(asked).style
# %% [markdown]
# ## What was found
# %%
gates = judge_all(entries)
side_by_side(gates).set_index("model").style
# %% [markdown]
# ## Save
# %%
save("checks", [gate.to_dict() for gate in gates])
save("model_checks", by_model(entries, gates))
counts = {name: found for gate in gates for name, found in gate.counts().items()}
save("govern_metrics", counts)
counts
