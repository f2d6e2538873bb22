"""Challengers beside the champion: only dates that neither learned from are compared, a loan counts once."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import NotApplicable
from afraz.features.matured import OUTCOMES
from afraz.governance.registry import Champion
from afraz.pipeline import shadow
from afraz.scoring.sinks import write_scores

DIGESTS = {"champion": "c" * 64, "challenger": "d" * 64}


@pytest.fixture
def scored(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Two dates that both versions scored; outcomes follow the challenger's scores, learned until between the dates."""
    rng = np.random.default_rng(7)
    rows = 800
    outcomes = []
    for day in ("2026-01-01", "2026-04-01"):
        good = rng.uniform(0.02, 0.5, rows)
        ids = [f"C{i:04d}" for i in range(rows)]
        for who, chance in (("challenger", good), ("champion", np.clip(good + rng.normal(0, 0.2, rows), 0.01, 0.9))):
            place = (catalog.path("churn_scores", as_of=day) if who == "champion"
                     else shadow.shadow_place("churn_scores", "churn", DIGESTS[who], day))  # fmt: skip
            scores = pd.DataFrame({"customer_id": ids, "as_of": pd.Timestamp(day), "leave_90": chance})
            write_scores(scores, {"model": "churn", "model_digest": DIGESTS[who], "as_of": day}, place)
        outcomes.append(pd.DataFrame({"customer_id": ids, "as_of": pd.Timestamp(day),
                                      "label": (rng.random(rows) < good).astype(float)}))  # fmt: skip
    whole = pd.concat(outcomes, ignore_index=True)

    def matured(model: str, as_of: Any) -> pd.DataFrame:
        return whole[whole["as_of"] == pd.Timestamp(as_of)]

    monkeypatch.setattr(shadow, "matured_outcomes", matured)
    monkeypatch.setattr(shadow, "learned_until", lambda folder: "2026-02-01")
    return whole


def _version(who: str) -> Champion:
    return Champion("churn", 1, DIGESTS[who], Path("model"))


def test_only_dates_after_the_last_outcome_that_was_learned_are_compared(scored: pd.DataFrame) -> None:
    mine, theirs = shadow._matured_pair("churn", _version("challenger"), _version("champion"))
    assert set(mine["as_of"]) == set(theirs["as_of"]) == {pd.Timestamp("2026-04-01")}
    assert (mine["label"] == theirs["label"]).all()
    found = shadow.compare(
        "churn", shadow._contender(_version("challenger"), mine), shadow._contender(_version("champion"), theirs)
    )
    auc = found.measures.set_index("measure").loc["roc_auc"]
    assert auc["low"] > 0, "the outcomes were drawn from the challenger's probabilities"


def test_scores_of_another_champion_are_not_compared(scored: pd.DataFrame) -> None:
    other = Champion("churn", 2, "e" * 64, Path("model"))
    with pytest.raises(NotApplicable, match="2026-04-01 was not scored with the present champion"):
        shadow._matured_pair("churn", _version("challenger"), other)


def test_where_everything_was_learned_from_nothing_is_compared(
    scored: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "learned_until", lambda folder: "2026-09-01")
    with pytest.raises(NotApplicable, match="2026-04-01 lies before the last outcome .* learned from .2026-09-01."):
        shadow._matured_pair("churn", _version("challenger"), _version("champion"))


def test_a_loan_that_two_dates_scored_counts_once_as_it_was_scored_last() -> None:
    rows = pd.DataFrame({"loan_id": ["L1", "L2", "L1"], "default_probability": [0.1, 0.2, 0.3]})
    assert shadow._once(rows)["default_probability"].tolist() == [0.2, 0.3]


def test_models_with_outcomes_are_those_whose_files_are_judged() -> None:
    assert set(shadow.JUDGED) == set(OUTCOMES)
