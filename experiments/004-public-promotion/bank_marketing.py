"""Bank marketing: who says yes to a telephone campaign, asked at random and in the order of time."""

from pathlib import Path
from typing import Any

import pandas as pd

from afraz.data.flat import read_flat_table
from afraz.models.churn import ChurnResult, ChurnSettings, fit_churn
from afraz.models.metrics import measure

# The last quarter of the rows, which are in the order of time, is the test; at random it is a quarter, too.
TEST_SHARE = 0.25
# Known only after the call, with the answer; and the number of the last call, which nobody knows to be the last.
AFTERWARDS = ["duration", "campaign"]
# Economic figures move with time alone, and so does the month: together they tell when a call was made.
CLOCK = ["emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed", "month"]


def bank_marketing(data: Path, *, seed: int = 7, n_trials: int = 10, resampled: int = 200) -> dict[str, Any]:
    """Fit the platform's candidates on a ready table, with a random test and with one that comes later.

    ``without_clock`` holds the same two figures without whatever tells when the call was made.
    """
    calls = read_calls(data)
    settings = ChurnSettings(
        label="y", id=None, as_of=None, n_trials=n_trials, test_share=TEST_SHARE, bootstrap=resampled, seed=seed
    )
    found: dict[str, Any] = {"rows": len(calls), "features": calls.columns.drop("y").tolist()}
    found |= both(calls, settings)
    found["without_clock"] = both(calls.drop(columns=CLOCK), settings)
    return found


def read_calls(data: Path) -> pd.DataFrame:
    calls = read_flat_table(data / "bank_marketing" / "bank-additional-full.csv.gz", columns=["y"])
    calls["pdays"] = calls["pdays"].where(calls["pdays"] < 999)  # a code for never
    return calls.drop(columns=AFTERWARDS)


def both(calls: pd.DataFrame, settings: ChurnSettings) -> dict[str, Any]:
    # The platform splits by dates: one stands for the rows to learn from, a later one for the rest. An answer is known
    # at the end of its call, so nothing has to be purged.
    first_late = round((1 - TEST_SHARE) * len(calls))
    dates = ["2008-05-01" if row < first_late else "2009-05-01" for row in range(len(calls))]
    dated = settings.model_copy(update={"as_of": "as_of", "test_dates": 1, "outcome_days": 1})
    at_random = fit_churn(calls, settings)
    late = at_random.predictions[at_random.predictions["row"] >= first_late]
    return {
        **measured("random", at_random),
        **measured("out_of_time", fit_churn(calls.assign(as_of=dates), dated)),
        "roc_auc_random_late_rows": measure(late["label"], late["leave"], ("roc_auc",))["roc_auc"],
    }


def measured(name: str, fitted: ChurnResult) -> dict[str, Any]:
    test = fitted.metrics["test"]
    auc, level = test["roc_auc"], test["observed_over_expected"]
    return {
        f"roc_auc_{name}": auc["value"], f"roc_auc_{name}_low": auc["low"], f"roc_auc_{name}_high": auc["high"],
        f"{name}": {
            "rows": test["rows"], "answered_yes": test["events"] / test["rows"],
            "observed_over_expected": level["value"],
            "candidate": fitted.metrics["candidates"]["chosen"],
            "suspected_leaks": [leak["feature"] for leak in fitted.metrics["suspected_leaks"]],
        },
    }  # fmt: skip
