"""Every model of the registry can be scored by date; what cannot be is refused by name."""

from pathlib import Path

import pytest

from afraz.errors import ParamsError
from afraz.governance.entries import read_entries
from afraz.pipeline.score import SCORERS, score_as_of

REPO = Path(__file__).resolve().parents[2]


def test_every_registered_model_has_a_scorer() -> None:
    assert set(SCORERS) == set(read_entries(REPO / "mlflow" / "registry.yaml"))


def test_a_wrong_date_or_model_is_refused(workspace: Path) -> None:
    with pytest.raises(ParamsError, match="expected an ISO date such as 2026-07-01"):
        score_as_of("churn", "1.7.2026")
    with pytest.raises(ParamsError, match="no model 'chrun'"):
        score_as_of("chrun", "2026-07-01")
