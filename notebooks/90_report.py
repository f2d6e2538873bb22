# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Reports: what management and operations look at
# One folder of pages and CSV files. Management sees groups and no customer; operations see the customers of their
# lists. What an earlier stage did not bring is named with the reason, and the rest goes on.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
smallest: int = 10
days: int = 7
list_week: int = 1
previous: str = ""
currency: str = "XTS"

# %%
import pandas as pd

from afraz.catalog import save
from afraz.decisioning.report_inputs import gather, previous_list, worked
from afraz.decisioning.report_site import build_site, summary

# %% [markdown]
# ## Gather
# %%
found = gather(as_of)
pd.Series(found.absent, dtype=str).to_frame("not there, because")
# %%
week = worked(as_of, days, smallest, found.frames.get("campaigns"))
before = previous_list(as_of, previous)
{name: table.shape for name, table in week.items()}
# %% [markdown]
# ## Build
# %%
site = build_site(
    found, week, before, as_of=as_of, currency=currency, smallest=smallest, days=days, list_week=list_week
)
pd.DataFrame([(p.place, len(p.listings)) for p in site.pages], columns=["page", "tables"])
# %% [markdown]
# ## Save
# %%
save("report_site", site)
save("report_metrics", summary(site, found))
summary(site, found)
