"""What a purchase brings, from few of them: the customer's own mean drawn towards that of all; amounts may be negative.

Bühlmann and Straub 1970, *Glaubwürdigkeit für Schadensätze*, Mitteilungen der Vereinigung schweizerischer
Versicherungsmathematiker 70:111-133; the estimators are those of Bühlmann and Gisler 2005, *A Course in Credibility
Theory*, chapter 4.8. It is empirical Bayes for normal purchases of normal customers, and the best linear forecast for
any others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Credibility:
    """Mean of a purchase over all, and its variance ``within`` a customer and ``between`` customers' own means."""

    mean: float
    within: float
    between: float

    def expected(self, total: Array, count: Array) -> Array:
        """Mean of the customer's purchases to come: the own mean weighs count, that of all within ÷ between.

        Parameters
        ----------
        total, count : (n,) sum of amounts and number of purchases; a missing total, or no purchase, tells nothing

        Returns
        -------
        (n,) in the unit of the amounts

        Examples
        --------
        >>> Credibility(4.0, 30.0, 10.0).expected(np.array([30.0, -6.0, 9.0, np.nan]), np.array([3, 1, 0, 5]))
        array([7. , 1.5, 4. , 4. ])
        """
        tells = np.isfinite(total) & (count > 0)
        weight = self.between * np.where(tells, count, 0)
        share = np.divide(weight, weight + self.within, out=np.zeros(len(weight)), where=weight > 0)
        own = np.divide(total, count, out=np.full(len(weight), self.mean), where=tells)
        return self.mean + share * (own - self.mean)


def fit_credibility(totals: Array, counts: Array) -> Credibility:
    """Estimate the variances from customers whose purchases are known by period.

    Where no customer has purchases in two periods, nothing tells chance from character, and nobody is taken to differ;
    nor where customers differ no more than chance makes them.

    Parameters
    ----------
    totals, counts : (n, periods) sum of amounts and number of purchases; a missing total is no purchase

    Raises
    ------
    DataError
        Without any purchase whose amount is known.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> counts = rng.integers(1, 9, (5000, 2))
    >>> totals = counts * rng.normal(4.0, 3.0, (5000, 1)) + rng.normal(0.0, 6.0 * np.sqrt(counts))
    >>> found = fit_credibility(totals, counts)
    >>> round(found.mean, 1), round(found.within ** 0.5, 1), round(found.between ** 0.5, 1)
    (4.0, 6.0, 3.0)
    >>> fit_credibility(np.array([[5.0, 1.0]]), np.array([[0, 0]]))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: expected purchases with a known amount, got none among 1 customers
    """
    known = np.isfinite(totals) & (counts > 0)
    weight, amount = np.where(known, counts, 0.0), np.where(known, totals, 0.0)
    volume = weight.sum(axis=1)
    weight, amount, volume = weight[volume > 0], amount[volume > 0], volume[volume > 0]
    if not len(volume):
        raise DataError(f"expected purchases with a known amount, got none among {len(totals):,} customers")
    all_of_it = float(volume.sum())
    mean = float(amount.sum()) / all_of_it
    own = amount.sum(axis=1) / volume
    spare = int((weight > 0).sum()) - len(volume)  # degrees of freedom: periods beyond a customer's first
    if not spare:
        return Credibility(mean, 0.0, 0.0)
    by_period = np.divide(amount, weight, out=np.zeros_like(amount), where=weight > 0)
    within = float((weight * (by_period - own[:, None]) ** 2).sum()) / spare
    spread = float((volume * (own - mean) ** 2).sum()) - (len(volume) - 1) * within
    scale = all_of_it - float((volume**2).sum()) / all_of_it  # 0 for a single customer
    return Credibility(mean, within, max(spread, 0.0) / scale if scale > 0 else 0.0)
