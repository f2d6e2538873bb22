# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Oracle: scores against what was planted
# Only a simulated bank has a truth. True probabilities are soft labels here, so no luck of one draw is in the figures;
# the latent oracle ranks by the truth itself. Nothing reads what this stage writes: it judges, it does not teach.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
source: str = "demo"
top: float = 0.1

# %%
from datetime import date

import pandas as pd

from afraz.catalog import path, save
from afraz.features.scorable import customers_to_score
from afraz.models.artifact import load_artifact
from afraz.models.oracle import churn_against_truth
from afraz.scoring.sinks import read_scores

# %%
scores, manifest = read_scores(path("churn_scores", as_of=as_of))
truth = pd.read_parquet(path("truth") / "churn.parquet")
manifest["model_digest"], len(scores), len(truth)
# %% [markdown]
# ## Churn: the scores in use
# %%
found = churn_against_truth(scores, truth, as_of, top) if source == "demo" else {}
pd.DataFrame(found).round(4)
# %% [markdown]
# ## Churn: the model that was fitted last
# The same as above until a later model waits for approval: an experiment is judged by this one.
# %%
customers = customers_to_score(date.fromisoformat(as_of))
said = customers[["customer_id"]].join(load_artifact(path("churn_model")).predict(customers))
candidate = churn_against_truth(said, truth, as_of, top) if source == "demo" else {}
pd.DataFrame(candidate).round(4)
# %% [markdown]
# ## Save
# The figures of the longest horizon are the headline; where the source has no truth, there are none.
# %%
headline = found.get("leave_90", {})
measured = {"churn": {**headline, "by_output": found}, "churn_candidate": candidate.get("leave_90")}
save("oracle_metrics", measured if found else {"not_applicable": f"{source} has no truth"})
