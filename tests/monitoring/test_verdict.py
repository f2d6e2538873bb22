import numpy as np
import pandas as pd
import pytest

from afraz.monitoring import verdict as say
from afraz.monitoring.coverage import Coverage
from afraz.monitoring.drift import LEAP_DAY, NO_YEAR, OUR_DOING
from afraz.monitoring.verdict import KEEP, RETRAIN, WATCH, WITHDRAW, Finding, Promise

PROMISE = Promise(rank=0.80, margin=0.01, least=0.65, calibration=0.25, score_psi=0.25)
MONTH = pd.Timestamp("2026-07-01")


def asked(findings: list[Finding]) -> dict[str, str]:
    return {f.about: f.asks for f in findings}


def drift(feature: str, **more: object) -> pd.DataFrame:
    row = {"as_of": MONTH, "feature": feature, "psi": 0.01, "shift": 0.09, "p_adjusted": 1e-9, "psi_learned": 0.02,
           "held_against": "the same season a year ago", "alarm": True, "noted": False, "remark": ""}  # fmt: skip
    return pd.DataFrame([{**row, **more}])


def known(auc: float, ratio: float = 1.0, missed: bool | None = False, half: float = 0.02) -> pd.DataFrame:
    return pd.DataFrame([{
        "as_of": pd.Timestamp("2026-03-01"), "measure": "roc_auc", "realised": auc, "low": auc - half,
        "high": auc + half, "estimated": 0.8, "estimated_low": 0.78, "estimated_high": 0.82,
        "observed_over_expected": ratio, "ratio_low": ratio - 0.08, "ratio_high": ratio + 0.08, "missed": missed,
    }])  # fmt: skip


NONE_YET = known(np.nan).assign(as_of=MONTH).head(0)


def test_an_input_that_drifted_is_named_with_its_weight() -> None:
    found = say.from_drift(drift("spend"), "(score)", PROMISE, {"spend": 0.12})
    assert asked(found) == {"input drift": WATCH}
    assert "spend (PSI 0.010, shift +0.09 SD, 12.0% of the model's weight)" in found[0].words


def test_a_score_of_another_population_asks_for_a_new_model_and_one_near_it_does_not() -> None:
    far = drift("(score)", psi_learned=0.3, alarm=False)
    assert asked(say.from_drift(far, "(score)", PROMISE, {})) == {"score drift": RETRAIN}
    assert say.from_drift(drift("(score)", psi_learned=0.2, alarm=False), "(score)", PROMISE, {}) == []


def test_what_is_only_noted_asks_for_nothing() -> None:
    told = {"spend": NO_YEAR, "offers_90d": OUR_DOING, "visits": LEAP_DAY, "offers_365d": OUR_DOING}
    noted = pd.concat(
        [
            drift(name, alarm=False, noted=True, remark=why, p_adjusted=i / 1e6)
            for i, (name, why) in enumerate(told.items())
        ]
    )
    found = say.from_drift(noted, "(score)", PROMISE, {})
    assert asked(found) == {"input drift": KEEP}
    assert [f.words for f in found] == [
        "changed, but only noted (there is no year to hold it against, so it may be the season): spend",
        "changed, but only noted (the bank's own doing moves it): offers_90d, offers_365d",
        "changed, but only noted (a leap day lies in the months before, or did a year ago): visits",
    ]


@pytest.mark.parametrize(("auc", "asks"), [(0.80, KEEP), (0.78, KEEP), (0.76, RETRAIN), (0.60, WITHDRAW)])
def test_the_realised_ranking_is_held_against_approval_and_use(auc: float, asks: str) -> None:
    assert asked(say.from_performance(known(auc), NONE_YET, PROMISE))["performance"] == asks


@pytest.mark.parametrize(("ratio", "asks"), [(1.05, None), (1.15, WATCH), (1.40, RETRAIN), (0.60, RETRAIN)])
def test_calibration_asks_by_how_far_it_is_off(ratio: float, asks: str | None) -> None:
    assert asked(say.from_performance(known(0.8, ratio), NONE_YET, PROMISE)).get("calibration") == asks


def test_the_last_month_with_outcomes_counts() -> None:
    two = pd.concat([known(0.6), known(0.8).assign(as_of=pd.Timestamp("2026-04-01"))])
    found = say.from_performance(two, NONE_YET, PROMISE)
    assert asked(found)["performance"] == KEEP
    assert "2026-04" in found[0].words


def test_an_estimate_below_approval_asks_for_a_look_never_for_more() -> None:
    low = known(np.nan).assign(as_of=MONTH, estimated=0.7, estimated_low=0.68, estimated_high=0.72)
    found = say.from_performance(known(0.8).head(0), low, PROMISE)
    assert asked(found) == {"estimate": WATCH}
    assert "assumes that only the inputs moved" in found[0].words


def test_age_warns_before_it_asks() -> None:
    learned = pd.Timestamp("2026-01-01")
    ages = [say.from_age(learned, learned + pd.Timedelta(days=d), 365, 60) for d in (100, 310, 400)]
    assert [asked(found).get("age") for found in ages] == [None, WATCH, RETRAIN]
    assert asked(say.from_age(None, MONTH, 365, 60)) == {"age": WATCH}


def test_scores_that_lack_customers_or_an_origin_are_said() -> None:
    found = say.from_coverage(Coverage(1000, 900, {"no reason known": 100}, "no manifest"), 0.98)
    assert [f.asks for f in found] == [WATCH, WATCH]
    assert "900 of 1,000 to be scored were (90.0%); not: 100 no reason known" in found[1].words
    assert say.from_coverage(Coverage(1000, 1000, {"dormant": 50}), 0.98) == []


def test_segments_ask_by_a_year_and_by_a_month() -> None:
    rows = pd.DataFrame([
        {"lens": "value", "psi_year": 0.3, "unusual": False, "segments": ""},
        {"lens": "needs", "psi_year": np.nan, "unusual": True, "segments": "saver"},
        {"lens": "loyalty", "psi_year": 0.01, "unusual": False, "segments": ""},
    ])  # fmt: skip
    assert [(f.asks, f.words.split(":")[0]) for f in say.from_segments(rows, 0.25)] == [
        (RETRAIN, "value"), (WATCH, "needs")
    ]  # fmt: skip


def test_a_broken_input_withdraws() -> None:
    broken = pd.DataFrame({"words": [f"f{i} is no longer in the table" for i in range(7)]})
    found = say.from_broken(broken)
    assert asked(found) == {"inputs": WITHDRAW}
    assert "and 2 more" in found[0].words
    assert say.from_broken(broken.head(0)) == []
