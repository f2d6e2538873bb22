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
import pandas as pd

from afraz.catalog import path, save
from afraz.models.oracle import against_truth
from afraz.scoring.sinks import read_scores

# %%
scores, manifest = read_scores(path("churn_scores", as_of=as_of))
truth = (
    pd.read_parquet(path("truth") / "churn.parquet")
    if source == "demo"
    else scores[[]].assign(as_of="", customer_id="")
)
truth = truth[pd.to_datetime(truth["as_of"]) == pd.Timestamp(as_of)].drop(columns=["as_of", "phase"], errors="ignore")
both = scores.merge(truth, on="customer_id", suffixes=("", "_true"))
len(scores), len(both)
# %% [markdown]
# ## Churn
# %%
found = {
    name: against_truth(both[f"{name}_true"].to_numpy(), both[name].to_numpy(), top)
    for name in ("leave_30", "leave_60", "leave_90")
    if len(both)
}
pd.DataFrame(found).round(4)
# %% [markdown]
# ## Save
# The figures of the longest horizon are the headline; where the source has no truth, there are none.
# %%
churn = found.get("leave_90", {})
save(
    "oracle_metrics",
    {"churn": {**churn, "by_output": found}} if churn else {"not_applicable": f"{source} has no truth"},
)
