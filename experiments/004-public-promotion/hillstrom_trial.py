"""Hillstrom's e-mail test: the platform must see that it is one."""

from pathlib import Path
from typing import Any

import pandas as pd

from afraz.data.flat import read_flat_table
from afraz.models.promotion.trial import assess_trial
from verdict import verdict

CONTROL = "No E-Mail"
# Known before the mail; history_segment only repeats history, in bands
KNOWN_BEFORE = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel"]


def hillstrom_trial(data: Path, *, seed: int = 7) -> dict[str, Any]:
    """Hold both mails against no mail, and the arms against the thirds that are published."""
    customers = read_flat_table(data / "hillstrom" / "hillstrom.csv.gz", columns=["segment"])
    thirds = pd.DataFrame(1 / 3, index=customers.index, columns=sorted(customers["segment"].unique()))
    before, mail = customers[KNOWN_BEFORE], customers["segment"]
    trial = assess_trial(before, mail, control=CONTROL, propensity=thirds, seed=seed)
    more = {"estimator": trial.estimator, "auc_by_arm": trial.auc_by_arm, "calibration": trial.calibration}
    return {**verdict(trial), **more}
