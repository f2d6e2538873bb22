"""Expected loss of loans and of a book, with the two things that are uncertain: the level of default, and the book.

Expected loss is default probability × loss given default × exposure (Basel Committee 2005, *An Explanatory Note on the
Basel II IRB Risk Weight Functions*, section 2).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError, ParamsError
from .common_shock import codes, within

Array = NDArray[np.float64]


def expected_loss(default_probability: ArrayLike, loss_given_default: ArrayLike, exposure: ArrayLike) -> Array:
    """Multiply the three, loan by loan.

    Parameters
    ----------
    default_probability, loss_given_default : (n,) shares from 0 to 1
    exposure : (n,) currency, from 0 on

    Returns
    -------
    (n,) currency

    Raises
    ------
    DataError
        For missing values and for values out of range, with their number.

    Examples
    --------
    >>> expected_loss([0.02, 0.5], [0.5, 0.5], [1000.0, 200.0]).tolist()
    [10.0, 50.0]
    >>> expected_loss([2.0], [0.45], [1000.0])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: default_probability: expected shares from 0 to 1, 1 of 1 are missing or outside
    """
    p = within("default_probability", default_probability, 1.0)
    lgd = within("loss_given_default", loss_given_default, 1.0)
    return p * lgd * within("exposure", exposure, np.inf)


def portfolio_loss(
    default_probability: ArrayLike,
    loss_given_default: ArrayLike,
    exposure: ArrayLike,
    group: ArrayLike,
    cohort: ArrayLike | None = None,
    *,
    n: int = 500,
    seed: int = 0,
    level: float = 0.95,
    level_draws: ArrayLike | None = None,
    lgd_draws: ArrayLike | None = None,
) -> dict[str, Any]:
    """Add up a book's expected loss, and say what its interval covers.

    The exposure of the book is known: a resample changes which customers (or, with ``cohort``, which whole cohorts)
    owe it. Each draw of the levels multiplies the probabilities or the losses, which stay at most 1.

    Parameters
    ----------
    default_probability, loss_given_default, exposure : (rows,)
    group, cohort : (rows,) customer; cohort of the loan
    level : coverage of the interval
    level_draws, lgd_draws : (n,) factors: of :func:`.common_shock.level_draws`, of the loss given default's bootstrap

    Returns
    -------
    dict
        ``expected_loss, low, high`` (currency), ``exposure``, ``rate`` (loss over exposure), ``loans``, ``customers``,
        ``covers`` (text).

    Examples
    --------
    >>> found = portfolio_loss([0.02, 0.04], [0.5, 0.5], [1000.0, 1000.0], ["a", "b"], n=50)
    >>> found["expected_loss"], found["low"], found["high"]
    (30.0, 20.0, 40.0)
    >>> found["covers"]
    'which customers are in the book; not: the level of default, the level of losses, the luck of the coming year'
    """
    whole = expected_loss(default_probability, loss_given_default, exposure)
    p, lgd, owed = (np.asarray(x, float) for x in (default_probability, loss_given_default, exposure))
    if not owed.sum() > 0:
        raise DataError(f"expected a book with exposure, got {len(owed):,} loans that owe nothing")
    factors = [_factors("level_draws", level_draws, n), _factors("lgd_draws", lgd_draws, n)]
    unit = codes("group", group) if cohort is None else codes("cohort", cohort)
    rng, units, drawn = np.random.default_rng(seed), int(unit.max()) + 1, np.empty(n)
    for i in range(n):
        loss = np.minimum(p * factors[0][i], 1) * np.minimum(lgd * factors[1][i], 1) * owed
        times = np.bincount(rng.integers(0, units, units), minlength=units)[unit]
        held = (times * owed).sum()
        drawn[i] = (times * loss).sum() / held if held else np.nan
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2]) * owed.sum()
    parts = {"the level of default": level_draws, "the level of losses": lgd_draws}
    covered = [f"which {'customers' if cohort is None else 'cohorts'} are in the book"]
    covered += [text for text, draws in parts.items() if draws is not None]
    missing = [*(text for text, draws in parts.items() if draws is None), "the luck of the coming year"]
    return {
        "expected_loss": float(whole.sum()), "low": float(low), "high": float(high), "exposure": float(owed.sum()),
        "rate": float(whole.sum() / owed.sum()), "loans": len(owed), "customers": int(codes("group", group).max()) + 1,
        "covers": f"{', '.join(covered)}; not: {', '.join(missing)}",
    }  # fmt: skip


def _factors(name: str, draws: ArrayLike | None, n: int) -> Array:
    if draws is None:
        return np.ones(n)
    x = within(name, draws, np.inf)
    if x.shape != (n,):
        raise ParamsError(f"{name}: expected {n} draws, as many as n, got shape {x.shape}")
    return x
