"""Is a draw what it was meant to be: strips of the right size, and groups alike in what was known before?"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from ..data.schemas import CONTROL
from ..errors import DataError
from .strips import DECIDED

LEVEL = 0.001  # a false alarm in a thousand looks; divided by the number of comparisons of one look


def check_sizes(strips: pd.DataFrame) -> pd.DataFrame:
    """Hold the size of every strip against its share of all customers (a sample ratio mismatch).

    Parameters
    ----------
    strips : DataFrame
        From :func:`afraz.decisioning.strips.set_apart`.

    Returns
    -------
    DataFrame
        ``strip, expected, found, z, ok``.

    Examples
    --------
    >>> strips = pd.DataFrame({"strip": ["holdout"] * 90 + ["decided"] * 910, "share": [0.02] * 90 + [0.98] * 910})
    >>> check_sizes(strips).round(1).to_dict("records")[1]
    {'strip': 'holdout', 'expected': 20.0, 'found': 90, 'z': 15.8, 'ok': False}
    """
    by = strips.groupby("strip")["share"].agg(share="first", found="size").reset_index()
    n, share = len(strips), by["share"].to_numpy()
    deviation = np.sqrt(n * share * (1 - share))
    gap = by["found"].to_numpy() - n * share
    z = np.divide(gap, deviation, out=np.zeros(len(by)), where=deviation > 0)
    return pd.DataFrame({
        "strip": by["strip"], "expected": n * share, "found": by["found"], "z": z, "ok": np.abs(z) <= _limit(len(by)),
    })  # fmt: skip


def check_balance(rows: pd.DataFrame, customers: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Compare, in every campaign, those withheld with those contacted by what was known before.

    Parameters
    ----------
    rows : DataFrame
        From :func:`afraz.decisioning.strips.control_groups`.
    customers : DataFrame
        ``customer_id`` and numeric columns: scores, features of ``as_of``.
    columns : sequence of str
        Which to compare; a missing value is left out.

    Returns
    -------
    DataFrame
        ``campaign_id, column, control, decided`` (means), ``difference`` (in standard deviations), ``z, ok``.

    Raises
    ------
    DataError
        If a column is absent or not numeric.
    """
    wrong = [c for c in columns if c not in customers or not pd.api.types.is_numeric_dtype(customers[c])]
    if wrong:
        raise DataError(f"balance: {wrong[0]!r} is no numeric column of customers: name columns that are")
    both = rows.merge(customers[["customer_id", *columns]], on="customer_id", how="left", suffixes=("_row", ""))
    found = []
    for campaign, part in both[both["strip"].isin([CONTROL, DECIDED])].groupby("campaign_id", sort=True):
        for column in columns:
            held, given = (part.loc[part["strip"].eq(s), column].dropna().to_numpy(float) for s in (CONTROL, DECIDED))
            if min(len(held), len(given)) < 2:
                continue
            gap = held.mean() - given.mean()
            spread = np.sqrt((held.var(ddof=1) + given.var(ddof=1)) / 2)
            error = np.sqrt(held.var(ddof=1) / len(held) + given.var(ddof=1) / len(given))
            found.append((campaign, column, held.mean(), given.mean(), gap / spread if spread else 0.0,
                          gap / error if error else 0.0))  # fmt: skip
    names = ["campaign_id", "column", "control", "decided", "difference", "z"]
    table = pd.DataFrame(found, columns=names)
    return table.assign(ok=table["z"].abs() <= _limit(max(len(table), 1)))


def _limit(comparisons: int) -> float:
    return NormalDist().inv_cdf(1 - LEVEL / comparisons / 2)
