"""What is expected: sums that agree with other pages, and words that say what they leave out."""

import pandas as pd

from afraz.reports.site.outlook import grades_of


def test_loans_in_default_are_no_grade_and_stand_last() -> None:
    book = pd.DataFrame({
        "customer_id": [f"C{n}" for n in range(60)], "loan_id": range(60), "grade": ["G1"] * 20 + ["G9"] * 40,
        "in_default": [False] * 40 + [True] * 20, "balance": 100.0, "expected_loss": [1.0] * 40 + [45.0] * 20,
    })  # fmt: skip
    found = grades_of(book, 10).set_index("grade")
    assert found.index.tolist() == ["G1", "G9", "in default"]
    assert found["expected_loss"].tolist() == [20, 20, 900]
    assert found.drop(index="in default")["balance"].sum() == 4000  # what the risk by unit calls its exposure
