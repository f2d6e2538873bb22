# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Score segments: every customer in every lens
# The champion segmentation assigns the customers of `as_of`; it fits nothing. One row per customer with all lenses, for
# audiences (`afraz audience "value == 'high' and loyalty == 'at_risk'"`), lists and reports.

# %% tags=["parameters"]
as_of: str = "2026-07-01"

# %%
from datetime import date

from afraz.catalog import save, target
from afraz.features.segment_inputs import segment_inputs
from afraz.governance.registry import champion_in_use
from afraz.reports.tables import segment_sizes
from afraz.scoring.segments import assign_segments
from afraz.scoring.sinks import write_scores

# %%
champion = champion_in_use("segmentation")
customers = segment_inputs([date.fromisoformat(as_of)])
champion.digest, customers.shape
# %% [markdown]
# ## Assign
# %%
segments, manifest = assign_segments(
    champion.folder, customers, as_of=date.fromisoformat(as_of), model_digest=champion.digest
)
manifest["without_structure"]
# %% [markdown]
# ## Sizes
# %%
segment_sizes(manifest["sizes"], manifest["segments"]).style.hide(axis="index")
# %% [markdown]
# ## Save
# %%
write_scores(segments, manifest, target("segmentation_scores", as_of=as_of))
save("score_segments_metrics", {"customers": len(segments), "sizes": manifest["sizes"]})
