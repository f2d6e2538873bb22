"""Learners of uplift: what an offer changes in a customer, from customers who got it and others who did not.

Künzel et al. 2019 (PNAS 116:4156-4165) for S, T and X; Kennedy 2023 (Electronic Journal of Statistics 17:3008-3049) for
DR; Jaskowski and Jaroszewicz 2012 (ICML workshop on clinical data) for the transformed class. These are LightGBM; those
of a second stage are shallow, since an effect has less structure than an outcome and is seen through more noise. Two
straight ones stand beside them, for effects too weak for trees, and a single rule, which everybody can follow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import BayesianRidge
from threadpoolctl import threadpool_limits

from .. import gbm
from ..linear import rounded
from ..pyfunc_model import Predictor
from .inputs import Inputs
from .policy import doubly_robust

Array = NDArray[np.float64]

SECOND_STAGE = {"num_leaves": 8, "max_depth": 3, "learning_rate": 0.05, "lambda_l2": 10.0, "path_smooth": 50.0,
                "feature_fraction": 0.5, "bagging_fraction": 0.7}  # fmt: skip

ONE_RULE = {"num_leaves": 2, "learning_rate": 1.0, "feature_fraction": 1.0, "bagging_fraction": 1.0, "lambda_l2": 0.0,
            "path_smooth": 0.0}  # fmt: skip
RULE_SHARE = 0.1  # of the rows: fewer customers are no side of a rule

EXPLAINED = 0.8  # share of the inputs' variance in the directions that the linear learner sees


@dataclass(frozen=True)
class Rows:
    """Customers to learn from.

    ``without`` and ``with_offer`` are expected outcomes by models that have not seen the row; ``binary`` outcomes are 0
    or 1, others amounts.
    """

    inputs: Inputs
    outcome: Array
    treated: Array
    propensity: Array
    without: Array
    with_offer: Array
    binary: bool
    parameters: dict[str, Any]
    rounds: dict[str, int]
    seed: int

    def part(self, inside: NDArray[np.bool_]) -> "Rows":
        """Restrict to some rows."""
        taken = {name: getattr(self, name)[inside] for name in
                 ("outcome", "treated", "propensity", "without", "with_offer")}  # fmt: skip
        return replace(self, inputs=self.inputs.part(inside), **taken)


@dataclass(frozen=True)
class Uplift:
    """A fitted learner: heads of a model and their boosters; the last head gives the uplift."""

    name: str
    spec: list[dict[str, Any]]
    boosters: dict[str, lgb.Booster] = field(default_factory=dict)

    def heads(self, prefix: str) -> list[dict[str, Any]]:
        """Spell the learner as heads of a model whose names begin with ``prefix``; parts come before what they make."""
        out = []
        for head in self.spec:
            named = {**head, "name": f"{prefix}_{head['name']}"}
            if head["kind"] == "lightgbm":
                named["file"] = f"{prefix}_{head['name']}.txt"
            if "parts" in head:
                named["parts"] = [f"{prefix}_{part}" for part in head["parts"]]
            out.append(named)
        return out

    def named_boosters(self, prefix: str) -> dict[str, lgb.Booster]:
        """Give the boosters of :meth:`heads`."""
        return {f"{prefix}_{name}": booster for name, booster in self.boosters.items()}

    def predict(self, x: Array) -> Array:
        """Uplift of encoded rows, by the very code that a model folder carries; shape (rows,).

        On one thread: LightGBM's number of threads is one for the process, and others may be training.
        """
        spec = {"features": [], "heads": self.spec, "outputs": []}
        return Predictor(spec, self.boosters).head_margin(self.spec[-1]["name"], x, threads=1)


def raw_scores(booster: lgb.Booster, x: Array) -> Array:
    """Predict on one thread, as :meth:`Uplift.predict`."""
    return np.asarray(booster.predict(x, raw_score=True, num_threads=1))


def trees(
    rows: Rows, target: Array, rounds: int, *, second: bool = False, appended: Array | None = None
) -> lgb.Booster:
    """Train trees for an outcome, or for the effect as such (``second``), on one thread."""
    return rows.inputs.train(target, tree_parameters(rows, second), rounds, appended)


def tree_parameters(rows: Rows, second: bool) -> dict[str, Any]:
    """Parameters of outcome trees or of second-stage trees; a leaf of the latter holds at least 1 % of the rows."""
    chosen = dict(rows.parameters)
    if second:
        chosen |= {**SECOND_STAGE, "min_data_in_leaf": max(50, len(rows.outcome) // 100)}
    parameters = gbm.lightgbm_parameters(chosen, seed=rows.seed)
    squared = second or not rows.binary
    return parameters | ({"objective": "regression", "metric": "l2"} if squared else {})


def _contrast(binary: bool) -> dict[str, Any]:
    return {"name": "uplift", "kind": "contrast", "parts": ["offer", "control"],
            "link": "logit" if binary else "identity"}  # fmt: skip


def fit_s(rows: Rows) -> Uplift:
    """One model of the outcome with the treatment as an input; uplift is what switching it changes."""
    booster = trees(rows, rows.outcome, rows.rounds["outcome"], appended=rows.treated)
    given = {"offer": 1.0, "control": 0.0}
    spec = [{"name": name, "kind": "lightgbm", "append": [value]} for name, value in given.items()]
    spec.append(_contrast(rows.binary))
    return Uplift("s", spec, {"offer": booster, "control": booster})


def fit_t(rows: Rows) -> Uplift:
    """Two models of the outcome, one of the treated and one of the others."""
    boosters = {}
    for name, value in (("offer", 1.0), ("control", 0.0)):
        part = rows.part(rows.treated == value)
        boosters[name] = trees(part, part.outcome, rows.rounds["outcome"])
    spec = [{"name": name, "kind": "lightgbm"} for name in boosters]
    return Uplift("t", [*spec, _contrast(rows.binary)], boosters)


def fit_x(rows: Rows) -> Uplift:
    """Impute each customer's effect by the other group's model, learn it in both groups, average by propensity."""
    treated = rows.treated == 1
    effects = {"treated": (treated, rows.outcome - rows.without), "others": (~treated, rows.with_offer - rows.outcome)}
    told = tree_parameters(rows, second=True)  # a leaf holds its share of both groups together
    boosters = {name: rows.inputs.part(inside).train(effect[inside], told, rows.rounds["effect"])
                for name, (inside, effect) in effects.items()}  # fmt: skip
    share = float(rows.propensity.mean())
    blend = {"name": "uplift", "kind": "blend", "parts": list(boosters), "weights": [1 - share, share]}
    return Uplift("x", [*({"name": name, "kind": "lightgbm"} for name in boosters), blend], boosters)


def fit_dr(rows: Rows) -> Uplift:
    """Learn the doubly robust score of the effect."""
    effect = doubly_robust(rows.outcome, rows.treated, rows.propensity, rows.without, rows.with_offer)
    booster = trees(rows, effect, rows.rounds["effect"], second=True)
    return Uplift("dr", [{"name": "uplift", "kind": "lightgbm"}], {"uplift": booster})


def fit_proportional(rows: Rows) -> Uplift:
    """Take the effect to grow or fall with the expected outcome, which a Bayesian ridge regression foretells.

    Of a probability, the effect is one share of it: a single number, seen by all customers together. Relative effects
    vary less between people than absolute ones (Kent et al. 2020, Annals of Internal Medicine 172:35-45), so those who
    are likelier to leave or to respond anyway are the ones who are changed most. A line may fall below 0, where a
    probability ends: such customers are not changed (:func:`.choice.scale`). An amount has no such zero: there the
    effect has a level, and a slope that is drawn towards 0 by its own noise (:func:`shrunk`).
    """
    effect = doubly_robust(rows.outcome, rows.treated, rows.propensity, rows.without, rows.with_offer)
    x, scaling = rows.inputs.x, rows.inputs.scaling()
    z = scaling.apply(x)[:, :-1]
    with threadpool_limits(1):
        line = BayesianRidge().fit(z, rows.outcome)
        expected = z @ line.coef_ + line.intercept_
        level, slope = (0.0, _slope(expected.clip(0), effect)) if rows.binary else _drawn_line(expected, effect)
    beta = rounded(np.append(slope * line.coef_, level + slope * line.intercept_))
    return Uplift("proportional", [{"name": "uplift", **scaling.head(beta, x)}])


def _slope(x: Array, y: Array) -> float:
    """Slope of the line through 0."""
    return float((x * y).sum()) / max(float((x**2).sum()), 1e-12)


def _drawn_line(x: Array, y: Array) -> tuple[float, float]:
    """Intercept and slope of a line through the means, the slope drawn towards 0."""
    apart, over = x - x.mean(), y - y.mean()
    slope = _slope(apart, over)
    noise = float((apart**2 * (over - slope * apart) ** 2).sum()) ** 0.5 / max(float((apart**2).sum()), 1e-12)
    slope = shrunk(slope, noise)
    return float(y.mean() - slope * x.mean()), slope


def shrunk(slope: float, error: float) -> float:
    """Draw an estimate towards 0 as far as it is noise: the positive-part rule of James and Stein (1961).

    Examples
    --------
    >>> shrunk(2.0, 1.0), shrunk(0.5, 1.0)
    (1.5, 0.0)
    """
    return 0.0 if slope == 0 else slope * max(0.0, 1 - (error / slope) ** 2)


def fit_linear(rows: Rows) -> Uplift:
    """Learn the doubly robust score by a line through the main directions of the inputs, shrunk by the evidence.

    Where an effect is weak, hundreds of inputs drown it in noise. The inputs' principal components up to ``EXPLAINED``
    of their variance hold what they have in common, and a Bayesian ridge regression (MacKay 1992, Neural Computation
    4:415-447) shrinks the rest as far as the data say.
    """
    effect = doubly_robust(rows.outcome, rows.treated, rows.propensity, rows.without, rows.with_offer)
    x, scaling = rows.inputs.x, rows.inputs.scaling()
    z = scaling.apply(x)[:, :-1]
    centre = z.mean(axis=0)
    with threadpool_limits(1):
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(z - centre, rowvar=False)))
        falling = np.cumsum(values[::-1]) / max(values.sum(), 1e-12)
        kept = vectors[:, ::-1][:, : int(np.searchsorted(falling, EXPLAINED)) + 1]
        line = BayesianRidge().fit((z - centre) @ kept, effect)
        coefficients = kept @ line.coef_
    beta = rounded(np.append(coefficients, float(line.intercept_ - centre @ coefficients)))
    return Uplift("linear", [{"name": "uplift", **scaling.head(beta, x)}])


def fit_transformed(rows: Rows) -> Uplift:
    """Learn t·y/e − (1 − t)·y/(1 − e), whose mean is the uplift.

    For a response of 0 or 1 and e = ½ it is the class transformation of Jaskowski and Jaroszewicz up to a constant; for
    amounts and other propensities it is the modified outcome of Athey and Imbens 2016 (PNAS 113:7353-7360).
    """
    y, t, e = rows.outcome, rows.treated, rows.propensity
    centred = y - float(np.average(y, weights=1 / np.where(t == 1, e, 1 - e)))  # less noise, the same mean difference
    target = t * centred / e - (1 - t) * centred / (1 - e)
    booster = trees(rows, target, rows.rounds["effect"], second=True)
    return Uplift("transformed", [{"name": "uplift", "kind": "lightgbm"}], {"uplift": booster})


def fit_one_rule(rows: Rows) -> Uplift:
    """Part the customers by one condition on one feature, the one whose sides differ most in the doubly robust score.

    One rule often does nearly as well as much that is learned (Holte 1993, Machine Learning 11:63-90, of classes), and
    whoever works with the list can follow it.
    """
    effect = doubly_robust(rows.outcome, rows.treated, rows.propensity, rows.without, rows.with_offer)
    chosen = {**ONE_RULE, "min_data_in_leaf": max(1, int(RULE_SHARE * len(effect)))}
    parameters = gbm.lightgbm_parameters(chosen, seed=rows.seed) | {"objective": "regression", "metric": "l2"}
    return Uplift(
        "one_rule", [{"name": "uplift", "kind": "lightgbm"}], {"uplift": rows.inputs.train(effect, parameters, 1)}
    )


def fit_response(rows: Rows) -> Uplift:
    """Rank by the expected outcome of those who get the offer: the usual way, and the rival of all others."""
    part = rows.part(rows.treated == 1)
    booster = trees(part, part.outcome, rows.rounds["outcome"])
    return Uplift("response", [{"name": "uplift", "kind": "lightgbm"}], {"uplift": booster})


def average(parts: list[Uplift]) -> Uplift:
    """Average learners: their errors differ, so the mean is less noisy than any."""
    spec: list[dict[str, Any]] = []
    boosters: dict[str, lgb.Booster] = {}
    for part in parts:
        spec += [{**head, "name": f"{part.name}_{head['name']}",
                  **({"parts": [f"{part.name}_{p}" for p in head["parts"]]} if "parts" in head else {})}
                 for head in part.spec]  # fmt: skip
        boosters |= {f"{part.name}_{name}": booster for name, booster in part.boosters.items()}
    mean = {"name": "uplift", "kind": "blend", "parts": [f"{part.name}_uplift" for part in parts],
            "weights": [1 / len(parts)] * len(parts)}  # fmt: skip
    return Uplift("average", [*spec, mean], boosters)


LEARNERS: dict[str, Callable[[Rows], Uplift]] = {
    "response": fit_response, "s": fit_s, "t": fit_t, "x": fit_x, "dr": fit_dr, "transformed": fit_transformed,
    "linear": fit_linear, "proportional": fit_proportional, "one_rule": fit_one_rule,
}  # fmt: skip


def surrogate(inputs: Inputs, uplift: Array, seed: int) -> tuple[lgb.Booster, float]:
    """Tell an uplift by one set of shallow trees, for explanations; beside it the share of its variance that they tell.

    Differences of two models have no exact explanation of their own; these trees do.
    """
    parameters = gbm.lightgbm_parameters({"max_depth": 4, "num_leaves": 12, "learning_rate": 0.1}, seed=seed)
    parameters |= {"objective": "regression", "metric": "l2"}
    booster = inputs.train(uplift, parameters, 150)
    left = float(((uplift - np.asarray(booster.predict(inputs.x))) ** 2).sum())
    whole = float(((uplift - uplift.mean()) ** 2).sum())
    return booster, 1 - left / whole if np.ptp(uplift) > 0 else 1.0
