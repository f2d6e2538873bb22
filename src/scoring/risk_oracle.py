"""Hold the loss distribution of the book against the one that the simulated bank would draw loan by loan."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import catalog
from ..data.simulator.credit import CORRELATION, CURES, stressed
from ..models.metrics import finite
from ..params import load_params
from ..risk.losses import Dependence, loss_draws
from ..risk.measures import kolmogorov_distance, value_at_risk
from ..risk.positions import expected_loss
from ..risk.units import UNITS, Terms
from .sinks import read_scores

Array = NDArray[np.float64]
DRAWS = (
    20_000  # of the truth: two samples of 20,000 and 100,000 of one distribution differ by .011 in one case of twenty
)
LEVEL = 0.999


def true_losses(truth: pd.DataFrame, quarter: NDArray[np.integer[Any]], n: int, rng: np.random.Generator) -> Array:
    """Draw the coming year of a book as the simulated bank draws defaults and losses: each loan by itself.

    Loans of a quarter of application share a factor (:func:`afraz.data.simulator.credit.stressed`); a default is cured
    in ``CURES`` of cases, and else costs a high (beta 9, 3) or a low (beta 3, 9) share of the balance. Only defaulted
    loans draw a loss; nothing is summed up before it is drawn.

    Parameters
    ----------
    truth : DataFrame
        ``exposure, probability, severity`` of every loan (:func:`afraz.risk.positions.positions`).
    quarter : (loans,)
    """
    p, lgd, owed = (truth[c].to_numpy(float) for c in ("probability", "severity", "exposure"))
    high = np.clip((lgd / (1 - CURES) - 0.25) / 0.5, 0, 1)
    _, group = np.unique(quarter, return_inverse=True)
    out = np.empty(n)
    factors = rng.standard_normal((n, int(group.max()) + 1))
    for i in range(n):
        hit = np.flatnonzero(rng.random(len(p)) < stressed(p, factors[i][group]))
        shares = np.where(rng.random(len(hit)) < high[hit], rng.beta(9, 3, len(hit)), rng.beta(3, 9, len(hit)))
        out[i] = (owed[hit] * shares * (rng.random(len(hit)) >= CURES)).sum()
    return out


def risk_oracle(truth: pd.DataFrame, as_of: str) -> dict[str, Any]:
    """Judge the credit unit's distribution of losses, with true inputs and with estimated ones.

    How loans move together is taken from what ``params/risk.yaml`` states for the credit unit.

    Parameters
    ----------
    truth : DataFrame
        The true book: ``loan_id, balance, default_probability, lgd``.

    Returns
    -------
    dict
        ``kolmogorov_distance_true_inputs`` (true probabilities and correlation), ``kolmogorov_distance`` (estimated
        probabilities, stated correlation), ``expected_loss_ratio``, the 99.9 % losses of all three; empty where credit
        does not apply.
    """
    if catalog.reason_not_applicable("score_credit_metrics") is not None:
        return {}
    params, unit = load_params("risk", catalog.root()), UNITS["credit"]
    stated = unit.settings(**params["units"].get(unit.name, {}))
    book, _ = read_scores(catalog.path("credit_book", as_of=as_of))
    terms = Terms(as_of, params["horizon"], params["currency"])
    said = unit.measure({"credit_book": book}, terms, stated).positions
    real = truth.merge(book[["loan_id", "applied_on"]], on="loan_id")
    both = said.merge(real, left_on="position", right_on="loan_id").sort_values("loan_id", ignore_index=True)
    applied = pd.to_datetime(both["applied_on"])
    quarter = (applied.dt.year * 12 + applied.dt.month - 1).to_numpy() // 3
    said = both[list(said.columns)]
    right = said.assign(exposure=both["balance"], probability=both["default_probability"], severity=both["lgd"],
                        factor=quarter.astype(str), method="truth")  # fmt: skip
    n, seed, how = params["scenarios"], params["seed"], stated.dependence
    drawn = true_losses(right, quarter, DRAWS, np.random.default_rng([seed, 1]))
    ours = loss_draws(right, Dependence(CORRELATION, 0.0, how.severity_spread), n, np.random.default_rng([seed, 2]))
    stated = loss_draws(said, how, n, np.random.default_rng([seed, 3]))
    return finite({
        "kolmogorov_distance_true_inputs": kolmogorov_distance(drawn, ours),
        "kolmogorov_distance": kolmogorov_distance(drawn, stated),
        "expected_loss_ratio": float(expected_loss(said).sum() / expected_loss(right).sum()),
        "true_mean_loss": float(drawn.mean()), "loans": float(len(said)),
        "value_at_risk_true": value_at_risk(drawn, LEVEL),
        "value_at_risk_true_inputs": value_at_risk(ours, LEVEL), "value_at_risk": value_at_risk(stated, LEVEL),
    })  # fmt: skip
