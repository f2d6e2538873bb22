"""Whether those who are scored now still look like those whom the model was built on: PSI and CSI.

PSI = Σ (actual − expected) · ln(actual / expected) over bins, with natural logarithms (Siddiqi 2006, *Credit Risk
Scorecards*, ch. 8). His rule of thumb, .1 and .25, knows nothing of sample sizes: in small samples chance alone exceeds
it. So the value that chance exceeds rarely is given next to it (Yurdakul and Naranjo 2020, Journal of Risk Model
Validation 14(4)).
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from ..errors import DataError, ParamsError, nearest
from .cells import MISSING, cells_of, kind_of

WATCH, SHIFTED = 0.1, 0.25

# Half a row: the least that a sample of this size could nearly have shown. A fixed floor would weigh one empty bin of
# thirty rows as heavily as one of a million.
FLOOR_ROWS = 0.5


def psi_table(expected: ArrayLike, actual: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Compare two samples bin by bin.

    Numbers are cut at quantiles of ``expected``, equal numbers staying together; values below the least or above the
    greatest expected one get a bin of their own where a whole quantile sits on that edge, so that a constant which
    moves is seen. Text and booleans are compared level by level; levels that ``expected`` never had share one bin.
    Missing values have a bin of their own. Bins that are empty in both are left out.

    Parameters
    ----------
    expected : (n,) numbers, booleans or text: the sample of development
    actual : (m,) the same kind
    bins : number of quantile bins; of no effect on text

    Returns
    -------
    DataFrame
        ``bin, expected_share, actual_share, contribution``; the contributions add up to the PSI. An empty bin counts
        as half a row in the contribution; its share is shown as 0.

    Raises
    ------
    DataError
        A sample is empty, or they are of different kinds, or dates.
    ParamsError
        ``bins`` is less than 2.

    Examples
    --------
    >>> psi_table(["rent", "own", "own", "own"], ["rent", "rent", "own", "boat"]).round(3)
                   bin  expected_share  actual_share  contribution
    0              own            0.75          0.25         0.549
    1             rent            0.25          0.50         0.173
    2  not seen before            0.00          0.25         0.087
    >>> psi_table([1.0, 2.0], ["a", "b"])
    Traceback (most recent call last):
    afraz.errors.DataError: expected holds numbers, actual holds text; compare one variable with itself
    """
    if bins < 2:
        raise ParamsError(f"bins must be at least 2; got {bins}")
    old, new = _plain(expected, "expected"), _plain(actual, "actual")
    kinds = [kind for kind in (kind_of(old), kind_of(new)) if kind]
    if len(set(kinds)) > 1:
        raise DataError(f"expected holds {kinds[0]}, actual holds {kinds[1]}; compare one variable with itself")
    cut = cells_of(old, bins, kinds[0] if kinds else None)
    before, after = cut.count(old), cut.count(new)
    table = pd.DataFrame({
        "bin": cut.labels,
        "expected_share": before / len(old),
        "actual_share": after / len(new),
        "contribution": contributions(before, after),
    })  # fmt: skip
    return table[(before > 0) | (after > 0)].reset_index(drop=True)


def contributions(before: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """Give what each bin adds to the PSI, from counts: shape (bins,); an empty bin counts as half a row.

    Examples
    --------
    >>> contributions(np.array([50, 50, 0]), np.array([40, 60, 0])).round(4).tolist()
    [0.0223, 0.0182, 0.0]
    """
    old, new = np.asarray(before, float), np.asarray(after, float)
    one, two = (np.maximum(count, FLOOR_ROWS) / count.sum() for count in (old, new))
    return np.where((old > 0) | (new > 0), (two - one) * np.log(two / one), 0.0)


def psi(expected: ArrayLike, actual: ArrayLike, *, bins: int = 10) -> float:
    """Population stability index: the sum of :func:`psi_table`; 0 where both samples share out alike.

    Examples
    --------
    >>> round(psi([1, 2, 3, 4] * 25, [1, 2, 3, 4] * 10, bins=4), 6)
    0.0
    >>> round(psi([0] * 50 + [1] * 50, [0] * 40 + [1] * 60), 6)
    0.040547
    """
    return float(psi_table(expected, actual, bins)["contribution"].sum())


def psi_by_chance(bins: int, rows_expected: int, rows_actual: int, level: float = 0.95) -> float:
    """Value that the PSI of two samples of one population stays below with probability ``level``.

    The PSI is then about (1/n + 1/m) times chi-square with bins − 1 degrees of freedom (Yurdakul and Naranjo 2020). A
    few rows a bin are needed for that: with bins that may be empty the value is too low.

    Examples
    --------
    >>> round(psi_by_chance(10, 400, 200), 3), round(psi_by_chance(10, 100_000, 100_000), 5)
    (0.127, 0.00034)
    """
    if not 0 < level < 1:
        raise ParamsError(f"level must lie between 0 and 1, such as 0.95; got {level}")
    if bins < 2:
        return 0.0  # a single bin holds everything: chance moves nothing
    return float(chi2.ppf(level, bins - 1) * (1 / rows_expected + 1 / rows_actual))


def verdict(value: float) -> str:
    """Say a PSI in a word: stable below .1, watch below .25, else shifted (Siddiqi 2006).

    Examples
    --------
    >>> verdict(0.05), verdict(0.1), verdict(0.3)
    ('stable', 'watch', 'shifted')
    """
    return "stable" if value < WATCH else "watch" if value < SHIFTED else "shifted"


def csi(expected: pd.DataFrame, actual: pd.DataFrame, *, bins: int = 10) -> pd.DataFrame:
    """Characteristic stability: the PSI of each column, the most moved first.

    Parameters
    ----------
    expected : (n, features)
    actual : (m, features) with at least the same columns

    Returns
    -------
    DataFrame
        ``feature, psi, verdict``, falling by PSI; ties by name.

    Examples
    --------
    >>> old = pd.DataFrame({"age": [20, 30, 40, 50] * 10, "home": ["own", "rent"] * 20})
    >>> csi(old, old.assign(home="own"), bins=2).round(3)
      feature    psi  verdict
    0    home  2.145  shifted
    1     age  0.000   stable
    >>> csi(old, old[["age"]])
    Traceback (most recent call last):
    afraz.errors.DataError: actual lacks the column home (known: age); give it all columns of expected
    """
    for name in expected.columns:
        if name not in actual.columns:
            hint = nearest(str(name), map(str, actual.columns))
            raise DataError(f"actual lacks the column {name} ({hint}); give it all columns of expected")
    rows = []
    for name in expected.columns:
        try:
            value = psi(expected[name], actual[name], bins=bins)
        except DataError as error:
            raise DataError(f"column {name}: {error}") from None
        rows.append((str(name), value, verdict(value)))
    rows.sort(key=lambda row: (-row[1], row[0]))
    return pd.DataFrame(rows, columns=["feature", "psi", "verdict"])


def psi_by_segment(
    expected: ArrayLike,
    actual: ArrayLike,
    segment_expected: ArrayLike,
    segment_actual: ArrayLike,
    *,
    bins: int = 10,
) -> pd.DataFrame:
    """PSI within each segment, with bins cut anew from the segment's expected rows.

    Parameters
    ----------
    expected, segment_expected : (n,)
    actual, segment_actual : (m,)

    Returns
    -------
    DataFrame
        ``segment, rows_expected, rows_actual, psi, psi_by_chance``, by name of segment. A PSI above ``psi_by_chance``
        would come by chance in one of twenty stable segments. A segment with rows in one sample alone has neither.

    Examples
    --------
    >>> psi_by_segment([1, 2] * 50, [1, 1, 2, 2] * 10, ["a"] * 100, ["a"] * 20 + ["b"] * 20, bins=2).round(3)
      segment  rows_expected  rows_actual  psi  psi_by_chance
    0       a            100           20  0.0           0.23
    1       b              0           20  NaN            NaN
    """
    old, new = _plain(expected, "expected"), _plain(actual, "actual")
    old_segment, new_segment = _names(segment_expected), _names(segment_actual)
    for values, segments, name in ((old, old_segment, "expected"), (new, new_segment, "actual")):
        if len(values) != len(segments):
            raise DataError(f"segment_{name} must have one name for each row; got {len(segments)} for {len(values)}")
    rows: list[tuple[Any, ...]] = []
    for segment in sorted({*old_segment.tolist(), *new_segment.tolist()}):
        before, after = old[old_segment == segment], new[new_segment == segment]
        found, chance = float("nan"), float("nan")
        if len(before) and len(after):
            table = psi_table(before, after, bins)
            found, chance = float(table["contribution"].sum()), psi_by_chance(len(table), len(before), len(after))
        rows.append((segment, len(before), len(after), found, chance))
    return pd.DataFrame(rows, columns=["segment", "rows_expected", "rows_actual", "psi", "psi_by_chance"])


def _plain(values: ArrayLike, name: str) -> pd.Series:
    out = values.reset_index(drop=True) if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    if out.empty:
        raise DataError(f"{name} has no rows; there is nothing to compare")
    return out


def _names(values: ArrayLike) -> NDArray[np.object_]:
    out = pd.Series(values).astype(object)
    return np.asarray([MISSING if gone else str(value) for value, gone in zip(out, out.isna(), strict=True)], object)
