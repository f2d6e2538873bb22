# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---
# %% [markdown]
# # Score value: coming margin, next purchase, next product, tier
# One row per customer by the champion. The total has its own interval: what all customers have in common, a good year
# or a bad one, does not even out.

# %% tags=["parameters"]
as_of: str = "2026-07-01"
cost_per_contact: float = 5.0
high_share: float = 0.2

# %%
from datetime import date

import pandas as pd

from afraz.catalog import path, reason_not_applicable, save, target
from afraz.features.segment_inputs import segment_inputs
from afraz.features.value_training import quarterly_margin
from afraz.governance.registry import champion_in_use
from afraz.models.value.margin_curve import level_error
from afraz.scoring.sinks import read_scores, write_scores
from afraz.scoring.value import income_by_segment, score_value

# %%
champion = champion_in_use("value")
today = date.fromisoformat(as_of)
error, degrees = level_error(quarterly_margin(today))
error, degrees
# %%
scores, manifest = score_value(
    champion.folder, segment_inputs([today], predicted=False), as_of=today, cost_per_contact=cost_per_contact,
    high_share=high_share, level_error=error, degrees=degrees, model_digest=champion.digest,
)  # fmt: skip
pd.DataFrame(manifest["total"]).T.round(0)
# %%
scores.groupby("tier")[["expected_margin_12m", "net_value_12m"]].agg(["size", "mean", "sum"]).round(2)
# %% [markdown]
# ## Expected income of the coming year by segment
# %%
absent = reason_not_applicable("score_segments_metrics")
segments, assigned = (None, None) if absent else read_scores(path("segmentation_scores", as_of=as_of))
income = pd.DataFrame() if absent else income_by_segment(scores, segments, list(assigned["segments"]))
income.round(3)
# %% [markdown]
# ## Save
# %%
write_scores(scores, manifest, target("value_scores", as_of=as_of))
tiers = {str(tier): int(n) for tier, n in scores["tier"].value_counts().sort_index().items()}
save("score_value_metrics", {
    "customers": len(scores), "total": manifest["total"], "tiers": tiers, "income": income.to_dict("records"),
})  # fmt: skip
