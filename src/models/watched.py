"""How long each row was watched, and whether the event was seen: more than its label tells.

A label says whether an event fell into a window. Rows whose window has not ended have none yet, and an event after the
window is none; both still tell who is at risk. Where hazards are proportional, a row that was watched from 0 to t has
the likelihood of a Poisson count with the mean exp(margin) × H(t), H being the common cumulative hazard (Holford 1980,
Biometrics 36:299-305; of credit: Banasik, Crook and Thomas 1999, Journal of the Operational Research Society
50:1185-1190). Where events are rare, a logistic regression does the same: an event counts as one bad row, and having
been watched as H(t) good ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Watched:
    """What rows are fitted to, where that is more than their label.

    Attributes
    ----------
    event : (n,) 1 where the event was seen, whenever that was
    exposure : (n,) in usual rows: 1 is the mean of the rows whose label is known
    known : (n,) whether there is a label; without one, a row is learned from, but nothing is measured on it
    """

    event: Array
    exposure: Array
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, duration: Array, event: Array, known: NDArray[np.bool_]) -> "Watched":
        """Turn durations (until the event, or until nobody looked any more) into exposures.

        The common cumulative hazard is minus the logarithm of Kaplan and Meier's curve.

        Examples
        --------
        A row watched for a quarter of the time counts less; later, when nobody has the event, watching adds nothing:

        >>> duration = np.concatenate([np.arange(1.0, 13), np.full(88, 12.0), [3.0, 24.0]])
        >>> seen = Watched.of(duration, np.repeat([1.0, 0.0], [12, 90]), np.repeat([True, False], [100, 2]))
        >>> seen.exposure[-2:].round(2).tolist(), seen.exposure[50:52].round(2).tolist()
        ([0.25, 1.06], [1.06, 1.06])
        """
        curve = stats.ecdf(stats.CensoredData.right_censored(duration, event == 0)).sf
        lowest = curve.probabilities[curve.probabilities > 0].min()  # the very last row may be an event
        hazard = -np.log(np.maximum(curve.evaluate(duration), lowest))
        return cls(event, hazard / hazard[known].mean(), known)

    @property
    def target(self) -> Array:
        """Share of events in the weight of each row: what learners that take probabilities are fitted to; (n,)."""
        return np.asarray(self.event / np.maximum(self.weight, 1e-300))

    @property
    def weight(self) -> Array:
        """Weight of each row in the likelihood; (n,)."""
        return np.asarray(self.event + self.exposure)

    def part(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Watched":
        """Restrict to some rows."""
        return Watched(self.event[rows], self.exposure[rows], self.known[rows])
