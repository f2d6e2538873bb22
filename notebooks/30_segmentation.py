# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Segmentation: six lenses on every customer, and who moves between segments
# Each lens looks at one side of a customer. Clusters are taken only where the evidence speaks for them; a lens without
# structure says so. The model fitted on the last month assigns every month before it, so moves are the customers' own.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
seed: int = 7
lenses: dict = {}
clusters: list = [2, 6]
bootstrap: int = 6
nulls: int = 3
sample_rows: int = 3000
starts: int = 3
min_share: float = 0.03
min_stability: float = 0.8
moves: list = []
held: int = 1
at_stake: str = "margin_365d"
explained_by: list = []
refit_every: int = 3
refit_rows: int = 10000
refit_resamples: int = 19

# %%
import pandas as pd

from afraz.catalog import save, save_all
from afraz.features.dictionary import phrases_of_features
from afraz.features.segment_inputs import segment_inputs
from afraz.models.segmentation.history import assign_months, months_flagged, watched
from afraz.models.segmentation.moves import moves_that_matter
from afraz.models.segmentation.named import segment_names
from afraz.models.segmentation.refit import refit_causes
from afraz.models.segmentation.segmentation import SegmentationSettings, fit_segmentation

# %% [markdown]
# ## Fit on the last month
# %%
settings = SegmentationSettings(
    lenses=lenses, clusters=tuple(clusters), bootstrap=bootstrap, nulls=nulls, sample_rows=sample_rows, starts=starts,
    min_share=min_share, min_stability=min_stability, moves=moves, seed=seed,
)  # fmt: skip
words = phrases_of_features()
inputs = segment_inputs()
result = fit_segmentation(inputs[inputs["as_of"] == as_of], settings, phrases=words)
pd.DataFrame(result.metrics["lenses"]).T.drop(columns=["silence", "shares"], errors="ignore")
# %% [markdown]
# Who never answered has said nothing of what such a lens looks at: they are placed by what resembles those who did.
# %%
pd.DataFrame({n: m["silence"] for n, m in result.metrics["lenses"].items() if "silence" in m}).T.iloc[:, :3]
# %% [markdown]
# ## The evidence
# %%
result.tables["evidence"].round(3)
# %% [markdown]
# ## What sets segments apart
# The two largest differences of each; `tables/profile.csv` of the run has more.
# %%
result.tables["profile"].groupby(["lens", "segment"], sort=False).head(2).round(3)
# %% [markdown]
# ## Every month
# Ageing moves customers every month. A month is flagged when its net movement is unusual against the months before it;
# the first months, for which nothing is usual yet, are held against chance alone, and any drift flags them.
# %%
segments = assign_months(result.model, inputs, [at_stake, *explained_by])
named = list(segment_names(result.model.spec))
watch = watched(segments, named, [at_stake])
flagged = months_flagged(watch["movement"])
flagged
# %%
watch["movement"].query("as_of == as_of.max()").drop(columns="as_of").round(4)
# %% [markdown]
# ## The customer, the centroid or the cut-point?
# Had the segmentation been fitted some months ago, some customers would be in other segments today without having
# moved themselves. Fits to resamples of this month say how much of that is nothing.
# %%
why = refit_causes(
    result.model, inputs, settings, every=refit_every, rows=refit_rows, resamples=refit_resamples
)  # fmt: skip
why.in_words()
# %%
why.table
# %% [markdown]
# ## Moves that matter
# %%
spoken = segments.drop(columns=named).rename(columns={f"{lens}_name": lens for lens in named})
found = moves_that_matter(spoken, settings.moves, at_stake, inputs=explained_by, phrases=words, held=held)
found.head(10)
# %% [markdown]
# ## Save
# %%
save("segments", segments)
save("segment_moves", found)
save_all("segmentation", {
    "model": result.model, "sample": result.sample, "tables": {**result.tables, **watch, **why.tables()},
    "metrics": {**result.metrics, "months_flagged": flagged, "moves": len(found)},
})  # fmt: skip
