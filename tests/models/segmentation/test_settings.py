"""Settings refuse what they don't know, by name."""

import pytest

from afraz.errors import ParamsError
from afraz.models.segmentation.settings import SegmentationSettings

CLUSTERS = {"kind": "clusters", "numbers": ["age"]}
MOVE = {"lens": "a", "before": ["x"], "after": ["y"], "why": "left"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"min_stabilty": 0.5}, "unknown segmentation setting 'min_stabilty': did you mean min_stability"),
        ({"lenses": {"a": {"kind": "rules", "risk_gap": 2}}}, r"'lenses.a.risk_gap': did you mean risk_gaps"),
        ({"moves": [{**MOVE, "wieght": 2}]}, r"'moves.0.wieght': did you mean weight"),
        ({"moves": [{**MOVE, "weight": 0}]}, "moves.0.weight: input should be greater than 0"),
        ({"lenses": {"a": {"kind": "cluster"}}}, "unknown kind 'cluster', did you mean clusters"),
        ({"lenses": {"a": {"kind": "clusters"}}}, "needs numbers, texts, counts, themes or of"),
        ({"lenses": {"a": {**CLUSTERS, "answered": "nps"}}}, "known columns"),
        ({"lenses": {"a": {**CLUSTERS, "clusters": (1, 4)}}}, "two numbers from 2 to 20"),
        ({"lenses": {"a": {"kind": "tiers", "columns": {"m": "m"}, "tiers": {"low": 0.1, "high": 0.8}}}},
         "lowest .* at 0"),
        ({"lenses": {"a": {"kind": "tiers", "columns": {"recency": "m"}, "lower_is_better": ["recensy"]}}},
         "did you mean recency"),
        ({"lenses": {"a": CLUSTERS, "both": {"kind": "clusters", "of": ["aa"]}}}, "not 'aa'; did you mean a"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_place(changes: dict, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        SegmentationSettings(**{"lenses": {"a": CLUSTERS}, **changes})


def test_tiers_may_stand_in_any_order_and_a_lens_of_others_joins_their_inputs() -> None:
    lenses = {
        "value": {"kind": "tiers", "columns": {"m": "m"}, "tiers": {"low": 0.0, "high": 0.8, "medium": 0.4}},
        "a": CLUSTERS, "b": {"kind": "clusters", "texts": ["gender"]}, "both": {"kind": "clusters", "of": ["a", "b"]},
    }  # fmt: skip
    joined = SegmentationSettings(lenses=lenses).inputs("both")
    assert (joined.numbers, joined.texts) == (["age"], ["gender"])
