# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Follow-up: what became of granted credit
# Does each year's lending turn out as the last one did, do arrears roll on, do grades hold what they promise, and do
# those who override the policy know more than it? Only what has been observed to its end counts.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
cohorts: str = "Q"
longest: int = 24

# %%
from afraz.catalog import save
from afraz.features.credit_follow_up import followed_credit
from afraz.models.credit.follow_up import (
    headline,
    override_rates,
    realised_against_predicted,
    roll_rates,
    vintage_curves,
)
from afraz.reports import figures
from afraz.reports.tables import rates_matrix

# %%
applications, month_ends, closings = followed_credit(cohorts)
len(applications), len(month_ends)
# %% [markdown]
# ## Vintages
# Share of a quarter's loans that came into default by each month on book.
# %%
vintages = vintage_curves(applications, as_of=as_of, by=cohorts, longest=longest)
figures.vintage_curves(vintages)
# %% [markdown]
# ## Roll rates
# From one month's end to the next: of the loans in a row's bucket of days past due, the share that went to each column.
# %%
rolls = roll_rates(month_ends, closings)
rates_matrix(rolls).round(4)
# %% [markdown]
# ## Realised against predicted
# Each loan predicted by a model that had not seen it. One bad quarter may lie outside without anything being wrong.
# %%
granted = applications[applications["granted"]]
by_grade = realised_against_predicted(granted, by=["grade"])
by_grade.round(4)
# %%
by_cohort = realised_against_predicted(granted, by=["cohort"])
by_cohort.round(4)
# %% [markdown]
# ## Overrides
# Loans granted against the policy, beside loans of equal risk that it approved.
# %%
overrides = override_rates(applications)
overrides.round(4)
# %% [markdown]
# ## Save
# %%
both = realised_against_predicted(granted)
save("follow_up_tables", {
    "vintages": vintages, "roll_rates": rolls, "grade": by_grade, "cohort": by_cohort, "grade_cohort": both,
    "overrides": overrides,
})  # fmt: skip
measured = headline(by_grade, by_cohort, overrides)
save("follow_up_metrics", {"loans": len(applications), **measured})
measured["outside_interval"]
