"""Boosted trees: deterministic, shallow, monotone where told."""

import lightgbm as lgb
import numpy as np
import pytest

from afraz.errors import ParamsError
from afraz.models import gbm
from afraz.models.artifact import booster_text


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 3))
    x[::9, 1] = np.nan
    y = (rng.random(900) < 1 / (1 + np.exp(1 - 1.5 * x[:, 0]))).astype(float)
    return x, y


def _folds(x: np.ndarray, y: np.ndarray) -> list[gbm.Fold]:
    out = []
    for k in range(3):
        rows = np.arange(len(y)) % 3 == k
        train = gbm.dataset(x[~rows], y[~rows], list("abc"))
        valid = gbm.dataset(x[rows], y[rows], list("abc"), reference=train)
        out.append(gbm.Fold(train, valid, x[rows], np.flatnonzero(rows)))
    return out


def test_a_weight_counts_as_so_many_rows(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = np.round(data[0]), data[1]  # few values: the same bins
    parameters = gbm.lightgbm_parameters({"bagging_fraction": 1.0, "feature_fraction": 1.0, "path_smooth": 0.0}, seed=1)
    times = np.where(data[0][:, 0] > 0, 3, 1)
    whole = gbm.dataset(x.repeat(times, axis=0), y.repeat(times), list("abc"))
    weighted = gbm.dataset(x, y, list("abc"), weight=times.astype(float))
    few = {"num_leaves": 3, "min_data_in_leaf": 1}
    repeated, by_weight = (gbm.train(made, parameters | few, 3).predict(x) for made in (whole, weighted))
    assert by_weight == pytest.approx(repeated, abs=1e-6)
    assert np.abs(by_weight - gbm.train(gbm.dataset(x, y, list("abc")), parameters | few, 3).predict(x)).max() > 0.01


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(data: tuple[np.ndarray, np.ndarray]) -> None:
    def text(seed: int, threads: int) -> str:
        parameters = gbm.lightgbm_parameters({}, seed=seed, threads=threads)
        return booster_text(gbm.train(gbm.dataset(*data, list("abc")), parameters, 15))

    assert text(1, 1) == text(1, 1)
    assert text(1, 1) == text(1, 2)
    assert text(1, 1) != text(2, 1)


def test_the_number_of_workers_does_not_change_the_result(data: tuple[np.ndarray, np.ndarray]) -> None:
    parameters = gbm.lightgbm_parameters({}, seed=1)
    found = [gbm.cross_fit(_folds(*data), parameters, max_rounds=60, patience=10, workers=w) for w in (1, 2)]
    assert found[0].loss == found[1].loss
    assert found[0].rounds == found[1].rounds
    margins = [f.margins(_folds(*data), 900) for f in found]
    assert (margins[0] == margins[1]).all()


def test_all_folds_stop_at_one_round_before_overfitting(data: tuple[np.ndarray, np.ndarray]) -> None:
    parameters = gbm.lightgbm_parameters({"learning_rate": 0.3}, seed=1)
    found = gbm.cross_fit(_folds(*data), parameters, max_rounds=400, patience=15)
    assert 1 <= found.rounds < 100
    margin = found.margins(_folds(*data), 900)
    loss = (np.logaddexp(0, margin) - data[1] * margin).mean()
    assert loss == pytest.approx(found.loss, abs=1e-6)
    assert loss < 0.6


def test_every_fold_is_reported_in_order_and_a_report_may_stop_the_trial(data: tuple[np.ndarray, np.ndarray]) -> None:
    seen: list[int] = []

    def stop_at_second(fold: int, value: float) -> None:
        seen.append(fold)
        assert value > 0
        if fold == 1:
            raise TimeoutError("pruned")

    with pytest.raises(TimeoutError, match="pruned"):
        gbm.cross_fit(
            _folds(*data), gbm.lightgbm_parameters({}, seed=1), max_rounds=20, patience=5, report=stop_at_second
        )
    assert seen == [0, 1]


def test_a_monotone_hint_holds_everywhere_and_leaves_others_free(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, _ = data
    y = (np.abs(x[:, 0]) > 1).astype(float)  # falls, then rises
    grid = np.column_stack([np.linspace(-3, 3, 61), np.zeros(61), np.zeros(61)])
    data_set = gbm.dataset(x, y, list("abc"))
    free = gbm.train(data_set, gbm.lightgbm_parameters({}, seed=1, names=list("abc")), 40).predict(grid)
    held = gbm.train(data_set, gbm.lightgbm_parameters({}, seed=1, names=list("abc"), monotone={"a": 1}), 40).predict(
        grid
    )
    assert (np.diff(free) < 0).any()
    assert (np.diff(held) >= 0).all()


def test_trees_are_at_most_six_deep_by_default_and_in_the_search() -> None:
    assert gbm.DEFAULTS["max_depth"] <= 6
    assert gbm.SPACE["max_depth"]["high"] <= 6


def test_the_first_trial_lies_in_the_search_space() -> None:
    for name, entry in gbm.SPACE.items():
        assert entry["low"] <= gbm.DEFAULTS[name] <= entry["high"], name


def test_probabilities_are_learnt_as_labels(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, _ = data
    p = 1 / (1 + np.exp(1 - 1.5 * x[:, 0]))
    booster = gbm.train(gbm.dataset(x, p, list("abc")), gbm.lightgbm_parameters({}, seed=1), 150)
    assert np.corrcoef(booster.predict(x), p)[0, 1] > 0.97


def test_names_that_lightgbm_cannot_spell_become_positions() -> None:
    x, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2.0
    booster = lgb.Booster(model_str=gbm.train(gbm.dataset(x, y, ["a:b", "c"]), {"verbosity": -1}, 1).model_to_string())
    assert booster.feature_name() == ["Column_0", "Column_1"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"zero_as_missing": True}, "zero_as_missing is refused"),
        ({"num_leafs": 3}, "unknown LightGBM parameter 'num_leafs': did you mean num_leaves?"),
    ],
)
def test_parameters_that_break_the_contract_are_refused(chosen: dict[str, float], message: str) -> None:
    with pytest.raises(ParamsError, match=message.replace("?", r"\?")):
        gbm.lightgbm_parameters(chosen, seed=1)


def test_a_sign_that_is_no_sign_is_refused() -> None:
    with pytest.raises(ParamsError, match="monotone 'a': expected -1, 0 or 1, got 2"):
        gbm.lightgbm_parameters({}, seed=1, names=["a"], monotone={"a": 2})
