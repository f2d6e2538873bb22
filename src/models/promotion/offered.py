"""How likely everybody would respond with the offer: its costs follow from that, and response ranking ranks by it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import calibration
from ..linear import choose_penalty, fit_logistic
from ..pyfunc_model import linear_margin
from .choice import RIVAL
from .cross_fitting import CrossFitted, Experiment
from .learners import Uplift

Array = NDArray[np.float64]

HEAD = "offered"  # heads of learners begin with the name of their outcome: response_offer is one of them


@dataclass(frozen=True)
class Offered:
    """How likely everybody would respond with the offer; ``margin`` is held out. Costs of an offer follow from it."""

    head: dict[str, Any]
    boosters: dict[str, Any]
    curve: calibration.Curve
    margin: Array

    def ranking(self) -> Uplift:
        """Rank by it: the head once more, as if it were an uplift."""
        boosters = {"uplift": self.boosters[HEAD]} if self.boosters else {}
        return Uplift(RIVAL, [{**self.head, "name": "uplift"}], boosters)


def response_with_offer(data: Experiment, crossed: CrossFitted) -> Offered:
    """Learn from those with the offer: a logistic regression or trees, whichever foretells held-out folds."""
    inside, everybody = data.treated == 1, data.inputs.x
    x, y, fold = data.inputs.part(inside).x, data.outcome[inside], data.fold[inside]
    penalty, _ = choose_penalty(x, y, fold)
    line, trees = np.empty(len(data.outcome)), crossed.scores[RIVAL]
    for k in range(data.n_folds):
        held_out = data.fold == k
        line[held_out] = linear_margin(fit_logistic(x[fold != k], y[fold != k], penalty), everybody[held_out])
    losses = [float((np.logaddexp(0, margin) - y * margin).mean()) for margin in (line[inside], trees[inside])]
    margin = line if losses[0] <= losses[1] else trees
    curve, _ = calibration.choose(margin[inside], y, fold)
    if margin is line:
        return Offered({"name": HEAD, **fit_logistic(x, y, penalty)}, {}, curve, margin)
    head = {"name": HEAD, "kind": "lightgbm", "file": f"{HEAD}.txt"}
    return Offered(head, {HEAD: crossed.fitted[RIVAL].boosters["uplift"]}, curve, margin)
