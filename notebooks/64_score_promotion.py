# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Score promotion: what each offer would change in each customer
# One row per customer, offer and channel by the champion; only what a campaign has tried. Decisions weigh these rows
# against budgets, capacities and the rules of contact.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
reasons: int = 3

# %%
from datetime import date

from afraz.catalog import load, save, target
from afraz.features.offers import tried_offers
from afraz.features.promotion_scorable import customers_for_offers
from afraz.governance.registry import champion_in_use
from afraz.scoring.promotion import best_offers, score_promotion, told_apart
from afraz.scoring.sinks import write_scores

# %%
champion = champion_in_use("promotion")
today = date.fromisoformat(as_of)
offers = tried_offers(today)
offers.round(2)
# %%
scores, manifest = score_promotion(
    champion.folder, customers_for_offers(today), offers, as_of=today, dictionary=load("assignment_dictionary"),
    reasons=reasons, model_digest=champion.digest,
)  # fmt: skip
best = best_offers(scores)
best.round(4)
# %%
apart = told_apart(scores)
apart
# %%
scores.groupby("customer_id")[["response_uplift", "incremental_margin"]].max().describe().round(4)
# %% [markdown]
# ## Save
# %%
write_scores(scores, manifest, target("promotion_scores", as_of=as_of))
save("score_promotion_metrics", {
    "rows": len(scores), "customers": int(scores["customer_id"].nunique()), "targeting": manifest["targeting"],
    "options": best.to_dict("records"), "told_apart": apart,
})  # fmt: skip
