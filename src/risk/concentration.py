"""How unevenly a book lies on its parts, and what single names add to capital."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import gamma

from .basel import LEVEL
from .vasicek import loss_quantile

SHAPE = 0.25  # precision of the factor's gamma distribution
SPREAD = 0.25  # variance of loss given default over mean × (1 − mean)


def herfindahl(amounts: pd.Series) -> float:
    """Sum of squared shares: 1 / n for n equal parts, 1 for a single one.

    Examples
    --------
    >>> herfindahl(pd.Series([1.0, 1.0, 1.0, 1.0]))
    0.25
    """
    total = float(amounts.sum())
    return float(((amounts / total) ** 2).sum()) if total else 0.0


def concentration(cuts: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Describe how the book is spread by each cut.

    Parameters
    ----------
    cuts : mapping
        Name → money by part.

    Returns
    -------
    DataFrame
        ``cut, parts, herfindahl``, ``effective_number`` (as many equal parts would be as concentrated), ``largest,
        largest_share, largest_ten_share``.

    Examples
    --------
    >>> found = concentration({"region": pd.Series({"north": 60.0, "south": 20.0, "west": 20.0})}).iloc[0]
    >>> found["herfindahl"].round(2), found["effective_number"].round(2), found["largest"]
    (np.float64(0.44), np.float64(2.27), 'north')
    """
    rows = []
    for cut, amounts in cuts.items():
        shares = (amounts / amounts.sum()).sort_values(ascending=False, kind="stable")
        index = herfindahl(amounts)
        rows.append((cut, len(shares), index, 1 / index if index else np.nan, str(shares.index[0]), shares.iloc[0],
                     shares.iloc[:10].sum()))  # fmt: skip
    return pd.DataFrame(rows, columns=["cut", "parts", "herfindahl", "effective_number", "largest", "largest_share",
                                       "largest_ten_share"])  # fmt: skip


def delta(level: float = LEVEL, shape: float = SHAPE) -> float:
    """Constant of the granularity adjustment.

    Examples
    --------
    As published for 99.9 % and a shape of .25:

    >>> round(delta(), 2)
    4.83
    """
    quantile = float(gamma.ppf(level, shape, scale=1 / shape))
    return (quantile - 1) * (shape + (1 - shape) / quantile)


def granularity_adjustment(
    exposure: pd.Series, default_probability: pd.Series, loss_given_default: pd.Series, correlation: float = 0.04
) -> pd.DataFrame:
    """Capital that an endlessly fine book of the same quality would not need.

    Gordy and Lütkebohmert 2013, *Granularity adjustment for regulatory capital assessment*, International Journal of
    Central Banking 9(3):33-71, equation 10 (the simplified one).

    Parameters
    ----------
    exposure, default_probability, loss_given_default : Series
        By name: a customer with all its loans.
    correlation : float
        Of the one-factor capital that it adds to.

    Returns
    -------
    DataFrame
        One row: ``names, herfindahl``, ``capital`` (one factor) and ``adjustment`` as shares of the exposure,
        ``adjustment_money``.

    Examples
    --------
    >>> few, many = (granularity_adjustment(*(pd.Series(np.full(n, x)) for x in (1000 / n, 0.02, 0.45)))
    ...              for n in (10, 1000))
    >>> round(float(few["adjustment"].iloc[0] / many["adjustment"].iloc[0]), 6)
    100.0
    """
    owed, p, lgd = (x.to_numpy(float) for x in (exposure, default_probability, loss_given_default))
    share = owed / owed.sum()
    expected = lgd * p
    capital = lgd * (loss_quantile(p, correlation, LEVEL) - p)
    with np.errstate(divide="ignore", invalid="ignore"):
        uncertain = np.where(lgd > 0, (SPREAD * lgd * (1 - lgd) + lgd**2) / lgd, 0.0)
    whole = float((share * capital).sum())
    added = float((share**2 * uncertain * (delta() * (capital + expected) - capital)).sum())
    found = added / (2 * whole) if whole else 0.0
    return pd.DataFrame([{
        "names": len(owed), "herfindahl": herfindahl(exposure), "capital": whole, "adjustment": found,
        "adjustment_money": found * float(owed.sum()),
    }])  # fmt: skip
