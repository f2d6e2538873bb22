"""What is expected: sums that agree with other pages, and words that say what they leave out."""

import pandas as pd

from afraz.reports.site.listing import Listing
from afraz.reports.site.outlook import grades_of, risk_document


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
