"""Features as numbers, the same for every part of the value model: one model folder reads a text in one way only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError
from ..encoding import is_text, shrunk_rates
from ..pyfunc_model import codes, numbers
from .settings import ValueSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """The feature list of the model. A level of a text becomes the share of its customers whose last year was good.

    Good means above the median of the feature ``last_year``: what was known at as_of, so no outcome leaks into a code.
    Without that feature, levels go by how frequent they are.
    """

    spec: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """Features in the order of the matrix."""
        return [feature["name"] for feature in self.spec]

    @classmethod
    def learn(cls, rows: pd.DataFrame, settings: ValueSettings) -> "Inputs":
        """Read types and levels off the training rows.

        Raises
        ------
        DataError
            If there is no feature.
        """
        named = {settings.id, settings.as_of, *settings.outcome_columns(), *settings.drop}
        names = [str(c) for c in rows.columns if c not in named]
        if not names:
            raise DataError("no feature is left: every column is an id, a date or a label")
        good = None
        if settings.last_year in rows:
            last = numbers(rows[settings.last_year])
            good = (last > np.nanmedian(last)).astype(float) if (~np.isnan(last)).any() else None
        return cls([_text(rows[n], good) if is_text(rows[n]) else {"name": n, "type": "double"} for n in names])

    def matrix(self, rows: pd.DataFrame) -> Array:
        """Encode rows; shape (rows, features), NaN where missing."""
        x = np.empty((len(rows), len(self.spec)))
        for j, feature in enumerate(self.spec):
            column = rows[feature["name"]]
            if feature["type"] == "text":
                x[:, j] = codes(column, feature["levels"], feature["missing"], feature["other"])
            else:
                x[:, j] = numbers(column)
        return x


def _text(column: pd.Series, good: Array | None) -> dict[str, Any]:
    place, levels = pd.factorize(column.astype("object").map(str, na_action="ignore"), sort=True)
    place = np.where(place < 0, len(levels), place)
    counts = np.bincount(place, minlength=len(levels) + 1).astype(float)
    if good is None:
        rates, overall = counts / max(counts.sum(), 1), 0.0
    else:
        rates, overall = shrunk_rates(np.bincount(place, good, len(levels) + 1).astype(float), counts)
    named = {str(level): float(rate) for level, rate in zip(levels, rates[:-1], strict=True)}
    return {"name": str(column.name), "type": "text", "levels": named, "missing": float(rates[-1]), "other": overall}
