"""Loyalty by rules: the first that fits, and never more loyal because less is known."""

import numpy as np
import pandas as pd

from afraz.models.pyfunc_segments import Predictor
from afraz.models.segmentation.loyalty import ROLES, loyalty_rules
from afraz.models.segmentation.settings import RulesLens

USUAL = {"tenure": 1000, "silence": 3, "gaps": 1.0, "change": 0.0, "rhythm": 0.3, "products": 4, "salary": 1.0,
         "satisfaction": 5}  # fmt: skip
CASES = {
    "loyal": {}, "lost": {"silence": 300, "gaps": 9}, "new": {"tenure": 60}, "at_risk": {"change": -0.6},
    "potential": {"tenure": 400}, "passing": {"rhythm": 0.01, "products": 1, "salary": 0},
}  # fmt: skip


def _assigned(table: pd.DataFrame) -> list[str]:
    lens = loyalty_rules(table, RulesLens(kind="rules"))
    features = [{"name": c, "type": "double"} for c in lens["columns"]]
    spec = {"format": 1, "model": "s", "features": features, "lenses": [{"name": "loyalty", **lens}]}
    return Predictor(spec).predict(table)["loyalty"].tolist()


def test_each_case_falls_under_its_rule() -> None:
    table = pd.DataFrame([{ROLES[r]: v for r, v in {**USUAL, **case}.items()} for case in CASES.values()]).astype(float)
    assert _assigned(table) == list(CASES)


def test_the_first_rule_that_fits_holds_and_dissatisfaction_is_a_risk() -> None:
    rows = [{**USUAL, "tenure": 60, "change": -0.6}, {**USUAL, "satisfaction": 2}, {**USUAL, "satisfaction": 3}]
    table = pd.DataFrame([{ROLES[r]: v for r, v in row.items()} for row in rows]).astype(float)
    assert _assigned(table) == ["new", "at_risk", "loyal"]


def test_a_missing_value_or_column_fulfils_no_condition() -> None:
    table = pd.DataFrame([{ROLES[r]: v for r, v in USUAL.items()}]).astype(float)
    assert _assigned(table.assign(**{ROLES["rhythm"]: np.nan})) == ["potential"]
    assert _assigned(table.drop(columns=ROLES["tenure"])) == ["potential"]


def test_without_any_column_there_are_no_rules() -> None:
    assert loyalty_rules(pd.DataFrame({"x": [1.0]}), RulesLens(kind="rules")) is None
