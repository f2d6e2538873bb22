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
contacted: float = 0.3

# %%
from datetime import date

import pandas as pd

from afraz.catalog import path, save
from afraz.features.scorable import customers_to_score
from afraz.models.artifact import load_artifact
from afraz.models.oracle import churn_against_truth
from afraz.scoring.oracle import (
    credit_oracle, promotion_oracle, segment_oracle, support_oracle, truth_of, value_oracle,
)  # fmt: skip
from afraz.scoring.risk_oracle import risk_oracle
from afraz.scoring.sinks import read_scores

# %%
truth = truth_of(source, path("truth"))
scores, manifest = read_scores(path("churn_scores", as_of=as_of))
manifest["model_digest"], len(scores), len(truth["churn"])
# %% [markdown]
# ## Churn: the scores in use
# %%
found = churn_against_truth(scores, truth["churn"], as_of, top)
pd.DataFrame(found).round(4)
# %% [markdown]
# ## Churn: the model that was fitted last
# The same as above until a later model waits for approval: an experiment is judged by this one.
# %%
customers = customers_to_score(date.fromisoformat(as_of))
said = customers[["customer_id"]].join(load_artifact(path("churn_model")).predict(customers))
candidate = churn_against_truth(said, truth["churn"], as_of, top)
pd.DataFrame(candidate).round(4)
# %% [markdown]
# ## Credit: applications, the running book, the declined
# The scored applications are the youngest: the model has learned from none of them. Truth is what would have happened
# had the loan been granted and the customer stayed; of the book, what the coming year holds.
# %%
credit = credit_oracle(truth, as_of, top)
pd.DataFrame(credit["by_population"]).round(4)
# %%
pd.Series(credit["book"]).to_frame("the book's coming year").round(4)
# %%
pd.DataFrame(credit["all_applicants"]).T.round(4)
# %% [markdown]
# ## Value, segments and support
# Forecast and realised margin of the last cohort whose year is over; planted groups found again; contacts expected of
# customers beside those that their latent rates make.
# %%
value, segmentation = value_oracle(truth["value"]), segment_oracle(truth["groups"], as_of)
support = support_oracle(truth["support"])
pd.Series({**value, **segmentation, **support}).to_frame("value").round(4)
# %% [markdown]
# ## Offers
# The list for the campaigns of the test part, in the order of expected worth. What a contact is truly worth counts the
# responses that it adds, its costs, and the coming margin of those whom it drives away.
# %%
promotion = promotion_oracle(truth, contacted)
pd.Series(promotion, dtype=float).to_frame("per contact").round(4)
# %% [markdown]
# ## Risk
# What the book may lose in the coming year: the credit unit's distribution against one drawn loan by loan as the bank
# draws defaults, with true probabilities and with the scored ones.
# %%
risk = risk_oracle(truth["book"], as_of)
pd.Series(risk, dtype=float).to_frame("losses").round(4)
# %% [markdown]
# ## Save
# The figures of the longest horizon are the headline.
# %%
churn = {**found["leave_90"], "by_output": found}
headline = {**credit["by_population"].get("all", {}), **credit["book"], **credit}
save("oracle_metrics", {
    "churn": churn, "churn_candidate": candidate["leave_90"], "credit": headline, "value": value,
    "segmentation": segmentation, "promotion": promotion, "risk": risk, "support": support,
})  # fmt: skip
