# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Score credit: applications and the running book
# The champion is resolved once. Applications of the last months get a probability, points, a grade, an expected loss
# and reasons; running loans the probability of the next window, since the application's wears off as a loan ages.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
application_days: int = 365
untold: list = ["policy_score"]

# %%
from datetime import date

from afraz.catalog import load, save, target
from afraz.features.credit_scorable import applications_to_score, running_loans
from afraz.governance.registry import champion_in_use
from afraz.reports.tables import by_grade
from afraz.scoring.credit import score_applications, score_book
from afraz.scoring.sinks import write_scores

# %%
today = date.fromisoformat(as_of)
applications, running = applications_to_score(today, application_days), running_loans(today)
champion = champion_in_use("credit")
champion.digest, applications.shape, running.shape
# %% [markdown]
# ## Applications
# %%
scores, manifest = score_applications(
    champion.folder, applications, as_of=today, dictionary=load("application_dictionary"),
    model_digest=champion.digest, untold=tuple(untold),
)  # fmt: skip
manifest
# %%
by_grade(scores, "amount").round(4)
# %% [markdown]
# The ten applications with the largest expected loss, and what an applicant could be told.
# %%
shown = ["loan_id", "points", "grade", "default_probability", "expected_loss", "approved", "reason_1", "reason_2"]
scores.nlargest(10, "expected_loss")[shown].round(4).style.hide(axis="index")
# %% [markdown]
# ## The running book
# %%
book, said = score_book(champion.folder, running, as_of=today, model_digest=champion.digest, seed=seed)
said["portfolio"]
# %%
by_grade(book, "balance").round(4)
# %% [markdown]
# ## Save
# %%
write_scores(scores, manifest, target("credit_scores", as_of=as_of))
write_scores(book, said, target("credit_book", as_of=as_of))
rated = {"applications": len(scores), "approved": int(scores["approved"].sum()), "book": len(book)}
save("score_credit_metrics", {**rated, "portfolio": said["portfolio"], "reasons": manifest.get("reasons_agree")})
