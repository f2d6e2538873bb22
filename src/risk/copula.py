"""How losses of units move together: Gaussian and t copula with stated correlations, mended where they contradict."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr

from ..errors import ParamsError

Array = NDArray[np.float64]
Kind = Literal["gaussian", "t"]
LEAST_EIGENVALUE = 1e-8


def nearest_correlation(matrix: ArrayLike, tolerance: float = 1e-10, most: int = 2000) -> tuple[Array, float]:
    """Find the correlation matrix that is nearest in the Frobenius norm.

    Alternating projections with Dykstra's correction (Higham 2002, *Computing the nearest correlation matrix*, IMA
    Journal of Numerical Analysis 22:329-343).

    Returns
    -------
    matrix : (k, k)
        With 1 on its diagonal and eigenvalues above 0; the one given, if it is such.
    moved : float
        The largest change of an entry; 0 if it is positive definite as given.

    Raises
    ------
    ParamsError
        If it is not a symmetric matrix with 1 on its diagonal and entries from -1 to 1.

    Examples
    --------
    Higham's example of 2002, section 4:

    >>> repaired, moved = nearest_correlation([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    >>> repaired.round(4).tolist()
    [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    >>> nearest_correlation(np.eye(2))[1]
    0.0
    """
    given = np.asarray(matrix, float)
    if (given.ndim != 2 or given.shape[0] != given.shape[1] or not np.isfinite(given).all()
            or not np.allclose(given, given.T) or not np.allclose(np.diag(given), 1)
            or np.abs(given).max(initial=0) > 1):  # fmt: skip
        raise ParamsError("correlations: expected a symmetric matrix with 1 on its diagonal and entries from -1 to 1")
    if np.linalg.eigvalsh(given).min() >= LEAST_EIGENVALUE:
        return given, 0.0
    found, correction = given.copy(), np.zeros_like(given)
    for _ in range(most):
        before, shifted = found, found - correction
        values, vectors = np.linalg.eigh(shifted)
        positive = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
        correction = positive - shifted
        found = positive.copy()
        np.fill_diagonal(found, 1.0)
        if np.abs(found - before).max() < tolerance:
            break
    # what is left of the alternation is below the tolerance; scaling puts an exact 1 on the diagonal
    root = np.sqrt(np.diag(positive))
    found = positive / root[:, None] / root[None, :]
    return (found + found.T) / 2, float(np.abs(found - given).max())


def copula_draws(
    correlation: Array, n: int, rng: np.random.Generator, kind: Kind = "gaussian", degrees: float = 4.0
) -> Array:
    """Draw ranks that move together.

    Parameters
    ----------
    correlation : (k, k)
        Positive definite.
    degrees : float
        Of freedom, for ``t``: few make extremes come together (McNeil, Frey and Embrechts 2015, *Quantitative Risk
        Management*, section 7.3).

    Returns
    -------
    (n, k) in (0, 1)

    Raises
    ------
    ParamsError
        For another kind of copula, or degrees of freedom up to 0.

    Examples
    --------
    >>> u = copula_draws(np.array([[1, 0.5], [0.5, 1]]), 50_000, np.random.default_rng(7), "t")
    >>> bool(abs(np.corrcoef(u.T)[0, 1] - 0.47) < 0.02)
    True
    >>> normal = copula_draws(np.array([[1, 0.5], [0.5, 1]]), 50_000, np.random.default_rng(7), "gaussian")
    >>> bool((u > 0.99).all(axis=1).mean() > 1.5 * (normal > 0.99).all(axis=1).mean())  # extremes come together
    True
    """
    if kind not in ("gaussian", "t"):
        raise ParamsError(f"copula: expected gaussian or t, got {kind!r}")
    if kind == "t" and not degrees > 0:
        raise ParamsError(f"copula degrees: expected more than 0, got {degrees}")
    z = rng.standard_normal((n, len(correlation))) @ np.linalg.cholesky(correlation).T
    if kind == "gaussian":
        return np.asarray(ndtr(z))
    scale = np.sqrt(degrees / rng.chisquare(degrees, n))
    return np.asarray(stdtr(degrees, z * scale[:, None]))


def with_ranks(losses: Array, ranks: Array) -> Array:
    """Bring each unit's draws into the order of the copula's: the distribution is the unit's, the dependence stated.

    Parameters
    ----------
    losses : (n, k) draws of each unit, in any order
    ranks : (n, k) of :func:`copula_draws`

    Returns
    -------
    (n, k), each column the same draws as in ``losses``

    Examples
    --------
    >>> with_ranks(np.array([[3.0], [1.0], [2.0]]), np.array([[0.5], [0.1], [0.9]])).ravel().tolist()
    [2.0, 1.0, 3.0]
    """
    out = np.empty_like(losses)
    for j in range(losses.shape[1]):
        out[np.argsort(ranks[:, j], kind="stable"), j] = np.sort(losses[:, j])
    return out
