"""Conditions that find an audience: what they mean, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.scoring.audience import matching, read_condition

LENSES = {
    "value": {"high": "high value", "low": "low value"},
    "loyalty": {"at_risk": "at risk", "loyal": "loyal"},
}


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({
        "value": ["high", "high", "low", None],
        "loyalty": ["at_risk", "loyal", "at_risk", "at_risk"],
        "region_id": ["R07", "R07", "R01", None],
        "age_years": [30.0, 50.0, np.nan, 70.0],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("value in ['high'] and loyalty == 'at_risk' and region_id == 'R07'", [1, 0, 0, 0]),
        ("value == 'high value'", [1, 1, 0, 0]),
        ("value != 'high'", [0, 0, 1, 1]),
        ("value not in ('high', 'low value')", [0, 0, 0, 1]),
        ("age_years >= 50 or loyalty == 'loyal'", [0, 1, 0, 1]),
        ("not age_years >= 50", [1, 0, 1, 0]),
        ("age_years > 20 < 60", None),
        ("30 <= age_years", None),
        ("30 < 40", None),
        ("age_years in [30, 70]", [1, 0, 0, 1]),
    ],
)
def test_a_condition_means_what_python_means(table, text, expected):
    if expected is None:
        with pytest.raises(ParamsError, match="not understood"):
            read_condition(text)
        return
    assert matching(table, read_condition(text), LENSES).astype(int).tolist() == expected


@pytest.mark.parametrize(
    "text",
    ["open('x')", "value.upper() == 'A'", "value == region_id", "lambda: 1", "value == (yield)", "[x for x in value]",
     "value == f'{loyalty}'", "value is None", "age_years + 1 > 3", "value"],
)  # fmt: skip
def test_nothing_but_comparisons_is_understood(text):
    with pytest.raises(ParamsError, match=r"not understood|cannot be read"):
        read_condition(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loyalty == 'gone'", r"no segment 'gone': it has at_risk \(at risk\), loyal \(loyal\)"),
        ("value in ['high', 'huge']", "no segment 'huge'"),
        ("loyality == 'loyal'", "did you mean loyalty"),
        ("zzz == 1", "Lenses are value, loyalty"),
        ("age_years == 'old'", "holds numbers"),
        ("region_id > 3", "holds text"),
        ("value in 'high'", "take a list"),
        ("value == ['high']", "take a list"),
        ("value ==", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_wrong_condition_is_refused_with_what_is_known(table, text, said):
    with pytest.raises(ParamsError, match=said):
        matching(table, read_condition(text), LENSES)


def test_the_table_is_not_changed(table):
    before = table.copy()
    matching(table, read_condition("value == 'high' and age_years < 60"), LENSES)
    pd.testing.assert_frame_equal(table, before)
