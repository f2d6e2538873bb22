"""Settings that could not be fitted are refused before anything is."""

from typing import Any

import pytest

from afraz.errors import ParamsError
from afraz.models.promotion.settings import PromotionSettings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"learners": ["s", "t"]}, "response must be among them"),
        ({"learners": ["response", "average"]}, "one that estimates an effect must be among them"),
        ({"second_learners": ["linear", "dr"]}, "proportional must be among them"),
        ({"second_learners": ["proportional", "average"]}, "and another one"),
        ({"second_learners": ["proportional", "one_rule"]}, "and another one"),
        ({"second_learners": ["proportional", "dr", "response"]}, "response can't be among them"),
        ({"tretment": "arm"}, "did you mean treatment"),
        ({"test_dates": 0}, "test_dates"),
    ],
)
def test_settings_that_could_not_be_fitted_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        PromotionSettings(**wrong)
