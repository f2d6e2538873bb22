"""Reasons that an applicant could be told: where a scorecard's points were lost, and what SHAP values say instead.

The lender must name the principal reasons for a refusal (US Regulation B, 12 CFR 1002.9(b)(2)); its commentary accepts
two ways: the factors on which the applicant fell furthest below the best attainable, or below the average score of the
others (comment 9(b)(2)-5). A protected attribute is never a reason, whatever the model has seen.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ParamsError, nearest
from .explain import Explanation
from .pyfunc_model import scorecard_terms
from .reasons import Phrases, top_reasons

Array = NDArray[np.float64]
Texts = Mapping[str, tuple[np.ndarray, list[str]]]

SHOWN = 3  # levels of a text's bin that are spelled out


def points_lost(head: Mapping[str, Any], matrix: Array, against: Literal["best", "average"] = "best") -> Array:
    """Log-odds of bad that each feature adds beyond its best bin, or beyond its average; shape (rows, features).

    Points lost are these times the factor of the scaling. Not being known is no bin that one could attain.

    Examples
    --------
    >>> late = {"splits": [1.0, 3.0], "woe": [0.8, -0.2, -1.0], "missing": 0.0}
    >>> head = {"bins": [late, None], "coefficients": [-1.0, 0.0], "reference_terms": [-0.3, 0.0]}
    >>> points_lost(head, np.array([[0.0, 5.0], [3.0, 5.0], [np.nan, 5.0]])).round(9).tolist()
    [[0.0, 0.0], [1.8, 0.0], [0.8, 0.0]]
    """
    lost = np.empty(matrix.shape)
    for j, term in enumerate(scorecard_terms(dict(head), matrix)):
        lost[:, j] = term - (_best(head, j)[0] if against == "best" else head["reference_terms"][j])
    return lost


def points_reasons(
    head: Mapping[str, Any],
    features: Sequence[Mapping[str, Any]],
    matrix: Array,
    phrases: Phrases,
    top: int = 4,
    *,
    untold: Collection[str] = (),
    texts: Texts | None = None,
    against: Literal["best", "average"] = "best",
) -> pd.DataFrame:
    """Name the features on which most points were lost, most first.

    Parameters
    ----------
    head : mapping
        A scorecard head.
    features : sequence of mapping
        The features of the same model.
    matrix : ndarray, shape (rows, features)
        Encoded values.
    phrases : mapping of feature to mapping
        See :func:`afraz.models.reasons.top_reasons`; a value on the bad side of the best bin is "high" or "low".
    untold : collection of str
        Features that are never a reason: protected attributes, and what an applicant must not learn.
    texts : mapping of feature to (ndarray of int, list of str), optional
        Per text feature the position of each row's level (−1: missing) and the levels; default: the levels of its bin.
    against : "best" or "average"
        What points are lost against: the best bin, or the average of the training rows.

    Returns
    -------
    DataFrame
        reason_1 … reason_<top>; missing where fewer features lost .01 log-odds (.3 points at 20 points to double).

    Raises
    ------
    ParamsError
        If an untold feature does not exist.

    Examples
    --------
    >>> late = {"splits": [1.0, 3.0], "woe": [0.8, -0.2, -1.0], "missing": 0.0}
    >>> age = {"splits": [25.0], "woe": [-0.5, 0.4], "missing": 0.0}
    >>> head = {"bins": [late, age], "coefficients": [-1.0, -1.0], "reference_terms": [0.0, 0.0]}
    >>> features = [{"name": "late_payments", "type": "double"}, {"name": "age", "type": "double"}]
    >>> words = {"late_payments": {"high": "payments were often late"}}
    >>> rows = np.array([[4.0, 21.0], [0.0, 21.0]])
    >>> points_reasons(head, features, rows, words, top=2, untold=["age"]).fillna("-").values.tolist()
    [['payments were often late', '-'], ['-', '-']]
    >>> points_reasons(head, features, rows, words, untold=["Age"])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: untold 'Age' is no feature: did you mean age?
    """
    names = tuple(str(feature["name"]) for feature in features)
    lost = _silenced(points_lost(head, matrix, against).astype(np.float32), names, untold)
    told = Explanation(names, lost, 0.0, np.zeros(len(matrix)), "scorecard", np.nan, 0.0)
    reference = np.array([_best(head, j)[1] for j in range(len(names))])
    said = dict(texts or {})
    for j, feature in enumerate(features):
        if feature["type"] == "text" and feature["name"] not in said and head["bins"][j] is not None:
            said[str(feature["name"])] = _levels_of_bins(feature, head["bins"][j], matrix[:, j])
    return top_reasons(told, matrix, phrases, reference, texts=said, top=top, unknown_last=False)


def shap_reasons(
    told: Explanation,
    matrix: Array,
    phrases: Phrases,
    reference: Array,
    top: int = 4,
    *,
    untold: Collection[str] = (),
    texts: Texts | None = None,
) -> pd.DataFrame:
    """Name the strongest contributions upwards, as :func:`afraz.models.reasons.top_reasons`, but never the untold.

    Examples
    --------
    >>> told = Explanation(("age", "calls"), np.array([[0.9, 0.2]], dtype="float32"), 0.0, np.zeros(1), "linear", 0.0,
    ...                    0.0)
    >>> rows, usual = np.array([[20.0, 7.0]]), np.array([40.0, 2.0])
    >>> shap_reasons(told, rows, {}, usual, top=1, untold=["age"]).values.tolist()
    [['calls: high']]
    """
    silenced = dataclasses.replace(told, values=_silenced(told.values.copy(), told.names, untold))
    return top_reasons(silenced, matrix, phrases, reference, texts=texts, top=top)


def compare_reasons(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, float]:
    """Hold two sets of reasons of the same rows against one another; the order counts for the first only.

    Returns
    -------
    dict
        ``rows`` (with a reason on either side; only they are compared), ``first_agrees`` (share), ``overlap`` (mean
        Jaccard index of the two sets: shared reasons over all that are named); NaN where no row has a reason.

    Raises
    ------
    ParamsError
        If the tables differ in their number of rows.

    Examples
    --------
    >>> a = pd.DataFrame({"reason_1": ["late", "young", None], "reason_2": ["income", None, None]})
    >>> b = pd.DataFrame({"reason_1": ["late", "late", None], "reason_2": ["duration", None, None]})
    >>> compare_reasons(a, b)
    {'rows': 2.0, 'first_agrees': 0.5, 'overlap': 0.16666666666666666}
    """
    if len(a) != len(b):
        raise ParamsError(f"reasons of {len(a)} rows cannot be compared with those of {len(b)}: give the same rows")
    vocabulary = pd.factorize(np.concatenate([a.to_numpy(object).ravel(), b.to_numpy(object).ravel()]))[0]
    left, right = vocabulary[: a.size].reshape(a.shape), vocabulary[a.size :].reshape(b.shape)
    shared = ((left[:, :, None] == right[:, None, :]) & (left >= 0)[:, :, None]).any(axis=2).sum(axis=1)
    named = (left >= 0).sum(axis=1) + (right >= 0).sum(axis=1) - shared
    some = named > 0
    if not some.any():
        return {"rows": 0.0, "first_agrees": float("nan"), "overlap": float("nan")}
    return {
        "rows": float(some.sum()),
        "first_agrees": float((left[some, 0] == right[some, 0]).mean()),
        "overlap": float((shared[some] / named[some]).mean()),
    }


def _silenced(values: NDArray[np.float32], names: Sequence[str], untold: Collection[str]) -> NDArray[np.float32]:
    for name in untold:
        if name not in names:
            raise ParamsError(f"untold {name!r} is no feature: {nearest(name, names)}")
        values[:, list(names).index(name)] = 0.0
    return values


def _best(head: Mapping[str, Any], j: int) -> tuple[float, float]:
    """Give the lowest term of a feature and a value inside the bin that has it."""
    bins = head["bins"][j]
    if bins is None:
        return 0.0, 0.0
    terms = head["coefficients"][j] * np.asarray(bins["woe"], dtype=np.float64)
    k, splits = int(np.argmin(terms)), bins["splits"]
    inside = splits[k - 1] if k > 0 else np.nextafter(splits[0], -np.inf) if splits else 0.0
    return float(terms[k]), float(inside)


def _levels_of_bins(
    feature: Mapping[str, Any], bins: Mapping[str, Any], x: Array
) -> tuple[NDArray[np.int64], list[str]]:
    """Say for each row which levels share its bin."""
    inside: list[list[str]] = [[] for _ in bins["woe"]]
    for level, code in feature["levels"].items():
        inside[int(np.searchsorted(bins["splits"], code, side="right"))].append(level)
    words = [
        " / ".join(levels[:SHOWN]) + (f" and {len(levels) - SHOWN} more" if len(levels) > SHOWN else "")
        if levels
        else "another value"
        for levels in inside
    ]
    return np.where(np.isnan(x), -1, np.searchsorted(bins["splits"], x, side="right")), words
