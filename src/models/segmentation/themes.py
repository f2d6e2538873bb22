"""Common themes of what customers buy, hold and want: a non-negative factorisation of customers × items."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import NMF

from ...errors import DataError
from .. import pyfunc_segments as run
from .preparation import Sources

ROUNDS = 40


def fit_themes(sources: Sources, themes: int, *, seed: int) -> dict[str, Any]:
    """Factorise the shares within each block into themes (Lee and Seung, Nature 401, 1999, 788-791).

    Each customer's items are shares within their block, so that the busy count no more than the quiet. For fitting, a
    block that a customer lacks is the mean of the others; ``pyfunc_segments.theme_weights``, which applies the themes,
    leaves it out.

    Parameters
    ----------
    sources : Sources
        With ``themes``: blocks of items.
    themes : int
        How many.

    Returns
    -------
    dict
        ``blocks``, ``components`` (themes × items; each theme sums to 1 over its items), ``rounds``.

    Raises
    ------
    DataError
        If there are fewer items than themes.

    Examples
    --------
    >>> block = {"name": "want", "items": ["want:a", "want:b"]}
    >>> counts = {"want:a": np.array([9.0, 0.0, 8.0, 4.0]), "want:b": np.array([0.0, 5.0, 0.0, 0.0])}
    >>> found = fit_themes(Sources(counts, [], [], [], [block]), 2, seed=0)
    >>> np.round(run.theme_weights(found, counts)[0], 2)
    array([1., 0., 1., 1.])
    >>> fit_themes(Sources(counts, [], [], [], [block]), 3, seed=0)
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: 3 themes of 2 items (want): ask for fewer themes or add blocks
    """
    parts = []
    for block in sources.themes:
        shares = np.column_stack(run.block_shares([sources.columns[item] for item in block["items"]]))
        mean = np.nanmean(shares, axis=0)
        parts.append(np.where(np.isnan(shares), mean, shares))
    width = sum(part.shape[1] for part in parts)
    if themes > width:
        blocks = ", ".join(block["name"] for block in sources.themes)
        raise DataError(f"{themes} themes of {width} items ({blocks}): ask for fewer themes or add blocks")
    model = NMF(themes, init="nndsvda", solver="cd", random_state=seed, max_iter=400, tol=1e-3)
    model.fit(np.column_stack(parts))
    components: NDArray[np.float64] = model.components_
    components = components / np.maximum(components.sum(axis=1, keepdims=True), 1e-12)
    return {"blocks": sources.themes, "components": np.round(components, 9).tolist(), "rounds": ROUNDS}
