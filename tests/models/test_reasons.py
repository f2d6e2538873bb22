import numpy as np
import pandas as pd

from afraz.models.explain import Explanation
from afraz.models.reasons import phrases_of, top_reasons

NAMES = ("cards", "cards_90d", "calls", "region")
PHRASES = {
    "cards": {"low": "uses the card less", "high": "uses the card more"},
    "cards_90d": {"low": "uses the card less", "high": "uses the card more"},
    "calls": {"low": "never called", "high": "called often", "missing": "has no call history"},
    "region": {"is": "lives in {value}"},
}
REFERENCE = np.array([5.0, 2.0, 0.0, 0.1])


def said(values: list[float], x: list[float], region: int = -1) -> list[object]:
    told = Explanation(NAMES, np.array([values], dtype="float32"), 0.0, np.zeros(1), "linear", 0.0, 0.0)
    texts = {"region": (np.array([region]), ["North", "South"])}
    found = top_reasons(told, np.array([x]), PHRASES, REFERENCE, texts=texts)
    return [None if pd.isna(v) else v for v in found.iloc[0]]


def test_reasons_come_strongest_first_in_the_direction_of_the_value() -> None:
    assert said([0.2, 0.0, 0.9, 0.5], [1, 2, 3, 0.4], 1) == ["called often", "lives in South", "uses the card less"]


def test_only_what_raises_the_score_is_a_reason() -> None:
    assert said([-2.0, 0.0, 0.3, 0.001], [1, 2, 3, 0.4], 0) == ["called often", None, None]


def test_two_features_with_the_same_words_are_one_reason() -> None:
    assert said([0.9, 0.8, 0.1, 0.0], [1, 1, 3, 0.1]) == ["uses the card less", "called often", None]


def test_a_missing_value_is_named_as_such() -> None:
    assert said([0.0, 0.0, 0.9, 0.4], [5, 2, np.nan, np.nan])[:2] == ["has no call history", "region: not known"]


def test_what_is_not_known_gives_way_to_every_other_reason() -> None:
    names = (*(f"share_{i}" for i in range(12)), "cards", "calls")
    values = np.array([[*np.linspace(0.9, 0.5, 12), 0.02, 0.005]], dtype="float32")
    told = Explanation(names, values, 0.0, np.zeros(1), "linear", 0.0, 0.0)
    x = np.array([[np.nan] * 12 + [1.0, 9.0]])
    found = top_reasons(told, x, PHRASES, np.full(14, 5.0), top=2).iloc[0].tolist()
    assert found == ["uses the card less", "share 0: not known"]
    by_strength = top_reasons(told, x, PHRASES, np.full(14, 5.0), top=2, unknown_last=False).iloc[0].tolist()
    assert by_strength == ["share 0: not known", "share 1: not known"]


def test_a_zero_that_is_usual_is_the_low_end() -> None:
    assert said([0.0, 0.0, 0.9, 0.0], [5, 2, 0, 0.1])[0] == "never called"


def test_a_feature_without_phrases_is_called_by_its_name() -> None:
    told = Explanation(("days_idle",), np.array([[0.5]], dtype="float32"), 0.0, np.zeros(1), "linear", 0.0, 0.0)
    assert top_reasons(told, np.array([[9.0]]), {}, np.array([1.0]), top=1).iloc[0, 0] == "days idle: high"
    labelled = {"days_idle": {"label": "days since the last booking"}}
    assert top_reasons(told, np.array([[9.0]]), labelled, np.array([1.0]), top=1).iloc[0, 0] == (
        "days since the last booking: high"
    )


def test_an_inner_usual_value_is_no_reason() -> None:
    told = Explanation(("calls",), np.full((3, 1), 0.5, dtype="float32"), 0.0, np.zeros(3), "linear", 0.0, 0.0)
    found = top_reasons(told, np.array([[1.0], [2.0], [3.0]]), PHRASES, np.array([2.0]), top=1)["reason_1"]
    assert found.fillna("-").tolist() == ["never called", "-", "called often"]


def test_a_feature_dictionary_becomes_phrases() -> None:
    rows = [
        ("trend", "visits", "−1 to 1", "double", "comes less", "comes more", None),
        ("ratio", "silence", "ratio", "double", "as usual", "silent for long", 1.0),
        ("visits", "visits", "count", "double", "few visits", "many visits", None),
        ("region", "region", "name", "text", "of a region", "of a region", None),
    ]
    dictionary = pd.DataFrame(rows, columns=["name", "meaning", "unit", "type", "low", "high", "reference"])
    found = phrases_of(dictionary)
    assert found["trend"]["reference"] == 0.0
    assert found["ratio"]["reference"] == 1.0
    assert "reference" not in found["visits"]
    assert found["region"] == {"label": "region"}
