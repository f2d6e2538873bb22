# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Credit: who will default, what that costs, and where to draw the line
# Learned from granted loans; the definition of default stands in `params/applications.yaml`. Loans are ordered by all
# that was seen of them, also by windows that have not ended and by defaults after the window; everything is calibrated
# and measured by outcomes that are known. A scorecard that people can read stands beside a logistic regression and
# trees, and their average beside all three. Grades, expected loss and a cut-off go into the model. What is known of the
# declined and what is assumed is told apart.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
table: dict = {}
candidates: list = ["scorecard", "logistic", "lightgbm", "blend"]
history_days: int = 90
min_events: int = 50
test_days: int = 183
refit: bool = True
follow_up: bool = True
folds: int = 5
n_trials: int = 10
use_signs: bool = True
allow_protected: list = []
force: list = []
forbid: list = []
bins: dict = {}
max_variables: int = 15
grades: int = 10
lending: dict = {}
bootstrap: int = 200
explain_rows: int = 4000

# %%
import pandas as pd

from afraz.catalog import save_all, studies
from afraz.features.credit_training import credit_history, credit_training
from afraz.models.credit.fit import CreditSettings, fit_credit
from afraz.models.credit.development import develop
from afraz.models.explanation import explain_globally
from afraz.reports import figures

# %% [markdown]
# ## Fit
# %%
until = as_of if follow_up else None
training, columns = credit_training(table, use_signs, history_days, min_events, until)
training.shape
# %%
settings = CreditSettings(
    seed=seed, candidates=candidates, test_days=test_days, refit=refit, folds=folds, n_trials=n_trials, force=force,
    forbid=forbid, bins=bins, max_variables=max_variables, grades=grades, bootstrap=bootstrap, min_events=min_events,
    allow_protected=allow_protected, **columns,
)  # fmt: skip
result = fit_credit(training, settings, storage=studies())
result.choice().round(4)
# %% [markdown]
# ## The scorecard
# Its points add up: 600 at odds of 50 to 1, 20 more double the odds. Loans that were watched for a part of the window
# count as a part, so counts are no whole numbers. Why variables were left out, below it.
# %%
result.tables.get("scorecard", pd.DataFrame()).style.format(precision=3).hide(axis="index")
# %%
result.tables.get("selection", pd.DataFrame()).head(30).round(3)
# %% [markdown]
# ## How it ranks, on later months that it had not seen
# %%
result.summary()
# %%
figures.calibration_curve(result.curves["calibration"])
# %% [markdown]
# ## Rating: grades, losses, cut-off, fairness, the declined
# Expected loss is default probability × loss given default × exposure.
# %%
found = develop(result, training, settings, lending, credit_history(bool(table)), as_of, seed)
found.overview().round(4)
# %%
found.verdicts().to_frame()
# %% [markdown]
# Grades on all outcomes, each predicted without its fold; then on the test.
# %%
found.show("grades_cross_fitted").round(4)
# %%
found.show("grades_test").round(4)
# %%
found.show("loss_given_default").round(3)
# %% [markdown]
# Cut-offs, and who swaps places with the old policy.
# %%
figures.cutoff_curve(found.show("cutoffs"))
# %%
found.show("swap_set").round(4)
# %% [markdown]
# The declined have no outcome. Only loans granted at random speak of them; the other rows are assumptions.
# %%
found.show("declined").round(4).style.hide(axis="index")
# %% [markdown]
# Equal opportunity is observed on granted loans only.
# %%
found.show("fairness").round(3)
# %%
found.show("signs").round(3)
# %% [markdown]
# ## Why
# %%
why = explain_globally(found.model, result.dated_inputs(), groups=None, when="as_of", rows=explain_rows, seed=seed)
figures.bars(why.tables["summary"], "feature", "mean_abs_shap", "What moves the score most (mean |SHAP|, log-odds)")
# %% [markdown]
# ## Save
# %%
save_all("credit", {
    "model": found.model, "predictions": result.predictions, "cross_fitted": result.cross_fitted,
    "applicants": found.applicants, "sample": result.sample, "tables": {**result.tables, **found.tables},
    "curves": result.curves, "explanation": why.tables, "metrics": found.measured(result, why.report, bool(table)),
})  # fmt: skip
