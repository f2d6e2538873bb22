"""What is expected: sums that agree with other pages, and words that say what they leave out."""

import pandas as pd

from afraz.reports.site.listing import Listing
from afraz.reports.site.outlook import by_group, grades_of, retention_document, risk_document


def test_loans_in_default_are_no_grade_and_stand_last() -> None:
    book = pd.DataFrame({
        "customer_id": [f"C{n}" for n in range(60)], "loan_id": range(60), "grade": ["G1"] * 20 + ["G9"] * 40,
        "in_default": [False] * 40 + [True] * 20, "balance": 100.0, "expected_loss": [1.0] * 40 + [45.0] * 20,
    })  # fmt: skip
    found = grades_of(book, 10).set_index("grade")
    assert found.index.tolist() == ["G1", "G9", "in default"]
    assert found["expected_loss"].tolist() == [20, 20, 900]
    assert found.drop(index="in default")["balance"].sum() == 4000  # what the risk by unit calls its exposure


def test_risk_says_shares_in_per_cent_and_what_an_amount_of_money_is() -> None:
    units = pd.DataFrame({"unit": ["credit"], "title": ["Credit: loans"], "exposure": [1000.0], "probability": [0.0664],
                          "severity": [0.5]})  # fmt: skip
    lights = pd.DataFrame({"limit": ["Economic capital"], "sign": ["●"], "light": ["green"], "value": [0.00501],
                           "amber": [0.02], "red": [0.03], "why": ["own funds"]})  # fmt: skip
    changes = pd.DataFrame({"unit": ["credit", "total"], **dict.fromkeys(
        ("before", "came", "went", "exposure", "probability", "severity", "now"), 12.5)})  # fmt: skip
    document = risk_document(units, lights, changes, None, "", as_of="2026-07-01")
    found = {b.file: b for s in document.sections for b in s.blocks if isinstance(b, Listing)}
    assert found["risk_units"].frame[["probability, %", "severity, %"]].values.tolist() == [[6.64, 50]]
    assert found["risk_limits"].frame.loc[0, ["value, %", "amber from, %"]].tolist() == [0.501, 2]
    assert found["risk_changes"].headings[5:7] == ("by probability", "by severity")
    assert found["risk_changes"].frame["unit"].tolist() == ["Credit: loans", "total"]
    assert "in amounts of money" in document.page().html


def retention(performance: pd.DataFrame | None) -> str:
    churn = pd.DataFrame({"customer_id": [f"C{n}" for n in range(40)], "leave_90": 0.136, "phase": "steady"})
    phases = by_group(churn[["customer_id", "phase"]], ["phase"], None, churn, 10)
    groups = phases.assign(lens="value", segment="high")
    document = retention_document(groups, phases, "", as_of="2026-07-01", smallest=10, performance=performance)
    return document.page().html


def test_expected_leavers_are_whole_and_held_against_how_many_left() -> None:
    def told(value: float, low: float, high: float) -> str:
        return retention(pd.DataFrame({
            "model": ["churn", "churn", "churn", "value"],
            "as_of": ["2026-04-01", "2026-03-01", "2026-05-01", "2026-06-01"],
            "observed_over_expected": [value, 9.0, None, 9.0], "ratio_low": low, "ratio_high": high,
        }))  # fmt: skip

    html = told(1.1448, 1.0686, 1.2205)
    assert '<td class="n">5</td>' in html
    assert "5.44" not in html
    assert "as of 2026-04-01, the last whose 90 days are over, 1.14 left for each one expected" in html
    assert "(95 % interval 1.07 to 1.22): more left than expected" in html
    assert "no clear difference" in told(1.02, 0.97, 1.08)
    assert "fewer left than expected" in told(0.9, 0.85, 0.95)
    assert "is not known yet of this model" in retention(None)
