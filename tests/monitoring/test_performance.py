import numpy as np
import pandas as pd

from afraz.models.calibration import sigmoid
from afraz.models.metrics import measure
from afraz.monitoring.performance import ASSUMES, amount_month, estimated_auc, probability_month
from afraz.monitoring.verdict import RETRAIN, Promise, from_performance, worst

N = 12_000


def month(seed: int, spread: float, relation: float = 1.0) -> tuple[pd.Series, pd.Series]:
    """Inputs of a given spread; the model says what it learned, outcomes follow ``relation`` times that."""
    rng = np.random.default_rng(seed)
    x = spread * rng.normal(size=N)
    label = rng.random(N) < sigmoid(relation * x - 2.5)
    return pd.Series(sigmoid(x - 2.5)), pd.Series(label.astype(float))


def findings(row: dict[str, object], later: dict[str, object]) -> list[tuple[str, str, str]]:
    dates = pd.to_datetime(["2026-03-01", "2026-07-01"])
    known = pd.DataFrame([{"as_of": dates[0], **row}])
    ahead = pd.DataFrame([{"as_of": dates[1], **later}])
    return [(f.asks, f.about, f.words) for f in from_performance(known, ahead, Promise(rank=0.75, least=0.6))]


def test_where_only_inputs_moved_the_estimate_finds_the_new_auc() -> None:
    before, _ = month(0, 1.2)
    p, label = month(1, 0.6)
    told, seen = estimated_auc(p), measure(label, p, ("roc_auc",))["roc_auc"]
    assert estimated_auc(before)["value"] - told["value"] > 0.08
    assert abs(told["value"] - seen) < 0.02
    assert told["low"] < seen < told["high"]


def test_the_interval_holds_the_realised_auc_in_about_95_of_100_months() -> None:
    inside = 0
    for seed in range(60):
        p, label = month(seed + 100, 1.0)
        told = estimated_auc(p, seed=seed)
        inside += told["low"] <= measure(label, p, ("roc_auc",))["roc_auc"] <= told["high"]
    assert inside >= 52


def test_where_the_relation_changed_the_estimate_misses_it_and_the_report_says_so() -> None:
    p, label = month(2, 1.2, relation=0.3)
    found = probability_month(p, label, n=60)
    ahead = probability_month(month(3, 1.2, relation=0.3)[0], None)
    assert found["missed"] is True
    assert abs(ahead["estimated"] - found["estimated"]) < 0.02, "the estimate cannot see it"
    said = findings(found, ahead)
    words = {about: words for _, about, words in said}
    assert "the relation of inputs and outcome has changed" in words["relation"]
    assert ASSUMES in words["estimate"]
    assert "which the last outcomes contradict" in words["estimate"]
    assert worst(asks for asks, _, _ in said) == RETRAIN


def test_where_nothing_changed_nothing_is_asked_but_the_assumption_is_said() -> None:
    p, label = month(4, 1.2)
    found = probability_month(p, label, n=60)
    said = findings(found, probability_month(month(5, 1.2)[0], None))
    assert found["missed"] is False
    assert {asks for asks, about, _ in said if about != "calibration"} == {"keep"}
    assert any(ASSUMES in words for _, _, words in said)


def test_too_few_events_are_counted_and_not_judged() -> None:
    p, label = month(6, 1.2)
    few = probability_month(p.head(100), label.head(100).where(label.head(100).cumsum() < 5, 0.0))
    assert np.isnan(few["realised"])
    assert few["events"] < 20
    assert few["missed"] is None


def test_outcomes_of_some_rows_are_held_against_the_estimate_of_the_same_rows() -> None:
    p, label = month(7, 1.2)
    upper = p > p.median()  # granted applications, say
    found = probability_month(p, label.where(upper), n=60)
    assert found["missed"] is False
    assert abs(found["estimated"] - estimated_auc(p[upper])["value"]) < 1e-12
    assert estimated_auc(p)["value"] - found["estimated"] > 0.03


def test_amounts_are_measured_and_not_estimated() -> None:
    rng = np.random.default_rng(8)
    forecast = pd.Series(np.exp(rng.normal(size=800)))
    found = amount_month(forecast, forecast * 0.7, n=20)
    assert found["realised"] > 0.999
    assert abs(found["observed_over_expected"] - 0.7) < 1e-9
    assert np.isnan(found["estimated"])
    assert np.isnan(amount_month(forecast, None)["realised"])
