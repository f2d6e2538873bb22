"""The logistic candidate."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from afraz.errors import DataError
from afraz.models import linear
from afraz.models.artifact import Artifact
from afraz.models.pyfunc_model import linear_margin


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 4))
    y = (rng.random(1500) < 1 / (1 + np.exp(1 - x @ [1.0, -0.5, 0.0, 0.2]))).astype(float)
    return x, y


def test_newton_finds_the_optimum_of_scikit_learn(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    ours = linear.newton(np.hstack([x, np.ones((len(x), 1))]), y, penalty=5.0)
    theirs = LogisticRegression(C=1 / 5.0, tol=1e-10, max_iter=1000).fit(x, y)
    assert ours == pytest.approx([*theirs.coef_[0], theirs.intercept_[0]], abs=1e-4)


def test_a_weight_counts_as_so_many_rows(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    times = np.arange(len(y)) % 4
    fold = np.arange(len(y)) % 3
    signs = [1, 1, 0, 0]
    z = np.hstack([x, np.ones((len(x), 1))])
    repeated = linear.within_signs(z.repeat(times, axis=0), y.repeat(times), 5.0, signs)
    assert linear.within_signs(z, y, 5.0, signs, weight=times.astype(float)) == pytest.approx(repeated, abs=1e-6)
    plain, losses = linear.choose_penalty(x, y, fold, (30.0, 3.0))
    weighted, heavier = linear.choose_penalty(x, y, fold, (60.0, 6.0), weight=np.full(len(y), 2.0))
    assert weighted == 2 * plain
    assert [v / 2 for v in heavier.values()] == pytest.approx(list(losses.values()), rel=1e-4)


def test_known_probabilities_give_the_planted_coefficients() -> None:
    z = np.column_stack([np.random.default_rng(0).normal(size=500), np.ones(500)])
    p = 1 / (1 + np.exp(-(z @ [2.0, -1.0])))
    assert linear.newton(z, p, penalty=1e-9) == pytest.approx([2.0, -1.0], abs=1e-4)


def test_the_head_scores_in_a_model_as_it_did_in_training(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = (part.copy() for part in data)
    x[::7, 1] = np.nan
    x[5, 0] = 1e9
    head = {"name": "leave", **linear.fit_logistic(x, y, 3.0)}
    names = list("abcd")
    spec = {
        "format": 1, "model": "toy", "features": [{"name": n, "type": "double"} for n in names], "heads": [head],
        "outputs": [{"name": "leave", "head": "leave"}],
    }  # fmt: skip
    margin = Artifact(spec, {}).margins(pd.DataFrame(x, columns=names))["leave"]
    assert margin == pytest.approx(linear_margin(head, x))


def test_missing_values_that_tell_something_get_their_own_coefficient(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = (part.copy() for part in data)
    x[:, 2] = np.where(np.random.default_rng(1).random(len(y)) < 0.1 + 0.5 * y, np.nan, x[:, 2])
    head = linear.fit_logistic(x, y, 3.0)
    assert head["missing_coefficients"][2] > 1
    assert head["missing_coefficients"][0] == 0


def test_an_outlier_cannot_carry_the_score_away(data: tuple[np.ndarray, np.ndarray]) -> None:
    head = linear.fit_logistic(*data, 3.0)
    ordinary = linear_margin(head, np.array([[3.5, 0, 0, 0]]))
    assert linear_margin(head, np.array([[1e12, 0, 0, 0]])) == pytest.approx(ordinary)


def test_noise_is_penalised_harder_than_signal(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    fold = np.arange(len(y)) % 5
    signal, _ = linear.choose_penalty(x, y, fold)
    noise, losses = linear.choose_penalty(np.random.default_rng(0).normal(size=(len(y), 40)), y, fold)
    assert noise > signal
    assert min(losses, key=lambda p: losses[p]) == f"{noise:g}"


def test_a_coefficient_of_the_wrong_sign_is_held_at_zero_and_the_others_are_fitted_without_it() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(1500, 3))
    y = (rng.random(1500) < 1 / (1 + np.exp(1 - x @ [1.0, -0.5, 0.3]))).astype(float)
    held = linear.fit_logistic(x, y, 3.0, signs=[1, 1, 0])["coefficients"]
    alone = linear.fit_logistic(x[:, [0, 2]], y, 3.0)["coefficients"]
    assert held[1] == 0
    assert [held[0], held[2]] == pytest.approx(alone)
    assert linear.fit_logistic(x, y, 3.0, signs=[1, -1, 1]) == linear.fit_logistic(x, y, 3.0)


def test_the_penalty_is_chosen_under_the_signs(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    fold = np.arange(len(y)) % 5
    free, _ = linear.choose_penalty(x, y, fold, (100.0, 10.0))
    barred, losses = linear.choose_penalty(x, y, fold, (100.0, 10.0), signs=[-1, 1, 0, -1])
    assert free == 10
    assert set(losses) == {"100", "10"}
    assert losses["10"] > linear.choose_penalty(x, y, fold, (10.0,))[1]["10"]
    assert barred in (100, 10)


def test_infinite_values_are_refused() -> None:
    with pytest.raises(DataError, match="a feature is infinite; replace infinities"):
        linear.fit_logistic(np.array([[np.inf], [1.0]]), np.array([0.0, 1.0]), 1.0)


def test_a_constant_column_does_no_harm(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    head = linear.fit_logistic(np.column_stack([x, np.full(len(x), 7.0)]), y, 3.0)
    assert head["coefficients"][4] == 0
    assert head["scales"][4] == 1
