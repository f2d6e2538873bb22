# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 006: do quiet months stay quiet, and is a shift found?
# Quiet banks of the simulator, counted month by month as the stage monitor counts them, with the last run's models
# (whichever bank they learned from: a score is one more column here). The level of an alarm is set on some seeds and
# judged on others. The shift is planted into the feature table: .3 standard deviations of one feature for 30 % of rows
# of one month, each number in turn; the simulator itself is left alone, since it cannot move one feature by itself.

# %% tags=["parameters"]
set_on: list = [31, 41, 42, 43]
judged_on: list = [44, 45]
customers: int = 10000
months: int = 42
quiet_months: int = 24
as_of: str = "2026-07-01"
levels: list = [0.05, 0.01, 0.003, 0.001]
kept_in: str = ""

# %%
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd

from afraz.catalog import root, to_json
from afraz.monitoring.drift import DriftTerms
from afraz.params import load_params

sys.path.insert(0, str(Path.cwd()))
import banks

# %%
folder = Path(kept_in) if kept_in else Path(tempfile.mkdtemp(prefix="afraz-006-"))
folder.mkdir(parents=True, exist_ok=True)
terms = DriftTerms(**load_params("monitor", root())["drift"])
today = date.fromisoformat(as_of)
counted = {s: banks.quiet_bank(folder, s, customers, months, today, terms.bins) for s in [*set_on, *judged_on]}
# %% [markdown]
# ## The level, set on the first seeds
# Months with an alarm in 24 quiet ones, by level: the largest over the models and banks decides.
# %%
tried = pd.concat([
    pd.DataFrame(banks.alarms(counted[s], terms.model_copy(update={"level": level}), quiet_months)).assign(level=level)
    for level in levels for s in set_on
])  # fmt: skip
tried.pivot_table(index="level", columns="model", values="months_with_alarm", aggfunc="max")
# %% [markdown]
# ## Judged on the others
# %%
quiet = pd.DataFrame([row for s in judged_on for row in banks.alarms(counted[s], terms, quiet_months)])
quiet
# %% [markdown]
# ## A planted shift
# Found: an alarm in the very month, with the feature's name. Others: innocent features named beside it.
# %%
planted = pd.concat([banks.power(counted[s], terms, "churn") for s in judged_on], ignore_index=True)
planted.groupby("seed")[["found", "others", "judged"]].mean().round(4)
# %%
missed = planted.loc[~planted["found"], "feature"].value_counts()
missed
# %% [markdown]
# ## Results
# %%
results = {
    "level": terms.level,
    "set_on": {"seeds": set_on, "most_alarms_by_level": {str(lv): int(part["months_with_alarm"].max())
                                                         for lv, part in tried.groupby("level")}},
    "judged_on": {"seeds": judged_on, "quiet_months": quiet_months, "rows": quiet.to_dict("records"),
                  "most_alarms": int(quiet["months_with_alarm"].max())},
    "planted": {"features": int(planted["feature"].nunique()), "found": float(planted["found"].mean()),
                "innocent_named": float(planted["others"].mean()), "missed": sorted(missed.index)},
}  # fmt: skip
Path("results.json").write_text(to_json(results))
if not kept_in:
    shutil.rmtree(folder)
results["judged_on"]["most_alarms"], results["planted"]["found"]
