"""The common shock: loans of a quarter default together, so that the level of default is uncertain beyond customers."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError

Array = NDArray[np.float64]

LEAST_COHORTS = 4  # a spread between fewer quarters says next to nothing


def within(name: str, values: ArrayLike, most: float) -> Array:
    """Refuse values that are missing, below 0 or above ``most``, with their number."""
    x = np.asarray(values, float)
    bad = int((~((x >= 0) & (x <= most) & np.isfinite(x))).sum())
    if bad:
        kind = "shares from 0 to 1" if most == 1 else "finite amounts from 0 on"
        raise DataError(f"{name}: expected {kind}, {bad:,} of {x.size:,} are missing or outside")
    return x


def codes(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """Number the values in their order; missing ones are refused."""
    found = pd.factorize(np.asarray(values), sort=True)[0].astype(np.int64)
    if not len(found) or (found < 0).any():
        raise DataError(f"{name}: expected one for every row, {int((found < 0).sum()):,} of {len(found):,} are missing")
    return found


def cohort_factors(
    label: ArrayLike, probability: ArrayLike, group: ArrayLike, cohort: ArrayLike, n: int, seed: int
) -> Array:
    """Draw by how much the mean level of default might differ, had other quarters been observed.

    Loans of a quarter move together (Vasicek 2002, *The distribution of loan portfolio value*, Risk 15:160-162). The
    variance between cohorts of observed over expected, beyond what single customers explain, is the method of moments';
    the cohorts' deviations are brought to that variance and drawn with replacement (Carpenter, Goldstein and Rasbash
    2003, Applied Statistics 52:431-443), so that the customers' own variance isn't counted twice. The spread is known
    from few cohorts only: each draw is divided by the root of a χ² over its degrees of freedom, as in Student's t.

    Cohorts are taken as independent. Where a downturn lasts over several quarters, pass half-years or years.

    Returns
    -------
    (n,) factors around 1; all 1 where cohorts differ no more than by chance

    Raises
    ------
    DataError
        For fewer than four cohorts, or one whose probabilities are all 0.
    """
    y, p = np.asarray(label, float), np.asarray(probability, float)
    who, when = codes("group", group), codes("cohort", cohort)
    cohorts = int(when.max()) + 1
    if cohorts < LEAST_COHORTS:
        raise DataError(
            f"expected at least {LEAST_COHORTS} cohorts to see how they differ, got {cohorts}: pass quarters or months"
        )
    expected = np.bincount(when, p)
    if not (expected > 0).all():
        raise DataError(f"expected a probability above 0 in every cohort, {int((expected <= 0).sum())} have none")
    total = expected.sum()
    level = y.sum() / total
    gap = np.bincount(when, y) / expected - level
    pairs, place = np.unique(when * (int(who.max()) + 1) + who, return_inverse=True)
    own = np.bincount(place, y - level * p)  # what a customer adds in a cohort
    noise = np.bincount(pairs // (int(who.max()) + 1), own**2, cohorts) / expected**2
    share = expected / total
    between = ((share * gap**2).sum() - (share * noise * (1 - share)).sum()) / (1 - (share**2).sum())
    if between <= 1e-12 * level**2:  # rounding leaves a trace even where cohorts are equal
        return np.ones(n)
    centred = gap - gap.mean()
    effect = centred * np.sqrt(between / (centred**2).mean()) / level
    rng = np.random.default_rng(seed)
    drawn = (share * effect[rng.integers(0, cohorts, (n, cohorts))]).sum(axis=1)
    return np.exp(drawn / np.sqrt(rng.chisquare(cohorts - 1, n) / (cohorts - 1)))


def level_draws(
    label: ArrayLike, probability: ArrayLike, group: ArrayLike, cohort: ArrayLike, n: int = 500, seed: int = 0
) -> Array:
    """Draw observed over expected defaults: other customers, and other quarters.

    Parameters
    ----------
    label : (rows,) 1 = default; loans whose window has ended
    probability : (rows,) what the model gave them
    group, cohort : (rows,) customer, and the quarter that moves together

    Returns
    -------
    (n,) factors for the calibration level, as :func:`.expected_loss.portfolio_loss` takes them; how quarters enter is
    said at :func:`cohort_factors`

    Raises
    ------
    DataError
        For fewer than four cohorts, unknown labels, no default at all.

    Examples
    --------
    >>> who, quarter = np.arange(4000), np.repeat(np.arange(8), 500)
    >>> uneven, even = [10, 40, 20, 30, 15, 35, 25, 25], [25] * 8
    >>> spread = [level_draws(who % 500 < np.repeat(bads, 500), np.full(4000, 0.05), who, quarter).std()
    ...           for bads in (uneven, even)]
    >>> bool(spread[0] > 1.8 * spread[1])
    True
    >>> level_draws([0, 1], [0.1, 0.2], [1, 2], ["2026Q1", "2026Q2"])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: expected at least 4 cohorts to see how they differ, got 2: pass quarters or months
    """
    y, p = within("label", label, 1.0), within("probability", probability, 1.0)
    factors = cohort_factors(y, p, group, cohort, n, seed)
    if not y.any():
        raise DataError(f"expected defaults among {len(y):,} loans, got none: the level has no lower bound but 0")
    who = codes("group", group)
    sums = np.stack([np.bincount(who, y), np.bincount(who, p)])
    rng, customers = np.random.default_rng([seed, 1]), sums.shape[1]
    out = np.empty(n)
    for i in range(n):
        times = np.bincount(rng.integers(0, customers, customers), minlength=customers)
        observed, expected = (sums * times).sum(axis=1)
        out[i] = observed / expected
    return out * factors
