"""Settings: what is unknown or out of range is refused by name."""

import re

import pytest

from afraz.errors import ParamsError
from afraz.models.churn_settings import ChurnSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_trails": 3}, "unknown churn setting 'n_trails': did you mean n_trials?"),
        ({"n_trials": "many"}, "churn setting n_trials: input should be a valid integer"),
        ({"horizons": [90, 30]}, "churn setting horizons: horizons must be positive days, rising"),
        ({"monotone": {"age": 2}}, "churn setting monotone.age"),
        ({"candidates": ["forest"]}, "churn setting candidates.0"),
        ({"candidates": ["lightgbm", "blend"]}, "blend adds up logistic and lightgbm"),
        ({"candidates": []}, "churn setting candidates"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(values: dict, message: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(message)):
        ChurnSettings(**values)


def test_validation_of_a_mapping_refuses_in_the_same_words() -> None:
    with pytest.raises(ParamsError, match="unknown churn setting 'fold': did you mean folds"):
        ChurnSettings.model_validate({"fold": 3})


def test_outputs_follow_the_horizons_or_the_one_label() -> None:
    assert ChurnSettings(horizons=[7, 14]).labels == {"leave_7": "leaves_7", "leave_14": "leaves_14"}
    assert ChurnSettings(label="churn").labels == {"leave": "churn"}
