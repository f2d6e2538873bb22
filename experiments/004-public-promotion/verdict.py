"""What the platform says of a campaign, in the words of ``results.json``."""

from typing import Any

from afraz.models.promotion.trial import Trial


def verdict(trial: Trial) -> dict[str, Any]:
    """Spell the verdict and the figures that it rests on."""
    auc = trial.treatment_auc
    return {
        "randomised": trial.randomised, "why": trial.why, "treatment_auc": auc["value"],
        "treatment_auc_low": auc["low"], "treatment_auc_high": auc["high"], "max_smd": trial.max_smd,
        "max_smd_expected": trial.max_smd_expected, "max_smd_by_chance": trial.max_smd_by_chance,
    }  # fmt: skip
