# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Feedback: what campaigns brought
# Which campaigns, offers, channels and segments work, which don't, which harm, and what can't be said yet. Everybody
# assigned an offer against control, week by week, in tests that may be looked at every week.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
currency: str = "XTS"
level: float = 0.05
planned_responses: float = 300
final_share: float = 0.8
worthwhile: float = 0.02
offer_due: str = "response"
window_days: int = 30
cell_lens: str = "value"
cell_by: list = []
smallest_cell: int = 50
cell_responses: float = 60
operations_days: int = 7
smallest_shown: int = 20

# %%
from afraz.catalog import save
from afraz.decisioning.feedback.effects import Costs
from afraz.decisioning.feedback.findings import feedback_inputs, find_effects, week_of
from afraz.decisioning.feedback.holdout import lasting_holdout
from afraz.decisioning.feedback.sequential import SequentialTest
from afraz.reports.pages import management_page, operations_page

# %% [markdown]
# ## Load
# Branch and region are those of today, segments those of the last month before the assignment.
# %%
inputs = feedback_inputs()
inputs.treatments.shape, inputs.campaigns.shape
# %% [markdown]
# ## Estimate
# %%
found = find_effects(
    inputs, as_of=as_of, test=SequentialTest(level, planned_responses, final_share), costs=Costs(offer_due),
    worthwhile=worthwhile, cell_test=SequentialTest(level, cell_responses), cell_lens=cell_lens, cell_by=cell_by,
    smallest_cell=smallest_cell, window_days=window_days,
)  # fmt: skip
facts, effects, verdicts, cells, rejects = (found.tables[n] for n in found.tables)
facts[["campaign_id", "assigned", "control", "delivered", "reached", "basis", "no_estimate", "remarks"]]
# %% [markdown]
# ## Verdicts
# %%
verdicts.query("cut == 'campaign'").drop(columns=["cut", "lens", "basis", "discovery"]).round(4)
# %%
strategies = verdicts.query("cut in ('offer', 'channel', 'segment')")
strategies[["cut", "lens", "part", "effect", "low", "high", "verdict", "pays"]].round(4)
# %% [markdown]
# ## Cells that stand out
# %%
cells[cells["discovery"]]
# %% [markdown]
# ## All campaigns together
# Everybody else against the lasting holdout, half a year and a year after the first round.
# %%
together = lasting_holdout(as_of, inputs.treatments, level=level)
print(together.said)
together.table.round(2)
# %% [markdown]
# ## The week
# %%
week = week_of(inputs, facts, as_of=as_of, days=operations_days, smallest=smallest_shown)
week.campaigns
# %% [markdown]
# ## Save
# %%
brought = management_page(
    facts, effects, verdicts, cells, together.table, as_of=as_of, level=level, worthwhile=worthwhile,
    rejected=len(rejects), currency=currency, cell_lens=cell_lens, holdout=together.said,
)  # fmt: skip
done = operations_page(
    week.campaigns, week.channels, week.branches, as_of=as_of, days=operations_days, current=week.current,
    smallest=smallest_shown,
)  # fmt: skip
# %%
save("feedback_management", brought)
save("feedback_operations", done)
save("feedback_tables", {**found.tables, "holdout": together.table})
save("feedback_metrics", {**found.summary, "holdout": {"said": together.said, "looks": together.looks()}})
found.summary["verdicts"]
