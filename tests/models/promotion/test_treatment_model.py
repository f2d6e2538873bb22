import numpy as np
import pandas as pd
import pytest

from afraz.models.discrimination import delong
from afraz.models.promotion.balance import covariates
from afraz.models.promotion.design import read_design
from afraz.models.promotion.treatment_model import (
    arm_folds,
    auc_of_arm,
    cross_fitted,
    estimated_propensity,
    forward_fitted,
    weighted_auc,
)


def test_equal_weights_give_delong() -> None:
    rng = np.random.default_rng(1)
    y, s = rng.integers(0, 2, 300).astype(float), rng.normal(size=300).round(1)  # with ties
    expected = delong(y, s)
    assert weighted_auc(y, s, np.full(300, 3.0)) == pytest.approx((expected["value"], expected["standard_error"]))


def test_a_weight_is_a_number_of_equal_rows() -> None:
    rng = np.random.default_rng(2)
    y, s, w = rng.integers(0, 2, 200).astype(float), rng.normal(size=200).round(1), rng.integers(1, 5, 200)
    repeated = weighted_auc(np.repeat(y, w), np.repeat(s, w), np.ones(w.sum()))[0]
    assert weighted_auc(y, s, w.astype(float))[0] == pytest.approx(repeated)


def test_folds_hold_every_arm_evenly_though_blocks_are_small() -> None:
    block = np.repeat(np.arange(15), 10)
    treated = np.tile([1, 1] + [0] * 8, 15)
    design = read_design(treated, block=block)
    fold = arm_folds(design, 5, seed=1)
    assert np.bincount(fold[treated == 1]).tolist() == [6] * 5


def test_the_first_fold_is_learned_from_alone_and_the_others_are_foretold() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=800)
    design = read_design(rng.random(800) < 1 / (1 + np.exp(-x)))
    columns, fold = covariates(pd.DataFrame({"x": x}), design), arm_folds(design, 5, seed=1)
    margin = forward_fitted(columns, design, fold, seed=1)
    np.testing.assert_array_equal(np.isnan(margin[:, 0]), fold == 0)
    found = auc_of_arm(margin, design, fold, 1, level=0.95)
    assert 0.6 < found["low"] < found["value"] < found["high"] < 0.85


def test_a_model_told_the_truth_finds_nothing_more() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=2000)
    p = 1 / (1 + np.exp(-x))
    treated = rng.random(2000) < p
    told, untold = read_design(treated, propensity=p), read_design(treated)
    found = []
    for design in (told, untold):
        columns, fold = covariates(pd.DataFrame({"x": x}), design), arm_folds(design, 5, seed=1)
        found.append(auc_of_arm(forward_fitted(columns, design, fold, seed=1), design, fold, 1, level=0.95))
    assert found[0]["low"] < 0.5 < found[0]["high"]
    assert found[1]["low"] > 0.6


def test_the_odds_of_the_design_are_put_back_into_the_estimate() -> None:
    rng = np.random.default_rng(5)
    x, block = rng.normal(size=4000), rng.integers(0, 2, 4000)
    p = 1 / (1 + np.exp(-(x + np.array([-1.0, 1.0])[block])))
    design = read_design(rng.random(4000) < p, block=block)
    columns, fold = covariates(pd.DataFrame({"x": x}), design), arm_folds(design, 5, seed=1)
    found = estimated_propensity(cross_fitted(columns, design, fold, seed=1), design)
    assert found.sum(axis=1) == pytest.approx(1)
    assert np.corrcoef(found[:, 1], p)[0, 1] > 0.95
    assert found[:, 1].mean() == pytest.approx(p.mean(), abs=0.02)
