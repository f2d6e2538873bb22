"""Score every customer once by a procedure that has not seen the customer, the choice of the learner included."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import splits
from ..encoding import FoldEncoder
from .choice import choose
from .cross_fitting import Experiment, cross_fit
from .inputs import Inputs

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CrossValidated:
    """Scores by learner and of the ``chosen`` one, doubly robust effects, and how often each was chosen.

    Scores come from one model per ``fold``: lists are cut within folds.
    """

    scores: dict[str, Array]
    effect: Array
    fold: NDArray[np.int64]
    chosen: dict[str, int]


def cross_validate(
    features: pd.DataFrame,
    outcome: Array,
    treated: Array,
    propensity: Array,
    learners: list[str],
    *,
    folds: int = 5,
    inner_folds: int = 4,
    max_rounds: int = 150,
    bootstrap: int = 100,
    parameters: dict[str, Any] | None = None,
    seed: int = 0,
    threads: int = 2,
) -> CrossValidated:
    """Deal customers into folds; in the rest of each, fit the learners, choose one, and score the fold.

    Parameters
    ----------
    features : DataFrame, one row per customer
    outcome, treated, propensity : (n,)
    learners : names, ``response`` among them
    folds, inner_folds : of the customers, and of the rest in which a learner is chosen
    bootstrap : resamples behind each choice

    Returns
    -------
    CrossValidated
        ``scores["chosen"]`` is the procedure as a whole.
    """
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    label = outcome if binary else (outcome > 0).astype(float)
    fold = splits.assign_folds(label + 2 * treated, folds, seed)
    encoder, everyone = FoldEncoder(features, outcome, fold), np.arange(len(outcome))
    scores = {name: np.empty(len(outcome)) for name in [*learners, "chosen"]}
    picked: list[str] = []
    settings: dict[str, Any] = {"parameters": parameters or {}, "max_rounds": max_rounds, "threads": threads}
    for k in range(folds):
        x, inside = encoder.matrix(k), fold != k
        inner = splits.assign_folds((label + 2 * treated)[inside], inner_folds, seed + 1)
        part = Experiment(Inputs.of(x[inside], encoder.names), outcome[inside], treated[inside], propensity[inside],
                          np.arange(int(inside.sum())), inner, binary)  # fmt: skip
        crossed = cross_fit(part, learners, seed=seed, **settings)
        picked.append(choose(crossed, part.groups, n=bootstrap, seed=seed).name)
        for name, fitted in crossed.fitted.items():
            scores[name][~inside] = fitted.predict(x[~inside])
        scores["chosen"][~inside] = scores[picked[-1]][~inside]
    inputs = Inputs.of(encoder.matrix(), encoder.names)
    whole = Experiment(inputs, outcome, treated, propensity, everyone, fold, binary)
    effect = cross_fit(whole, ["response"], seed=seed, final=False, **settings).effect
    return CrossValidated(scores, effect, fold, dict(Counter(picked)))
