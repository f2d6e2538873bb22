"""Many questions at once: Holm's method (Scandinavian Journal of Statistics 6, 1979, 65-70)."""

import numpy as np
from numpy.typing import NDArray


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values for their number.

    Returns
    -------
    (n,)
        Those below a level are found with at most that chance of naming any where nothing is there.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3)
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(raised, 1.0)
    return result
