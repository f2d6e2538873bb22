# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Churn: who will leave, and who is growing
# A customer at risk leaves within 30, 60 or 90 days of `as_of`, or doesn't; the exact definition of leaving stands in
# `src/features/labels.py`. The probabilities feed retention lists. The last labelled months are the test, and no
# training outcome reaches into them.

# %% tags=["parameters"]
seed: int = 7
table: dict = {}
horizons: list = [30, 60, 90]
candidates: list = ["logistic", "lightgbm", "blend"]
test_dates: int = 2
folds: int = 4
n_trials: int = 20
tuning_rows: int = 40000
use_signs: bool = True
bootstrap: int = 200
explain_rows: int = 5000

# %%
import pandas as pd

from afraz.catalog import save_all, studies
from afraz.features.training import churn_training
from afraz.models.churn import ChurnSettings, fit_churn
from afraz.models.explanation import explain_globally
from afraz.reports import figures

# %% [markdown]
# ## Load
# %%
training, columns = churn_training(table, horizons, use_signs)
training.shape
# %% [markdown]
# ## Fit
# The simple model wins unless the paired bootstrap says that the difference is real.
# %%
settings = ChurnSettings(
    seed=seed, candidates=candidates, test_dates=test_dates, folds=folds, n_trials=n_trials,
    tuning_rows=tuning_rows, bootstrap=bootstrap, **columns,
)  # fmt: skip
result = fit_churn(training, settings, storage=studies())
result.metrics["candidates"]
# %% [markdown]
# ## What it says of months that it has not seen
# %%
result.summary()
# %%
figures.calibration_curve(result.curves["calibration"])
# %%
figures.gains_curve(result.curves["gains"])
# %% [markdown]
# How far ahead leavers are seen, and what they are worth. A ready table without months and revenue has neither.
# %%
figures.lead_time_curve(result.curves["lead_time"]) if "lead_time" in result.curves else None
# %%
result.tables.get("revenue_at_stake", pd.DataFrame()).round(2)
# %% [markdown]
# Phases of the lifecycle: growing customers deserve attention too.
# %%
result.tables.get("phases", pd.DataFrame()).round(4)
# %% [markdown]
# ## Why
# Exact SHAP values in log-odds, on a sample of customers.
# %%
why = explain_globally(result.model, training, groups=settings.id, when=settings.as_of, rows=explain_rows, seed=seed)
figures.bars(why.tables["summary"], "feature", "mean_abs_shap", "What moves the score most (mean |SHAP|, log-odds)")
# %%
figures.dependence(why.tables["dependence"])
# %%
why.report
# %% [markdown]
# ## Save
# %%
save_all("churn", {
    "model": result.model, "predictions": result.predictions, "sample": result.sample, "tables": result.tables,
    "curves": result.curves, "explanation": why.tables,
    "metrics": {**result.metrics, "explanation": why.report, "ready_table": bool(table)},
})  # fmt: skip
