import re
from typing import Any

import numpy as np
import pytest

from afraz.errors import ParamsError
from afraz.models.credit.settings import CreditSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"forcd": []}, "unknown credit setting 'forcd': did you mean force?"),
        ({"candidates": ["score"]}, "credit setting candidates.0: input should be 'scorecard', 'logistic'"),
        ({"candidates": []}, "credit setting candidates: list should have at least 1 item"),
        ({"candidates": ["scorecard", "blend"]}, "blend adds up what is named before it: two or more others"),
        ({"candidates": ["scorecard", "blend", "logistic"]}, "each once, and blend last"),
        ({"grades": 7}, "credit setting grades: input should be greater than or equal to 8, got 7"),
        ({"grades": 13}, "credit setting grades: input should be less than or equal to 12, got 13"),
        ({"pdo": 0}, "credit setting pdo: input should be greater than 0, got 0"),
        ({"least_iv": -0.1}, "credit setting least_iv: input should be greater than or equal to 0, got -0.1"),
        ({"min_events": 9}, "credit setting min_events: input should be greater than or equal to 10, got 9"),
        ({"test_days": 0}, "credit setting test_days: input should be greater than or equal to 1, got 0"),
        ({"bins": {"income": [1, 2]}}, "credit setting bins.income: input should be a valid dictionary"),
        ({"monotone": {"income": 2}}, "credit setting monotone.income: input should be -1, 0 or 1, got 2"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(message)):
        CreditSettings(**values)


@pytest.mark.parametrize("parts", [["scorecard", "lightgbm"], ["scorecard", "logistic", "lightgbm"]])
def test_a_blend_may_add_up_any_two_or_more(parts: list[str]) -> None:
    assert CreditSettings(candidates=[*parts, "blend"]).candidates == [*parts, "blend"]


def test_the_logistic_regression_keeps_the_signs_that_the_others_keep() -> None:
    told = CreditSettings(monotone={"income": -1}).logistic()
    assert told["signs"] == {"income": -1}
    assert list(told["penalties"]) == sorted(told["penalties"], reverse=True)


def test_outcomes_and_protected_attributes_are_set_aside_but_for_the_allowed_ones() -> None:
    settings = CreditSettings(outcomes=["granted"], protected=["gender", "age_years"], allow_protected=["age_years"])
    assert settings.no_inputs == ["granted", "gender"]


def test_fewer_than_fifty_bad_outcomes_are_too_few_unless_the_bank_says_otherwise() -> None:
    assert CreditSettings().min_events == 50
    said = CreditSettings().too_few(31, 2400)
    assert said.startswith("31 bad outcomes in 2,400 rows to learn from, at least 50 are needed (19 more)")
    assert "at least 40 are needed (9 more)" in CreditSettings(min_events=40).too_few(31, 2400)


def test_the_scorecard_is_told_what_the_experts_chose() -> None:
    bins = {"income": {"splits": [1000]}}
    told = CreditSettings(force=["income"], bins=bins, max_variables=8, least_iv=0.05, points=660, odds=72).scorecard()
    assert (told["overrides"], told["force"], told["max_variables"], told["least_iv"]) == (bins, ["income"], 8, 0.05)
    assert told["scaling"].of(-np.log([72.0, 144.0])) == pytest.approx([660, 680])


def test_settings_do_not_change_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CreditSettings().grades = 9  # type: ignore[misc]
