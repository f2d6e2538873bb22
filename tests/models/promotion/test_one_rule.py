"""One rule in words: what is said is what the tree does, where values are missing and at 0 too."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from afraz.models import gbm
from afraz.models.promotion.learners import ONE_RULE
from afraz.models.promotion.one_rule import in_words

Array = NDArray[np.float64]
X = np.where(np.arange(1000) < 300, np.nan, np.random.default_rng(0).poisson(0.7, 1000))


def said(x: Array, effect: Array) -> str:
    parameters = gbm.lightgbm_parameters(ONE_RULE, seed=0) | {"objective": "regression", "metric": "l2"}
    booster = gbm.train(gbm.dataset(x[:, None], effect, ["loans"]), parameters, 1)
    return in_words(booster, [{"name": "loans", "type": "double"}])


@pytest.mark.parametrize(
    ("better", "words"),
    [
        (np.isnan, "loans is missing"),
        (lambda x: ~np.isnan(x), "loans is known"),
        (lambda x: x > 1, "loans above 1.5"),
        (lambda x: ~(x <= 1), "loans above 1.5 or missing"),
        (lambda x: x <= 1, "loans up to 1.5"),
        (lambda x: ~(x > 1), "loans up to 1.5 or missing"),
        (lambda x: x > 0, "loans above 0"),
        (lambda x: ~(x > 0), "loans up to 0 or missing"),
    ],
)
def test_missing_values_and_thresholds_next_to_0_are_said_in_words(
    better: Callable[[Array], NDArray[np.bool_]], words: str
) -> None:
    assert said(X, better(X).astype(float)) == words


def test_a_threshold_just_below_0_does_not_take_0() -> None:
    known = -X[~np.isnan(X)]
    assert said(known, (known < 0).astype(float)) == "loans below 0"
    assert said(known, (known >= 0).astype(float)) == "loans at least 0"
