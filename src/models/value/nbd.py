"""NBD: Poisson purchases of customers who stay, at rates that differ between them; BG/NBD in which nobody leaves.

Ehrenberg 1959, *The pattern of consumer purchases*, Applied Statistics 8(1):26-41. The rate λ is Gamma(r, α)
distributed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..likelihood import Fit, maximise
from ..nbd import log_likelihood
from .histories import Histories, duration, same

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Nbd:
    """The model at known parameters; ``alpha`` is in the unit of time of the histories."""

    r: float
    alpha: float

    def expected_purchases(self, history: pd.DataFrame, horizon: float) -> Array:
        """Purchases expected in ``(T, T + horizon]``: the customer's rate and that of all, weighed by T and α.

        Parameters
        ----------
        history : (n, …) with ``frequency``, ``recency``, ``T``
        horizon : in the same unit of time

        Returns
        -------
        (n,) from 0 on

        Examples
        --------
        >>> history = pd.DataFrame({"frequency": [0, 9], "recency": [0, 30], "T": [10, 40]})
        >>> Nbd(1.0, 10.0).expected_purchases(history, 10.0)
        array([0.5, 2. ])
        """
        found = Histories.of(history)
        each = (self.r + found.x) / (self.alpha + found.T) * float(duration(horizon))
        return np.asarray(each[found.row], float)


def fit_nbd(history: pd.DataFrame) -> Fit[Nbd]:
    """Fit NBD by maximum likelihood, with the exact gradient.

    Parameters
    ----------
    history : (n, …) with ``frequency``, ``recency`` and ``T``

    Returns
    -------
    Fit
        Not converged where customers differ no more than chance makes them: r runs to its bound.

    Raises
    ------
    DataError
        For rows that are no histories, or no purchase at all.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> count = rng.poisson(rng.gamma(2.0, 1 / 20.0, 4000) * 50.0)
    >>> drawn = pd.DataFrame({"frequency": count, "recency": np.where(count > 0, 49.0, 0.0), "T": 50.0})
    >>> found = fit_nbd(drawn)
    >>> found.converged, {name: round(value, 1) for name, value in found.params.items()}
    (True, {'r': 1.9, 'alpha': 19.0})
    >>> fit_nbd(drawn.assign(frequency=5, recency=49.0)).converged
    False
    """
    found = Histories.of(history).learnable()
    start = {"r": 1.0, "alpha": max(float(np.average(found.T, weights=found.count)), 1e-3)}
    pair, first = same(found.x, found.T)
    count = np.bincount(pair, found.count).astype(float)
    return maximise(log_likelihood(found.x[first], found.T[first], count), start, Nbd, found.customers)
