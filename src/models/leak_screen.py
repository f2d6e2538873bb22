"""Suspected leakage: a feature that ranks leavers too well alone, or without which too much of the model is gone."""

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from . import gbm, metrics

Array = NDArray[np.float64]


def single_feature_auc(x: Array, label: Array) -> Array:
    """Rank by each feature alone, in the better direction; missing values come first or last, whichever ranks better.

    Parameters
    ----------
    x : (n, features) float64

    Returns
    -------
    (features,) at least .5

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 1.0], [1.0, 2.0]])
    >>> single_feature_auc(x, np.array([1.0, 1.0, 0.0, 0.0])).tolist()
    [1.0, 0.5]
    """
    out = np.empty(x.shape[1])
    for j, column in enumerate(x.T):
        gone = np.isnan(column)
        filled = [np.where(gone, fill, column) for fill in (-np.inf, np.inf)] if gone.any() else [column]
        found = [metrics.measure(label, values, ("roc_auc",))["roc_auc"] for values in filled]
        out[j] = max(max(a, 1 - a) for a in found)
    return out


def suspected_leaks(
    x: Array,
    label: Array,
    fold: NDArray[np.int64],
    names: Sequence[str],
    parameters: Mapping[str, Any],
    *,
    auc: float = 0.95,
    share: float = 0.25,
    top: int = 3,
    rounds: int = 100,
) -> list[dict[str, Any]]:
    """List features that a reviewer must look at.

    Parameters
    ----------
    x : (n, features) encoded training rows (a sample will do)
    fold : (n,) fold of each row; fold 0 is held out
    parameters : LightGBM parameters, without monotone constraints
    auc : a feature that alone ranks at least this well is suspected
    share : … or one without which the Gini falls by at least this share
    top : how many features, by gain, are removed in turn; 0: none

    Returns
    -------
    list of dict
        ``feature``, ``kind`` (``alone`` or ``removal``), ``value``, ``limit``.
    """
    found: list[dict[str, Any]] = [
        {"feature": names[j], "kind": "alone", "value": float(value), "limit": auc}
        for j, value in enumerate(single_feature_auc(x, label))
        if value >= auc
    ]
    if not top or x.shape[1] < 2:
        return found
    whole, booster = _gini(x, label, fold, names, parameters, rounds)
    gain = booster.feature_importance("gain")
    for j in np.argsort(-gain, kind="stable")[:top]:
        rest = [i for i in range(len(names)) if i != j]
        without = _gini(x[:, rest], label, fold, [names[i] for i in rest], parameters, rounds)[0]
        lost = (whole - without) / whole if whole > 0 else 0.0
        if lost >= share:
            found.append({"feature": names[j], "kind": "removal", "value": float(lost), "limit": share})
    return found


def _gini(
    x: Array, label: Array, fold: NDArray[np.int64], names: Sequence[str], parameters: Mapping[str, Any], rounds: int
) -> tuple[float, lgb.Booster]:
    inside = fold != 0
    booster = gbm.train(gbm.dataset(x[inside], label[inside], names), parameters, rounds)
    margin = booster.predict(x[~inside], raw_score=True)
    return metrics.measure(label[~inside], np.asarray(margin), ("gini",))["gini"], booster
