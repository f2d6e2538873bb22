"""Yes or no: will the customer buy again within a month, open a product within half a year?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import calibration, candidates, metrics, splits
from ..artifact import Artifact
from ..candidates import Candidate
from ..learning import calibrated_output
from .cohorts import apart, past_and_last
from .inputs import Inputs
from .settings import ValueSettings

Array = NDArray[np.float64]
LEAST_EVENTS = 50
MOST_COHORTS = 3


@dataclass(frozen=True)
class Chances:
    """A calibrated probability: the chosen candidate and its curve; ``past`` and ``last`` are its cohorts."""

    name: str
    chosen: Candidate
    curve: calibration.Curve
    inputs: Inputs
    past: pd.DataFrame
    last: pd.DataFrame

    def heads(self) -> list[dict[str, Any]]:
        """Spell it as heads of a model."""
        return self.chosen.heads(self.name)

    def boosters(self) -> dict[str, Any]:
        """Give the boosters of :meth:`heads`."""
        return self.chosen.boosters(self.name)

    def output(self) -> dict[str, Any]:
        """Spell it as an output of a model."""
        return calibrated_output(self.name, self.name, self.curve)

    def crossed(self) -> Array:
        """Probabilities of the past cohorts, each made without its customer; shape (rows of ``past``,)."""
        return calibration.sigmoid(self.curve.log_odds(self.chosen.margin))

    def predict(self, rows: pd.DataFrame) -> Array:
        """Probabilities of other rows; shape (rows,)."""
        spec = {"format": 1, "model": self.name, "features": self.inputs.spec, "heads": self.heads(),
                "outputs": [self.output()]}  # fmt: skip
        return Artifact(spec, self.boosters()).predict(rows)[self.name].to_numpy()


def fit_chances(
    name: str, rows: pd.DataFrame, label: Array, days: int, inputs: Inputs, settings: ValueSettings
) -> Chances | str:
    """Fit on cohorts whose windows don't overlap; the last one is kept for measuring.

    Parameters
    ----------
    rows : DataFrame
        Whose outcome is known.
    label : ndarray, shape (rows,)
        1 or 0.
    days : int
        Length of the window.

    Returns
    -------
    Chances, or the reason for which the question does not apply
    """
    if rows.empty:
        return "nobody could have: everybody has it, or no window is over"
    as_of = str(settings.as_of)
    dates = apart(list(rows[as_of].unique()), days)[:MOST_COHORTS]
    past, last = past_and_last(rows.assign(_label=label), as_of, dates)
    y, y_last = past["_label"].to_numpy(dtype=float), last["_label"].to_numpy(dtype=float)
    events = int(min(y.sum(), len(y) - y.sum()))
    if events < LEAST_EVENTS or y_last.sum() in (0, len(y_last)):
        return f"{events} of the rarer outcome in {len(y):,} rows, {LEAST_EVENTS} needed, and both in the last cohort"
    groups = pd.factorize(past[settings.id])[0].astype(np.int64)
    fold = splits.assign_folds(y, settings.folds, settings.seed, groups)
    frame = pd.DataFrame(inputs.matrix(past), columns=inputs.names)
    training = candidates.Training(frame, y, groups, fold, np.arange(len(y)))
    encoder = training.encoder()
    quick = settings.model_copy(update={"max_rounds": 300, "bootstrap": 100, "tuning_rows": 8000})
    fitted = [
        candidates.fit_logistic(training, encoder, quick),
        candidates.fit_lightgbm(training, encoder, {}, quick),
    ]
    chosen, _ = candidates.choose(fitted, training, quick)
    return Chances(name, chosen, calibration.choose(chosen.margin, y, fold)[0], inputs, past, last)


def measured_chances(asked: Chances, rival: str, rival_says: Array, settings: ValueSettings) -> dict[str, Any]:
    """Measure on the last cohort, beside a rival that needs no model.

    Parameters
    ----------
    rival, rival_says
        Its name, and its probabilities of the last cohort.
    """
    last = asked.last
    y, who = last["_label"].to_numpy(dtype=float), pd.factorize(last[settings.id])[0].astype(np.int64)

    def bootstrap(p: Array, *names: str) -> dict[str, Any]:
        return metrics.bootstrap(y, p, who, names=names, n=settings.bootstrap, seed=settings.seed)

    return {
        **bootstrap(asked.predict(last), "roc_auc", "log_loss", "observed_over_expected"),
        "rival": {rival: bootstrap(rival_says, "roc_auc", "log_loss")},
        "chosen": asked.chosen.name, "base_rate": float(y.mean()),
        "cohort": str(last[settings.as_of].iloc[0].date()),
    }  # fmt: skip
