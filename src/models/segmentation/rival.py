"""K-means, the simple rival of the mixture, and the partitions that the mixture starts from."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]


def fit_kmeans(
    dense: Array, clusters: int, *, starts: int, seed: int, begun: NDArray[np.int64] | None = None
) -> tuple[Array, NDArray[np.int64]]:
    """Fit centres, the largest cluster first.

    Parameters
    ----------
    dense : array of shape (rows, coordinates)
        See ``pyfunc_segments.dense_statistics``.
    begun : int array of shape (rows,), optional
        A partition whose means to start from, instead of several starts.

    Returns
    -------
    centres : array of shape (clusters, coordinates)
    labels : int array of shape (rows,)

    Examples
    --------
    >>> fit_kmeans(np.array([[0.0], [0.1], [0.2], [5.0]]), 2, starts=1, seed=0)[1]
    array([0, 0, 0, 1])
    """
    means = None if begun is None else np.array([dense[begun == j].mean(axis=0) for j in range(clusters)])
    first = {"n_init": starts} if means is None else {"init": means, "n_init": 1}
    with threadpool_limits(1):  # sums in one order: the same bytes on every machine
        model = KMeans(clusters, **first, random_state=seed, max_iter=100, tol=1e-3).fit(dense)
    order = np.argsort(-np.bincount(model.labels_, minlength=clusters), kind="stable")
    return model.cluster_centers_[order], np.argsort(order)[model.labels_].astype(np.int64)


def nearest_centre(dense: Array, centres: Array) -> NDArray[np.int64]:
    """Assign rows to the nearest centre; shape (rows,)."""
    return ((centres**2).sum(axis=1) - 2 * dense @ centres.T).argmin(axis=1)


def starting_partitions(dense: Array, clusters: int, *, starts: int, seed: int) -> list[NDArray[np.int64]]:
    """Give partitions to start EM from: k-means, each from other centres."""
    return [fit_kmeans(dense, clusters, starts=1, seed=seed + j)[1] for j in range(starts)]
