# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Promotion: whom does an offer change?
# A customer who would have bought anyway costs the offer and brings nothing new; one who is put off costs more. Lists
# are made of what an offer *changes*, learned from customers who were assigned with known probability, with and without
# it. Where the data cannot support that, this page says so, and the simpler ranking by response is used.

# %% tags=["parameters"]
seed: int = 7
table: dict = {}
learners: list = ["response", "proportional", "linear", "s", "t", "x", "dr", "transformed", "average", "one_rule"]
test_dates: int = 2
folds: int = 4
max_rounds: int = 150
bootstrap: int = 200
explain_rows: int = 5000

# %%
import pandas as pd

from afraz.catalog import save_all
from afraz.features.promotion_training import promotion_training
from afraz.models.explanation import explain_globally
from afraz.models.promotion.promotion import PromotionSettings, fit_promotion
from afraz.reports import figures

# %% [markdown]
# ## Load
# %%
training, columns = promotion_training(table)
training.shape
# %% [markdown]
# ## Is it a trial? Which learner?
# %%
settings = PromotionSettings(
    seed=seed, learners=learners, test_dates=test_dates, folds=folds, max_rounds=max_rounds, bootstrap=bootstrap,
    **columns,
)  # fmt: skip
result = fit_promotion(training, settings)
pd.Series(result.metrics["trial"]).to_frame("trial").style
# %%
result.tables["learners"].round(5)
# %% [markdown]
# ## The answer in words
# Of the response first; of money and of leaving, which are seen through more noise, after it.
# %%
verdicts = {"response": result.metrics["choice"], **result.metrics["outcomes"]}
pd.DataFrame({name: {"champion": v["chosen"], "verdict": v["verdict"]} for name, v in verdicts.items()}).T.style
# %% [markdown]
# ## On campaigns that it has not seen
# %%
result.summary().round(4)
# %%
figures.uplift_gains(result.curves["gains"])
# %%
result.tables["calibration_by_decile"].round(4)
# %% [markdown]
# ## Why
# SHAP values of trees that tell the uplift; `explanation_fidelity` is the share of its variance that they tell.
# %%
why = explain_globally(result.model, training, groups=settings.id, when=settings.as_of, rows=explain_rows, seed=seed)
figures.bars(why.tables["summary"], "feature", "mean_abs_shap", "What moves the uplift most (mean |SHAP|)")
# %%
figures.dependence(why.tables["dependence"])
# %% [markdown]
# ## Save
# %%
save_all("promotion", {
    "model": result.model, "predictions": result.predictions, "sample": result.sample, "tables": result.tables,
    "curves": result.curves, "explanation": why.tables, "metrics": {**result.metrics, "explanation": why.report},
})  # fmt: skip
