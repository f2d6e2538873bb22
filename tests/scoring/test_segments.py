"""Segments of the customers of one date, by a model folder."""

from datetime import date

import pandas as pd
import pytest

from afraz.errors import ArtifactError, DataError
from afraz.models.artifact import Artifact, folder_digest
from afraz.scoring.segments import assign_segments

AS_OF = date(2026, 1, 1)
TIERS = {
    "name": "value", "kind": "tiers", "columns": [{"name": "m", "cuts": list(range(1, 10)), "lower_is_better": False}],
    "segments": [{"id": "high", "name": "high", "lowest": 6.0}, {"id": "low", "name": "low", "lowest": 1.0}],
}  # fmt: skip


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["b", "a", "c"], "m": [8.0, -2.0, 3.0]})


@pytest.fixture
def segments(tmp_path):
    spec = {"format": 1, "model": "segmentation", "features": [{"name": "m", "type": "double"}],
            "lenses": [TIERS, {"name": "needs", "kind": "none", "reason": "no structure"}]}  # fmt: skip
    Artifact(spec, {}).save(tmp_path / "segments")
    return tmp_path / "segments"


def test_every_customer_gets_a_row_with_all_lenses_and_the_manifest_says_why_one_is_missing(
    segments, customers
) -> None:
    found, manifest = assign_segments(segments, customers, as_of=AS_OF, model_digest=folder_digest(segments))
    assert found["customer_id"].tolist() == ["a", "b", "c"]
    assert found["value"].tolist() == ["low", "high", "low"]
    assert manifest["sizes"] == {"value": {"high": 1, "low": 2}}
    assert manifest["without_structure"] == {"needs": "no structure"}
    assert manifest["model_digest"] == folder_digest(segments)


def test_an_altered_model_and_a_repeated_customer_are_refused(segments, customers) -> None:
    with pytest.raises(DataError, match="repeat a customer_id"):
        assign_segments(segments, pd.concat([customers, customers.head(1)]), as_of=AS_OF)
    with pytest.raises(ArtifactError, match="altered"):
        assign_segments(segments, customers, as_of=AS_OF, model_digest="0" * 64)
