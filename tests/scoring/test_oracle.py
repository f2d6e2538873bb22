"""Scores in the workspace held against a planted truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable
from afraz.scoring.oracle import TABLES, credit_oracle, truth_of
from afraz.scoring.sinks import write_scores

AS_OF = "2026-01-01"
ROWS = 60


@pytest.fixture
def truth() -> dict[str, pd.DataFrame]:
    p = np.linspace(0.02, 0.6, ROWS)
    names = [f"l{i:02d}" for i in range(ROWS)]
    return {
        "churn": pd.DataFrame({"customer_id": ["a"]}),
        "value": pd.DataFrame({"customer_id": ["a"], "margin_12m": [1.0]}),
        "groups": pd.DataFrame({"customer_id": ["a"], "needs_group": [1]}),
        "credit": pd.DataFrame({"loan_id": names, "default_probability": p}),
        "book": pd.DataFrame({
            "loan_id": names[:10], "balance": 100.0, "default_probability": p[:10], "expected_loss": 50 * p[:10],
        }),
    }  # fmt: skip


@pytest.fixture
def scored(workspace: Path, truth: dict[str, pd.DataFrame]) -> Path:
    """Scores that are the truth itself; every other application was declined."""
    decision = np.where(np.arange(ROWS) % 2, "granted", "declined")
    scores = truth["credit"].assign(decision=decision)
    write_scores(scores, {"rows": ROWS}, catalog.target("credit_scores", as_of=AS_OF))
    book = truth["book"].assign(in_default=[False] * 9 + [True])
    loss = float(book.loc[~book["in_default"], "expected_loss"].sum())
    performing = {"expected_loss": loss, "low": loss * 0.8, "high": loss * 1.2}
    write_scores(book, {"portfolio": {"performing": performing}}, catalog.target("credit_book", as_of=AS_OF))
    catalog.save("score_credit_metrics", {"applications": ROWS})
    return workspace


def _say_of_the_declined(rows: int = ROWS) -> None:
    said = pd.DataFrame({
        "method": ["accepts", "inverse propensity", "parcelling"], "estimate": [0.1, 0.15, np.nan],
        "low": [0.05, 0.1, 0.1], "high": [0.12, 0.2, 0.4], "assumption": "", "note": "",
    })  # fmt: skip
    catalog.save("credit_tables", {"declined": said})
    catalog.save("credit_metrics", {"population": {"train_from": "2025-01-01", "test_to": "2025-06-30"}})
    month = pd.to_datetime(["2024-06-01", "2025-01-01", "2025-06-30", "2025-07-01"])
    names = [f"l{i:02d}" for i in range(rows)]
    catalog.save("application_outcomes", pd.DataFrame({
        "loan_id": names, "customer_id": names, "as_of": month[np.arange(rows) // 15],
        "decision": np.where(np.arange(rows) == 44, "withdrawn", "granted"),
    }))  # fmt: skip


def test_scores_that_are_the_truth_find_all_of_it(scored: Path, truth: dict[str, pd.DataFrame]) -> None:
    found = credit_oracle(truth, AS_OF, top=0.1)
    assert list(found["by_population"]) == ["all", "granted"]
    for part, rows in (("all", ROWS), ("granted", ROWS // 2)):
        assert found["by_population"][part]["rows"] == rows
        assert found["by_population"][part]["share_of_latent"] == pytest.approx(1)
        assert found["by_population"][part]["observed_over_expected"] == pytest.approx(1)
    assert found["book"]["book_loans"] == 9.0
    assert found["book"]["expected_loss_covered"] == 1.0
    assert found["all_applicants"] == {}, "nothing was said of the declined"


def test_what_was_said_of_the_declined_is_judged_on_the_months_that_it_speaks_of(
    scored: Path, truth: dict[str, pd.DataFrame]
) -> None:
    _say_of_the_declined()
    found: dict[str, Any] = credit_oracle(truth, AS_OF, top=0.1)["all_applicants"]
    spoken_of = truth["credit"]["default_probability"].iloc[15:44]  # from the first to the last day, none withdrawn
    assert found["truth"]["rate"] == pytest.approx(spoken_of.mean())
    assert found["parcelling"] == {"estimate": None, "low": 0.1, "high": 0.4, "covered": 1.0}
    assert found["accepts"]["covered"] == 0.0


def test_where_credit_does_not_apply_nothing_is_judged(workspace: Path, truth: dict[str, pd.DataFrame]) -> None:
    catalog.save("score_credit_metrics", {"not_applicable": "no loans"})
    assert credit_oracle(truth, AS_OF, 0.1) == {"by_population": {}, "book": {}, "all_applicants": {}}


def test_scores_that_were_altered_are_not_judged(scored: Path, truth: dict[str, pd.DataFrame]) -> None:
    place = catalog.path("credit_book", as_of=AS_OF)
    pd.read_parquet(place).assign(expected_loss=0.0).to_parquet(place)
    with pytest.raises(DataError, match=r"book\.parquet is not the file that its manifest describes"):
        credit_oracle(truth, AS_OF, 0.1)


def test_only_the_simulated_bank_has_a_truth(tmp_path: Path, truth: dict[str, pd.DataFrame]) -> None:
    for name, frame in truth.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    read = truth_of("demo", tmp_path)
    assert tuple(read) == TABLES
    pd.testing.assert_frame_equal(read["credit"], truth["credit"])
    with pytest.raises(NotApplicable, match="mybank has no truth"):
        truth_of("mybank", tmp_path)
