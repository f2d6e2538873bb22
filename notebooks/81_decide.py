# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Decide: who gets which offer, when and through which channel
# Rules first, then worth: what an offer adds, less what it costs, less what it drives away and what it lends badly. The
# round keeps a lasting holdout, a control group for each campaign and a small random part: only these tell later what
# the offers did.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
limits: dict = {"per_week": 1, "per_month": 3}
resources: dict = {"weeks": 4, "channel_capacity": {}}
strips: dict = {"holdout": 0.02, "exploration": 0.02}
power: dict = {"base_rate": 0.06, "smallest_effect": 0.02}
credit: dict = {}
exclusions: str = ""
opening_hours: dict = {}
valid_days: int = 14

# %%
from datetime import date
from pathlib import Path

import pandas as pd

from afraz.catalog import root, save, target
from afraz.decisioning.balance import check_sizes
from afraz.decisioning.decide import decide, decision_inputs
from afraz.decisioning.desk import write_index
from afraz.decisioning.round_campaigns import round_campaigns

# %%
today = date.fromisoformat(as_of)
inputs = decision_inputs(today)
# %%
found = decide(
    inputs, today, limits=limits, resources=resources, strips=strips, power=power, credit=credit,
    exclusions=root() / Path(exclusions) if exclusions else None, opening_hours=opening_hours, valid_days=valid_days,
    seed=seed,
)  # fmt: skip
pd.Series(found.summary, dtype=object).to_frame("round")
# %% [markdown]
# ## Who may be offered what
# Options by the first rule that stands against them; rules that could not be asked say why.
# %%
found.eligibility.counts
# %%
pd.Series({**inputs.absent, **found.eligibility.not_applicable}, dtype=str).to_frame("not applicable, because")
# %% [markdown]
# ## What is scarce, and what one more would bring
# %%
found.prices[["limit", "capacity", "used", "shadow_price", "said"]].round(2)
# %% [markdown]
# ## The lists
# %%
found.tables["contact_list"].groupby(["week", "channel", "offer"])["net_value"].agg(["size", "mean", "sum"]).round(2)
# %%
found.tables["contact_list"].head(10).T
# %% [markdown]
# ## Set apart
# %%
found.tables["control_sizes"].round(3)
# %%
check_sizes(found.tables["strips"]).round(4)
# %% [markdown]
# ## What a desk sees
# %%
found.tables["desk"].groupby(["routing_priority", "tier"], dropna=False)["leaving_risk"].agg(["size", "mean"]).round(4)
# %% [markdown]
# ## Save
# A round is kept whole: responses come back when later rounds are decided, and the holdout is compared after months.
# %%
contacts, withheld = found.tables["contact_list"], found.tables["withheld"]
campaigns = round_campaigns(contacts, withheld, inputs.offers, today, limits)
kept = {"round": contacts, "round_withheld": withheld, "round_campaigns": campaigns,
        "round_strips": found.tables["strips"]}  # fmt: skip
campaigns
# %%
saved = {name: save(name, table) for name, table in found.tables.items()}
saved |= {name: save(name, table, as_of=as_of) for name, table in kept.items()}
write_index(found.tables["desk"], target("desk_index"))
save("decide_metrics", found.summary)
saved
