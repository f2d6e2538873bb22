"""Tiers by deciles: better is higher, and columns that say nothing are left out."""

import numpy as np
import pandas as pd

from afraz.models.pyfunc_segments import Predictor
from afraz.models.segmentation.settings import TiersLens
from afraz.models.segmentation.tiers import fit_tiers

LENS = TiersLens(kind="tiers", columns={"recency": "days", "margin": "margin"}, lower_is_better=["recency"])


def _assigned(lens: dict, table: pd.DataFrame) -> pd.Series:
    features = [{"name": c["name"], "type": "double"} for c in lens["columns"]]
    spec = {"format": 1, "model": "s", "features": features, "lenses": [{"name": "value", **lens}]}
    return Predictor(spec).predict(table)["value"]


def test_recent_and_profitable_customers_are_in_the_high_tier() -> None:
    table = pd.DataFrame({"days": np.arange(1000.0), "margin": 500.0 - np.arange(1000)})
    tier = _assigned(fit_tiers(table, LENS), table)
    assert tier.iloc[0] == "high"
    assert tier.iloc[-1] == "low"
    assert abs((tier == "high").mean() - 0.2) <= 0.1
    assert (table.loc[tier == "low", "margin"] < 0).any()


def test_constant_and_missing_columns_are_left_out() -> None:
    table = pd.DataFrame({"days": 5.0, "margin": np.arange(100.0)})
    assert [c["name"] for c in fit_tiers(table, LENS)["columns"]] == ["margin"]
    assert fit_tiers(table.assign(margin=np.nan), LENS) is None


def test_a_customer_of_whom_nothing_is_known_has_no_tier() -> None:
    table = pd.DataFrame({"days": np.arange(100.0), "margin": np.arange(100.0)})
    lens = fit_tiers(table, LENS)
    assert _assigned(lens, pd.DataFrame({"days": [np.nan], "margin": [np.nan]})).isna().all()
    assert _assigned(lens, pd.DataFrame({"days": [0.0], "margin": [np.nan]})).tolist() == ["high"]
