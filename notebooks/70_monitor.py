# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Monitor: may the models in use go on being used?
# Every month that the features stage built goes by the champions: what came in, how it was scored, what became of it.
# Months before the last outcome that a model learned from are in sample: drift is shown, performance is not.
# The verdict is keep, watch, retrain or withdraw; `afraz monitor --fail-on retrain` tells a scheduler.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
models: list = ["churn", "credit", "segmentation", "value", "promotion"]
months: int = 25
drift: dict = {}
warn_days: int = 60
stale_days: int = 7
least_coverage: float = 0.98
least_reject_share: float = 0.005
bootstrap: int = 200

# %%
from datetime import date

from afraz.catalog import save
from afraz.monitoring.monitor import MonitorTerms, monitor
from afraz.reports import figures

# %%
terms = MonitorTerms(
    drift=drift, warn_days=warn_days, stale_days=stale_days, least_coverage=least_coverage,
    least_reject_share=least_reject_share, bootstrap=bootstrap, seed=seed,
)  # fmt: skip
found = monitor(models, date.fromisoformat(as_of), months, terms)
found.now()[["model", "verdict", "evidence"]].style.hide(axis="index")
# %% [markdown]
# ## What was seen
# %%
found.findings.query("as_of == as_of.max()")[["model", "asks", "about", "words"]].style.hide(axis="index")
# %%
found.not_watched
# %% [markdown]
# ## Drift
# Each month against the same season a year ago, moved by what is usual since: neither a season nor a trend that goes
# on is drift. Months without a year before them are held against the month before and only noted.
# %%
alarms = found.drift[found.drift["alarm"]]
alarms[["model", "as_of", "feature", "psi", "shift", "p_adjusted", "in_sample"]]
# %%
figures.months_of_drift(found.drift)
# %% [markdown]
# ## Performance
# Measured where outcomes have come, estimated where they have not. The estimate takes calibrated probabilities at their
# word: it assumes that only the inputs moved, and that the same customers behave as before.
# %%
found.tables["performance"].style.format(precision=4)
# %% [markdown]
# ## Rows that ingest refused, and who was scored
# %%
found.tables["quality"].query("as_of == as_of.max()").sort_values("p_adjusted").head(10)
# %%
found.tables["coverage"]
# %% [markdown]
# ## Save
# %%
save("monitor_verdicts", found.verdicts)
save("monitor_findings", found.findings)
save("monitor_drift", found.drift)
save("monitor_tables", found.tables)
save("monitor_metrics", found.metrics())
found.metrics()["verdicts"]
