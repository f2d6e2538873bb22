"""The truth of losses is drawn loan by loan, and a wrong statement is seen in it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.scoring.risk_oracle import risk_oracle, true_losses
from afraz.scoring.sinks import write_scores

REPO = Path(__file__).resolve().parents[2]
AS_OF = "2026-07-01"
N = 600


@pytest.fixture
def bank(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A book whose scores are the truth; gives the truth."""
    monkeypatch.setattr("afraz.scoring.risk_oracle.DRAWS", 10_000)
    for file in ("notebooks/80_risk.py", "params/risk.yaml"):
        (workspace / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / file, workspace / file)
    (workspace / "params" / "common.yaml").write_text(f'as_of: "{AS_OF}"\nseed: 7\n', "utf-8")
    rng = np.random.default_rng(3)
    truth = pd.DataFrame({
        "loan_id": [f"L{i:04d}" for i in range(N)], "balance": rng.lognormal(8, 0.9, N),
        "default_probability": rng.beta(1, 30, N), "lgd": rng.choice([0.458, 0.38], N),
    })  # fmt: skip
    book = truth.rename(columns={"lgd": "loss_given_default"}).assign(
        applied_on=pd.Timestamp("2026-06-15") - pd.to_timedelta(rng.integers(0, 700, N), "D"),
        application_probability=0.03, days_past_due=0, remaining_months=12, in_default=False)  # fmt: skip
    write_scores(book, {"model_digest": "x"}, catalog.target("credit_book", as_of=AS_OF))
    catalog.save("score_credit_metrics", {"book": N})
    return truth


def test_scores_that_are_the_truth_have_its_distribution(bank: pd.DataFrame) -> None:
    found = risk_oracle(bank, AS_OF)
    # samples of 10,000 and 100,000 of one distribution differ by more than .022 in one case of a thousand
    assert found["kolmogorov_distance_true_inputs"] < 0.022
    assert found["kolmogorov_distance"] < 0.022
    assert found["expected_loss_ratio"] == pytest.approx(1)
    assert found["loans"] == N


def test_scores_that_are_half_the_truth_are_far_from_it(bank: pd.DataFrame) -> None:
    book = pd.read_parquet(catalog.path("credit_book", as_of=AS_OF))
    half = book.assign(default_probability=book["default_probability"] / 2)
    write_scores(half, {"model_digest": "half"}, catalog.target("credit_book", as_of=AS_OF))
    found = risk_oracle(bank, AS_OF)
    assert found["expected_loss_ratio"] == pytest.approx(0.5)
    assert found["kolmogorov_distance"] > 0.5
    assert found["kolmogorov_distance_true_inputs"] < 0.022


def test_loans_in_default_are_not_drawn_again(bank: pd.DataFrame) -> None:
    book = pd.read_parquet(catalog.path("credit_book", as_of=AS_OF))
    fallen = book.assign(in_default=book.index < 100, days_past_due=np.where(book.index < 100, 200, 0))
    write_scores(fallen, {"model_digest": "fallen"}, catalog.target("credit_book", as_of=AS_OF))
    found = risk_oracle(bank, AS_OF)
    assert found["loans"] == N - 100
    assert found["expected_loss_ratio"] == pytest.approx(1)
    assert found["kolmogorov_distance"] < 0.022


def test_one_factor_for_all_where_quarters_are_independent_is_seen(bank: pd.DataFrame) -> None:
    params = catalog.root() / "params" / "risk.yaml"
    params.write_text(params.read_text("utf-8").replace("persistence: 0.0", "persistence: 1.0"), "utf-8")
    found = risk_oracle(bank, AS_OF)
    assert found["kolmogorov_distance"] > 0.08
    assert found["value_at_risk"] > 1.3 * found["value_at_risk_true"]


def test_where_credit_does_not_apply_there_is_nothing_to_judge(workspace: Path) -> None:
    catalog.save("score_credit_metrics", {"not_applicable": "no loans"})
    assert risk_oracle(pd.DataFrame(), AS_OF) == {}


def test_true_losses_have_the_true_mean_and_move_together_by_quarter() -> None:
    book = pd.DataFrame({"exposure": [100.0] * 400, "probability": [0.05] * 400, "severity": [0.458] * 400})
    rng = np.random.default_rng(5)
    together = true_losses(book, np.zeros(400, int), 4000, rng)
    apart = true_losses(book, np.arange(400), 4000, rng)
    for losses in (together, apart):
        assert losses.mean() == pytest.approx(400 * 100 * 0.05 * 0.458, abs=4 * losses.std() / np.sqrt(4000))
    assert together.std() > 1.4 * apart.std()
