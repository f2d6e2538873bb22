"""A scorecard beside other heads: the same margins over inputs that they share."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.models.artifact import Artifact
from afraz.models.encoding import FoldEncoder
from afraz.models.scorecard import Scorecard, fit_scorecard
from afraz.models.shared_inputs import shared_inputs

LEVELS = ("car", "house", "trip", "boat", "rare")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 4000
    frame = pd.DataFrame({
        "income": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
        "purpose": rng.choice(LEVELS, n, p=[0.3, 0.3, 0.2, 0.19, 0.01]),
        "region": rng.choice(["north", "south"], n),
        "unused": rng.normal(size=n),
    })  # fmt: skip
    effect = frame["purpose"].map({"car": 1.2, "house": -0.5, "trip": 1.0, "boat": 0.0, "rare": 0.5})
    z = effect - frame["income"].fillna(0) - 1
    frame["bad"] = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)
    frame.loc[rng.random(n) < 0.1, "purpose"] = None
    return frame


@pytest.fixture(scope="module")
def card(rows: pd.DataFrame) -> Scorecard:
    return fit_scorecard(rows[["income", "purpose", "region", "unused"]], rows["bad"], force=["region"])


@pytest.fixture(scope="module")
def features(rows: pd.DataFrame) -> list[dict[str, Any]]:
    frame = rows[["unused", "region", "income", "purpose"]]
    return FoldEncoder(frame, rows["bad"].to_numpy(), np.arange(len(rows)) % 5).features()


def _margins(features: list[dict[str, Any]], head: dict[str, Any], frame: pd.DataFrame) -> np.ndarray:
    spec = {"format": 1, "model": "toy", "features": features, "heads": [{"name": "default", **head}],
            "outputs": [{"name": "p", "head": "default"}]}  # fmt: skip
    return Artifact(spec, {}).margins(frame)["default"]


def test_margins_are_those_of_the_scorecard_for_known_missing_and_unseen_values(
    rows: pd.DataFrame, card: Scorecard, features: list[dict[str, Any]]
) -> None:
    strange = pd.DataFrame({"income": [np.nan, 9.0, -9.0, 0.0], "purpose": ["moon", None, "rare", "car"],
                            "region": ["east", "north", None, "south"], "unused": 0.0})  # fmt: skip
    frame = pd.concat([rows, strange], ignore_index=True)
    told, head = shared_inputs(card, features)
    assert "unused" not in card.variables
    assert _margins(told, head, frame) == pytest.approx(card.margin(frame), abs=1e-12)


def test_rates_that_collapse_to_one_value_are_told_apart_by_next_to_nothing(
    rows: pd.DataFrame, card: Scorecard, features: list[dict[str, Any]]
) -> None:
    flat = [f | {"levels": dict.fromkeys(f["levels"], 0.3), "missing": 0.3, "other": 0.3} if "levels" in f else f
            for f in features]  # fmt: skip
    told, head = shared_inputs(card, flat)
    assert _margins(told, head, rows) == pytest.approx(card.margin(rows), abs=1e-12)
    purpose = next(f for f in told if f["name"] == "purpose")
    codes = [*purpose["levels"].values(), purpose["missing"], purpose["other"]]
    assert len(set(codes)) > 1
    assert codes == pytest.approx([0.3] * len(codes), abs=1e-14)


def test_what_needs_no_telling_apart_stays_and_the_given_features_are_not_altered(
    card: Scorecard, features: list[dict[str, Any]]
) -> None:
    before = [dict(feature) for feature in features]
    told, _ = shared_inputs(card, features)
    assert features == before
    assert [told[j] for j in (0, 2, 3)] == [features[j] for j in (0, 2, 3)], "all rates of the purposes differ already"
    assert told[1] != features[1], "those of the regions do not"


def test_a_variable_that_is_no_input_is_refused(card: Scorecard, features: list[dict[str, Any]]) -> None:
    with pytest.raises(ParamsError, match="the features leave out purpose, which the scorecard uses"):
        shared_inputs(card, [f for f in features if f["name"] != "purpose"])
