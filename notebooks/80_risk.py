# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Risk of the whole
# Each unit measures its own risk in one schema; a copula with stated correlations puts them together. Probabilities,
# severities and exposures are estimated; how units move together is not: what is said of the tail is scenario analysis.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
horizon: float = 365
currency: str = "XTS"
level: float = 0.999
shortfall_level: float = 0.975
scenarios: int = 100_000
copula: dict = {}
units: dict = {}
stress: list = []
reverse_stress: list = [0.5, 1.0]
compared_months: int = 3
limits: list = []

# %%
from datetime import date

import pandas as pd

from afraz.catalog import save
from afraz.risk.board import report
from afraz.risk.settings import RiskSettings
from afraz.scoring.risk import measured_at, measured_before
from afraz.scoring.risk_report import page_of

# %% [markdown]
# ## Measure
# A unit that delivers nothing, or numbers that are missing, is named; the others go on and the total is incomplete.
# %%
settings = RiskSettings(
    horizon=horizon, currency=currency, level=level, shortfall_level=shortfall_level, scenarios=scenarios,
    copula=copula, units=units, stress=stress, reverse_stress=reverse_stress, limits=limits,
)  # fmt: skip
today = date.fromisoformat(as_of)
measured, earlier = measured_at(today, settings), measured_before(today, compared_months, settings)
pd.Series({**measured.failed, **dict(enumerate(earlier.remarks))}, dtype=str).to_frame("not measured, because")
# %% [markdown]
# ## Aggregate
# %%
found = report(measured, settings, earlier, seed)
columns = ["unit", "exposure", "probability", "severity", "expected_loss", "economic_capital", "capital_contribution"]
found.tables["units"][columns].round(4)
# %%
pd.Series(found.view.total).to_frame("total").round(4)
# %%
found.tables["lights"]
# %% [markdown]
# ## What changed, and how much hangs on what is stated
# %%
found.tables.get("changes", pd.DataFrame()).round(0)
# %%
pd.concat([found.tables["dependence"], found.tables["sensitivity"].drop(columns=["key", "persistence"])]).round(3)
# %% [markdown]
# ## Save
# %%
save("risk_positions", measured.all_positions(), as_of=as_of)
save("risk_tables", found.tables)
save("risk_page", page_of(found, settings))
save("risk_metrics", found.summary)
