"""Tables without groups, otherwise like the data: what a clusterer finds in them is no structure."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from .preparation import FEW_VALUES, Sources

Array = NDArray[np.float64]


def null_sources(sources: Sources, rng: np.random.Generator) -> Sources:
    """Draw customers of one kind: one Gaussian cloud with the correlations of the data.

    Numbers of many values become normal, so that two heaps count as structure and skewness, which the preparation has
    bent away, does not. Numbers of few values and texts keep their frequencies (Gaussian copula). Items of a block are
    drawn from shares that vary around one mean as much as the data's do beyond the chance of counting. Missing values
    stay where they are.
    """
    names = [n["name"] for n in sources.numbers] + [t["name"] for t in sources.texts]
    columns = {name: _scores(sources.columns[name], rng) for name in names}
    blocks = [*sources.counts, *[b for b in sources.themes if b["name"] not in {c["name"] for c in sources.counts}]]
    noise = {}
    for block in blocks:
        shares, extra = _shares(np.column_stack([sources.columns[item] for item in block["items"]]))
        for j, item in enumerate(block["items"]):
            columns[item], noise[item] = shares[:, j], extra[j]
    if not columns:
        return sources
    order = list(columns)
    z = np.column_stack([columns[name] for name in order])
    drawn = _cloud(z, np.array([noise.get(name, 0.0) for name in order]), rng)
    result = dict(sources.columns)
    for name in names:
        result[name] = _back(sources.columns[name], drawn[:, order.index(name)], name, sources)
    for block in blocks:
        place = [order.index(item) for item in block["items"]]
        counts = np.column_stack([sources.columns[item] for item in block["items"]])
        for item, column in zip(block["items"], _counted(counts, drawn[:, place], rng).T, strict=True):
            result[item] = column
    return sources.with_columns(result)


def _scores(x: Array, rng: np.random.Generator) -> Array:
    """Normal scores of values of few kinds (ties broken at random), values as they are where there are many."""
    x = np.asarray(x, float)
    known = ~np.isnan(x)
    if len(np.unique(x[known])) > FEW_VALUES:
        return x
    rank = np.full(len(x), np.nan)
    order = np.lexsort((rng.random(known.sum()), x[known]))
    place = np.empty(known.sum())
    place[order] = (np.arange(known.sum()) + 0.5) / known.sum()
    rank[known] = norm.ppf(place)
    return rank


def _back(x: Array, drawn: Array, name: str, sources: Sources) -> Array:
    """Turn a drawn normal into values with the frequencies of the data, where these are few."""
    values = np.asarray(x, float)
    known = ~np.isnan(values)
    if len(np.unique(values[known])) > FEW_VALUES:
        return np.where(known, drawn, np.nan)
    ordered = np.sort(values[known])
    u = norm.cdf((drawn - drawn.mean()) / max(float(drawn.std()), 1e-12))
    result = np.where(known, ordered[np.minimum((u * len(ordered)).astype(int), len(ordered) - 1)], np.nan)
    texts = {text["name"] for text in sources.texts}
    return result.astype(np.int64) if name in texts else result


def _shares(counts: Array) -> tuple[Array, Array]:
    """Shares of the items (NaN without any), and the part of their variance that is the chance of counting."""
    counts = np.nan_to_num(counts)
    total = counts.sum(axis=1)
    shares = counts / np.where(total > 0, total, np.nan)[:, None]
    mean = np.nanmean(shares, axis=0)
    chance = np.nanmean(1 / np.where(total > 0, total, np.nan)) * mean * (1 - mean)
    return shares, chance


def _counted(counts: Array, shares: Array, rng: np.random.Generator) -> Array:
    whole = np.nan_to_num(counts).sum(axis=1)
    p = np.maximum(shares, 1e-6)
    drawn = rng.multinomial(np.rint(whole).astype(np.int64), p / p.sum(axis=1, keepdims=True)).astype(float)
    return np.where(np.isnan(counts), np.nan, drawn)


def _cloud(z: Array, chance: Array, rng: np.random.Generator) -> Array:
    known = ~np.isnan(z)
    mean = np.nanmean(z, axis=0)
    centred = np.where(known, z - mean, 0.0)
    pairs = known.T.astype(float) @ known.astype(float)
    covariance = centred.T @ centred / np.maximum(pairs, 1.0) - np.diag(chance)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return mean + rng.normal(size=z.shape) @ root.T
