# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Score: every customer at risk, with reasons
# The champion is resolved once. The manifest beside the scores names the digests of model and input; the same model
# and input give the same bytes.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
model: str = "churn"

# %%
from datetime import date

from afraz.catalog import load, save, target
from afraz.features.scorable import customers_to_score
from afraz.governance.registry import resolve_champion
from afraz.reports.tables import score_overview
from afraz.scoring.batch import score
from afraz.scoring.sinks import write_scores

# %%
champion = resolve_champion(model)
customers = customers_to_score(date.fromisoformat(as_of))
champion.digest, customers.shape
# %% [markdown]
# ## Score
# %%
scores, manifest = score(
    champion.folder, customers, as_of=date.fromisoformat(as_of),
    dictionary=load("dictionary"), model_digest=champion.digest,
)  # fmt: skip
manifest
# %% [markdown]
# ## The ten customers with the most at stake
# %%
shown = ["customer_id", "phase", "leave_90", "revenue_at_stake", "reason_1", "reason_2", "reason_3"]
scores.nlargest(10, "revenue_at_stake")[shown].round(4).style.hide(axis="index")
# %% [markdown]
# ## By decile of risk
# %%
overview = score_overview(scores)
overview.round(4)
# %% [markdown]
# ## Save
# %%
write_scores(scores, manifest, target("churn_scores", as_of=as_of))
save("score_metrics", {model: {"customers": len(scores), **scores.filter(like="leave_").sum().round(2).to_dict()}})
