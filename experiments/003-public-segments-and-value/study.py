# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # 003: segments and value on data that nobody simulated for them
# Purchase models are held against their published fits, and a LightGBM forecast against BG/NBD (CDNOW). Each public set
# has a module of its own beside this notebook, with one function that returns its part of `results.json`.

# %% tags=["parameters"]
seed: int = 7
resampled: int = 500

# %%
import os
import sys
from pathlib import Path

import pandas as pd

from afraz.catalog import root, to_json

sys.path.insert(0, str(Path.cwd()))
from cdnow import cdnow

# %%
stated = Path(os.environ["AFRAZ_PUBLIC_DATA"])
public = stated if stated.is_absolute() else root() / stated
results = {}
# %% [markdown]
# ## CDNOW: what is published of the sample
# 39 weeks to learn from, 39 held out; 2,357 customers who came in the first quarter of 1997. Published: BG/NBD .2426,
# 4.4136, .7929, 2.4259 and −9582.4; Pareto/NBD .553, 10.578, .606, 11.669 and −9595.0; Gamma–Gamma 6.25, 3.74, 15.44
# and −4055.9.
# %%
results["cdnow"] = cdnow(public, seed=seed, resampled=resampled)
pd.Series(results["cdnow"]["bg_nbd"])
# %%
pd.Series(results["cdnow"]["pareto_nbd"])
# %%
pd.Series(results["cdnow"]["gamma_gamma"])
# %% [markdown]
# ## CDNOW: does LightGBM beat BG/NBD?
# All 23,570 customers. LightGBM learns from the first 26 weeks what happened in the next 13, and is brought to 39 weeks
# by the ratio of BG/NBD's own expectations; or it learns by how much BG/NBD is off. What has seen other customers'
# hold-out could not have been known at week 39: it shows how much there is to find, and is no competitor. The mean
# absolute error rewards predicting 0, so that forecast stands beside.
# %%
master = results["cdnow"]["master"]
forecasts = pd.DataFrame({name: master[name] for name in ("bg_nbd", *master["difference"])}).T
forecasts[[name for name in forecasts if not name.endswith(("_low", "_high"))]].round(4)
# %%
master["all_zero"]
# %% [markdown]
# Minus BG/NBD, with 95 % intervals over customers; of the total error, how much further from 0 it lies.
# %%
pd.DataFrame(master["difference"]).round(4)
# %%
pd.concat({name: pd.DataFrame(found) for name, found in master["other_seeds"].items()}).round(4)
# %% [markdown]
# ## Results
# %%
Path("results.json").write_text(to_json(results))
results
