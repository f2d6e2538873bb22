# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Ingest: every row accepted or refused, none lost
# Turns what operational systems deliver into the canonical tables. A refused row keeps its rule, its source and its
# line in `data/rejects/`; too many of them stop the stage, because then the delivery is at fault.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
source: str = "demo"
sources: dict = {"demo": [{"kind": "demo", "path": "data/source/demo"}]}
max_reject_share: float = 0.02

# %%
from datetime import date

from afraz.catalog import load, save, target
from afraz.data.ingest import ingest
from afraz.data.sources.choice import chosen

# %% [markdown]
# ## Read, check, write
# %%
report = ingest(
    chosen(sources, source), target("canonical"), target("rejects"),
    observed_until=date.fromisoformat(as_of), max_reject_share=max_reject_share,
)  # fmt: skip

# %% [markdown]
# ## Accepted and refused
# `read = accepted + rejected` holds for every table, or the stage would have stopped.
# %%
report.table()
# %% [markdown]
# Why rows were refused.
# %%
report.causes()
# %%
save("ingest_tables", {"accepted": report.table(), "causes": report.causes()})
# %% [markdown]
# The period that each table covers, and what the source says of itself.
# %%
load("coverage")
