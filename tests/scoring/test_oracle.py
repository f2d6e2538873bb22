"""Scores in the workspace held against a planted truth."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable
from afraz.models.artifact import Artifact
from afraz.scoring.oracle import TABLES, credit_oracle, offers_of_test, promotion_oracle, support_oracle, truth_of
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
        "treatments": pd.DataFrame({"campaign_id": ["P1"], "customer_id": ["a"], "uplift": [0.1]}),
        "support": pd.DataFrame({"customer_id": list("abcd"), "as_of": AS_OF, "contacts_90": [0.1, 0.2, 0.4, 0.8]}),
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
    catalog.save("credit_applicants", truth["credit"])
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


def test_an_application_that_was_learned_from_is_judged_by_what_was_said_without_it(
    scored: Path, truth: dict[str, pd.DataFrame]
) -> None:
    _say_of_the_declined()
    p = truth["credit"]["default_probability"]
    assert credit_oracle(truth, AS_OF, 0.1)["by_population"]["all"]["share_of_latent"] == pytest.approx(1)
    catalog.save("credit_applicants", truth["credit"].assign(default_probability=p[::-1].to_numpy()).head(ROWS // 2))
    assert credit_oracle(truth, AS_OF, 0.1)["by_population"]["all"]["share_of_latent"] < 0.9
    catalog.save("credit_applicants", pd.DataFrame({"loan_id": ["other"], "default_probability": [0.5]}))
    assert credit_oracle(truth, AS_OF, 0.1)["by_population"]["all"]["share_of_latent"] == pytest.approx(1)


def test_expected_contacts_are_held_against_the_latent_rate(workspace: Path, truth: dict[str, pd.DataFrame]) -> None:
    said = (
        truth["support"].rename(columns={"contacts_90": "expected_contacts_90"}).assign(contacts_last_year=[0, 2, 1, 3])
    )
    for factor, explained in ((1.0, 1.0), (2.0, None)):
        expected = said.assign(expected_contacts_90=said["expected_contacts_90"] * factor)
        catalog.save("support_customers", expected)
        catalog.save("support_metrics", {"contacts": 4})
        found = support_oracle(truth["support"])
        assert found["rank_correlation"] == pytest.approx(1)
        assert found["last_year_rank_correlation"] == pytest.approx(0.8)
        assert found["observed_over_expected"] == pytest.approx(1 / factor)
        assert found["explained"] == pytest.approx(explained) if explained else found["explained"] < 1
    catalog.save("support_metrics", {"not_applicable": "no table of contacts"})
    assert support_oracle(truth["support"]) == {}


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
    with pytest.raises(DataError, match=r"does not belong to book\.parquet"):
        credit_oracle(truth, AS_OF, 0.1)


def test_only_the_simulated_bank_has_a_truth(tmp_path: Path, truth: dict[str, pd.DataFrame]) -> None:
    for name, frame in truth.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    read = truth_of("demo", tmp_path)
    assert tuple(read) == TABLES
    pd.testing.assert_frame_equal(read["credit"], truth["credit"])
    with pytest.raises(NotApplicable, match="mybank has no truth"):
        truth_of("mybank", tmp_path)


OUTPUTS = ("response_uplift", "response_offer", "closing_uplift")


def _model_that_repeats_its_inputs() -> Artifact:
    """A model whose outputs are columns of the table."""
    one = {"intercept": 0.0, "means": [0.0] * 3, "scales": [1.0] * 3, "impute": [0.0] * 3, "lower": [-9.0] * 3,
           "upper": [9.0] * 3, "missing_coefficients": [0.0] * 3, "missing_shares": [0.0] * 3}  # fmt: skip
    heads = [{"name": name, "kind": "linear", "coefficients": [float(i == j) for j in range(3)], **one}
             for i, name in enumerate(OUTPUTS)]  # fmt: skip
    outputs = [{"name": name, "head": name, "link": "identity"} for name in OUTPUTS]
    features = [{"name": f"x_{name}", "type": "double"} for name in OUTPUTS]
    return Artifact({"format": 1, "model": "promotion", "features": features, "heads": heads, "outputs": outputs}, {})


@pytest.fixture
def offered(workspace: Path) -> dict[str, pd.DataFrame]:
    """Four campaigns of 40 customers, of which P3 and P4 are of the test dates and P4 was aimed; the model is right."""
    customers = [f"c{i:02d}" for i in range(40)]
    days = pd.to_datetime(["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"])
    dogs = np.arange(40) % 4 == 0
    parts = [pd.DataFrame({"campaign_id": f"P{k + 1}", "customer_id": customers, "as_of": day,
                           "kind": "targeted" if k == 3 else "randomised", "margin_365d": 100.0,
                           "x_response_uplift": np.where(dogs, -0.05, 0.02 + 0.002 * np.arange(40)),
                           "x_response_offer": 0.2, "x_closing_uplift": np.where(dogs, 0.04, 0.0)})
             for k, day in enumerate(days)]  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    catalog.save("assignment_features", rows)
    tested = rows[rows["as_of"] >= days[2]]
    catalog.save("promotion_predictions", tested[["campaign_id", "customer_id", "as_of"]])
    catalog.save("promotion_model", _model_that_repeats_its_inputs())
    catalog.save("promotion_metrics", {"test": {}})
    catalog.save("campaigns", pd.DataFrame({
        "campaign_id": [f"P{k + 1}" for k in range(4)], "offer_cost": [1.0, 1.0, 10.0, 99.0], "contact_cost": 0.5,
    }))  # fmt: skip
    catalog.save("treatments", pd.DataFrame({
        "campaign_id": "P1", "customer_id": customers[:5], "arm": ["offer", "offer", "control", "offer", "offer"],
        "response_value": [30.0, 50.0, 900.0, 70.0, None],
        "responded_at": pd.to_datetime(["2025-02-05", "2025-03-05", "2025-03-05", "2025-04-02", None]),
    }))  # fmt: skip
    planted = rows[["campaign_id", "customer_id"]].assign(
        response_offer=0.2, uplift=rows["x_response_uplift"], closure_effect=rows["x_closing_uplift"],
        quadrant=np.where(np.tile(dogs, 4), "sleeping_dog", "persuadable"),
    )  # fmt: skip
    value = pd.DataFrame({"customer_id": customers, "as_of": days[3], "margin_12m": 100.0})
    return {"treatments": planted.sample(frac=1, random_state=3), "value": value}


def test_offers_are_judged_on_randomised_campaigns_of_the_test_dates_alone(offered: dict[str, pd.DataFrame]) -> None:
    offers = offers_of_test()
    assert set(offers["campaign_id"]) == {"P3"}
    assert (offers["offer_cost"] == 10).all()
    last = offers.set_index("customer_id").loc["c39"]
    assert last["expected_worth"] == pytest.approx(0.098 * 40 - 10 * 0.2 - 0.5)  # 40: what came before the test dates
    found = promotion_oracle(offered, 0.3)
    assert found["rows"] == 40
    assert found["share_of_latent"] == pytest.approx(1)
    assert found["sleeping_dogs"] == 0
    assert found["random_sleeping_dogs"] == pytest.approx(0.25)
    first = np.sort(np.array([0.02 + 0.002 * i for i in range(40) if i % 4]))[-12:]
    assert found["worth"] == pytest.approx(first.mean() * 50 - 2.5)  # 50: of all responses to an offer
    assert (found["stated_closing"], found["true_closing"]) == (pytest.approx(0.01), pytest.approx(0.01))


def test_without_a_promotion_model_or_a_response_nothing_is_judged(offered: dict[str, pd.DataFrame]) -> None:
    catalog.save("treatments", catalog.load("treatments").assign(response_value=float("nan")))
    with pytest.raises(DataError, match="no response to an offer has a value"):
        offers_of_test()
    catalog.save("promotion_metrics", {"not_applicable": "no campaigns"})
    assert promotion_oracle(offered, 0.3) == {}
