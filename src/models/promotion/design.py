"""How the arms are said to have been given out: by a constant share in each block, or by stated propensities."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError, nearest

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

LEAST = 30  # rows of an arm: below, five folds tell nothing and an effect has no interval
LEAST_IN_BLOCK = 2


@dataclass(frozen=True)
class Design:
    """Arms, and the probability with which every row should have got each of them.

    ``arms[0]`` is the control and has code 0; ``probability`` is (n, arms), and its rows add up to 1.
    """

    arms: list[str]
    code: Codes
    block: Codes
    probability: Array
    stated: bool

    def __len__(self) -> int:
        return len(self.code)

    def weight(self, code: Codes) -> Array:
        """One over the probability of the arm that was got; where the design is true, no feature tells arms apart."""
        return np.asarray(1.0 / self.probability[np.arange(len(code)), code])

    def draw(self, rng: np.random.Generator) -> Codes:
        """Give the arms out anew: by the stated propensities, else by permuting them within blocks."""
        u = rng.random(len(self))
        if self.stated:
            return np.asarray((u[:, None] > self.probability.cumsum(axis=1)[:, :-1]).sum(axis=1))
        dealt = np.empty_like(self.code)
        dealt[np.lexsort((u, self.block))] = self.code[np.argsort(self.block, kind="stable")]
        return dealt


def read_design(
    treatment: ArrayLike | pd.Series,
    *,
    control: str | None = None,
    propensity: ArrayLike | pd.DataFrame | None = None,
    block: ArrayLike | pd.Series | None = None,
) -> Design:
    """Read who got what, and by which probability.

    Parameters
    ----------
    treatment : (n,) 0 or 1; or arms, with ``control`` naming the one that got nothing
    propensity : (n,) stated probability of being treated; with several arms a frame (n, arms), one column per arm
    block : (n,) campaign or stratum within which arms were given out; None: all rows are one

    Raises
    ------
    DataError
        Nobody or everybody was treated, there is no control group, an arm or block is too small, or a propensity is
        missing, 0 or 1.

    Examples
    --------
    >>> read_design(["none", "mail"] * 40, control="none").probability[0].tolist()
    [0.5, 0.5]
    >>> read_design([1] * 80)
    Traceback (most recent call last):
    afraz.errors.DataError: treatment: everybody (80 rows) got it, there is no control group ...
    >>> read_design([0, 1] * 40, propensity=[0.5] * 78 + [0.0, 1.0])
    Traceback (most recent call last):
    afraz.errors.DataError: propensities of 0 or 1 in 2 of 80 rows (1 of 0, 1 of 1): ...
    """
    arms, code = _arms(pd.Series(treatment).reset_index(drop=True), control)
    n, k = len(code), len(arms)
    names = np.zeros(n) if block is None else pd.Series(block).reset_index(drop=True)
    of_block, blocks = pd.factorize(names, sort=True)
    _same_length(len(of_block), n, "block")
    if (of_block < 0).any():
        raise DataError(
            f"block is missing in {int((of_block < 0).sum()):,} of {n:,} rows: name the campaign of every row"
        )
    if propensity is not None:
        return Design(arms, code, of_block, _stated(propensity, arms, n), stated=True)
    counts = np.zeros((len(blocks), k))
    np.add.at(counts, (of_block, code), 1.0)
    b, a = np.unravel_index(counts.argmin(), counts.shape)
    if counts[b, a] < LEAST_IN_BLOCK:
        raise DataError(
            f"block {str(blocks[int(b)])!r} has {int(counts[b, a])} rows of arm {arms[a]!r} "
            f"among {int(counts[b].sum()):,}; "
            f"at least {LEAST_IN_BLOCK} are needed: leave the block out or merge it"
        )
    return Design(arms, code, of_block, (counts / counts.sum(axis=1, keepdims=True))[of_block], stated=False)


def _arms(values: pd.Series, control: str | None) -> tuple[list[str], Codes]:
    absent, n = int(values.isna().sum()), len(values)
    if absent or not n:
        raise DataError(f"treatment is missing in {absent:,} of {n:,} rows: every row needs its arm")
    if control is None:
        numeric = pd.to_numeric(values, errors="coerce")
        if not numeric.isin([0, 1]).all():
            few = values.nunique() <= 6
            has = f"the values {', '.join(sorted(map(str, values.unique())))}" if few else "many values"
            raise DataError(f"treatment has {has}: expected 0 and 1, or name the arm that got nothing (control=…)")
        arms, code = ["control", "treated"], numeric.to_numpy(dtype=np.int64)
        if not code.any():
            raise DataError(f"treatment: nobody among {n:,} rows got it, there is nothing to compare; check its column")
        if code.all():
            raise DataError(
                f"treatment: everybody ({n:,} rows) got it, there is no control group to compare with; "
                "add the customers who were left out"
            )
    else:
        spelled = values.map(str)
        found = set(spelled)
        if control not in found:
            raise DataError(f"no control group: no row has the arm {control!r}; {nearest(control, found)}")
        if found == {control}:
            raise DataError(
                f"treatment: nobody among {n:,} rows got it, all have the arm {control!r}; check its column"
            )
        arms = [control, *sorted(found - {control})]
        code = spelled.map({arm: i for i, arm in enumerate(arms)}).to_numpy(dtype=np.int64)
    counts = np.bincount(code, minlength=len(arms))
    if counts.min() < LEAST:
        raise DataError(
            f"arm {arms[int(counts.argmin())]!r} has {counts.min()} of {n:,} rows, at least {LEAST} are needed to tell "
            "a trial from a choice: add rows or leave the arm out"
        )
    return arms, code


def _stated(propensity: ArrayLike | pd.DataFrame, arms: list[str], n: int) -> Array:
    if isinstance(propensity, pd.DataFrame):
        lacking = [arm for arm in arms if arm not in propensity.columns]
        if lacking:
            raise DataError(
                f"propensity has no column {lacking[0]!r}: {nearest(lacking[0], map(str, propensity.columns))}"
            )
        p = propensity[arms].to_numpy(dtype=float)
    else:
        one = np.asarray(propensity, float)
        if one.ndim != 1 or len(arms) != 2:
            raise DataError(
                f"propensity has the shape {one.shape}: with {len(arms)} arms a "
                + ("column of numbers is expected" if len(arms) == 2 else f"frame with columns {', '.join(arms)}")
            )
        p = np.column_stack([1 - one, one])
    _same_length(len(p), n, "propensity")
    absent = int(np.isnan(p).any(axis=1).sum())
    if absent:
        raise DataError(f"propensity is missing in {absent:,} of {n:,} rows: state it for all, or for none")
    beyond = int(((p < 0) | (p > 1)).any(axis=1).sum())
    if beyond:
        raise DataError(f"propensity lies outside 0 to 1 in {beyond:,} of {n:,} rows: give probabilities")
    none, sure = (p[:, 1:] == 0).any(axis=1), (p[:, 1:] == 1).any(axis=1) | (p[:, 0] == 0)
    if (none | sure).any():
        raise DataError(
            f"propensities of 0 or 1 in {int((none | sure).sum()):,} of {n:,} rows ({int((none & ~sure).sum()):,} of 0"
            f", {int(sure.sum()):,} of 1): nobody there had a choice of arms; leave these rows out"
        )
    if not np.allclose(p.sum(axis=1), 1, atol=1e-6):
        raise DataError(
            "propensities of the arms do not add up to 1 in every row: state them for all arms, control too"
        )
    return p


def _same_length(found: int, n: int, what: str) -> None:
    if found != n:
        raise DataError(f"{what} has {found:,} values, treatment has {n:,}: give one for each row")
