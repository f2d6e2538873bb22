"""Outcomes of assignments at the borders of their windows, with what they bring, cost and are followed by."""

from datetime import date

import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.features.response_labels import label_counts, naive_effects, response_labels
from afraz.params import read_yaml

UNTIL = date(2024, 12, 1)
CAMPAIGN = {"campaign_id": "P1", "offer": "bonus", "channel": "email", "starts_at": "2024-03-01", "contact_cost": 0.5,
            "offer_cost": 8, "response_window_days": 30}  # fmt: skip


def _drawn(customer: str, arm: str | None = "bonus", responded: str | None = None, **more) -> dict:
    value = None if responded is None else 20
    return {"campaign_id": "P1", "customer_id": customer, "assigned_at": "2024-03-31T09:00:00", "arm": arm,
            "responded_at": responded, "response_value": value, **more}  # fmt: skip


@pytest.fixture
def labels(bank, make_on):
    """Label assignments of customers with one booking each; more tables and settings as asked."""

    def build(treatments, transactions=(), campaign=CAMPAIGN, accounts=None, **settings):
        people = sorted({t["customer_id"] for t in treatments})
        rows = [*(r for p in people for r in make_on(p, "2024-01-05", margin=100)), *transactions]
        more = {} if accounts is None else {"accounts": accounts}
        tables = bank(rows, treatments=treatments, campaigns=[campaign, {**campaign, "campaign_id": "P2"}], **more)
        return response_labels(tables, **{"observed_until": UNTIL, **settings})

    return build


def _by_customer(table) -> pd.DataFrame:
    return table.to_pandas().set_index("customer_id").sort_index()


def test_a_response_counts_from_the_assignment_to_the_end_of_the_window(labels):
    rows = _by_customer(labels([
        _drawn("at once", responded="2024-03-31T09:00:00"), _drawn("last", responded="2024-04-30T08:59:59"),
        _drawn("late", responded="2024-04-30T09:00:00"), _drawn("never"),
        _drawn("control", "control", responded="2024-04-01T09:00:00"),
    ]))  # fmt: skip
    assert rows["responded"].to_dict() == {"at once": 1, "last": 1, "late": 0, "never": 0, "control": 1}
    assert rows.index[rows["late"]].tolist() == ["late"]
    assert rows["response_value"].to_dict() == {"at once": 20, "last": 20, "late": 0, "never": 0, "control": 20}
    assert rows["treated"].to_dict() == {"at once": 1, "last": 1, "late": 1, "never": 1, "control": 0}


def test_a_window_that_has_not_ended_gives_no_outcome_even_with_a_response(labels):
    drawn = [_drawn("over", assigned_at="2024-11-01T00:00:00"),
             _drawn("open", assigned_at="2024-11-01T00:00:01", responded="2024-11-02T00:00:00")]  # fmt: skip
    rows = _by_customer(labels(drawn))
    assert rows["status"].to_dict() == {"over": "labelled", "open": "unfinished"}
    assert rows["responded"].isna().to_dict() == {"over": False, "open": True}
    assert rows.loc["open", ["response_value", "contact_cost", "offer_cost", "net_value", "margin_after"]].isna().all()


def test_impossible_rows_are_refused_and_counted(labels):
    table = labels([
        _drawn("early", responded="2024-03-31T08:59:59"), _drawn("unknown", None), _drawn("fine"),
        _drawn("control", "control"),
    ])  # fmt: skip
    rows = _by_customer(table)
    assert rows["status"].to_dict() == {
        "early": "early response", "unknown": "no arm", "fine": "labelled", "control": "labelled",
    }  # fmt: skip
    refused = rows.loc[["early", "unknown"]]
    assert refused[["responded", "net_value", "margin_after", "closed_after"]].isna().all().all()
    counts = label_counts(table).to_pandas()
    assert counts["refused"].sum() == 2
    assert counts["labelled"].sum() == 2
    assert (counts["assigned"] == counts["labelled"] + counts["unfinished"] + counts["refused"]).all()


def test_a_date_without_time_counts_for_the_whole_day_of_assignment(labels):
    drawn = [_drawn("same day", responded="2024-03-31T00:00:00"), _drawn("day before", responded="2024-03-30T00:00:00")]
    rows = _by_customer(labels(drawn))
    assert rows["status"].to_dict() == {"same day": "labelled", "day before": "early response"}
    assert rows.loc["same day", "responded"] == 1
    assert rows.loc["same day", "response_value"] == 20


def test_costs_fall_on_offers_sent_out_and_taken_up_and_on_no_control(labels):
    sent = {"delivered_at": "2024-04-01T00:00:00"}
    drawn = [_drawn("taken", responded="2024-04-05T00:00:00", **sent), _drawn("sent", **sent), _drawn("unsent"),
             _drawn("control", "control", responded="2024-04-05T00:00:00")]  # fmt: skip
    rows = _by_customer(labels(drawn))
    assert rows["net_value"].to_dict() == {"taken": 20 - 8 - 0.5, "sent": -0.5, "unsent": 0, "control": 20}
    unrecorded = [{**d, "delivered_at": None} for d in drawn]
    unrecorded.append(_drawn("recorded", campaign_id="P2", **sent))  # another campaign's sending says nothing of this
    assert _by_customer(labels(unrecorded))["contact_cost"].to_dict() == {
        "taken": 0.5, "sent": 0.5, "unsent": 0.5, "control": 0, "recorded": 0.5,
    }  # fmt: skip


def test_the_window_is_the_campaigns_own_or_that_of_the_parameters(labels):
    drawn = [_drawn("a", responded="2024-04-15T00:00:00")]
    assert labels(drawn, response_window_days=10).to_pandas()["responded"].tolist() == [1]
    without = {**CAMPAIGN, "response_window_days": None}
    assert labels(drawn, campaign=without, response_window_days=10).to_pandas()["responded"].tolist() == [0]


def test_margin_counts_bookings_from_the_assignment_to_the_end_of_the_days(labels, make_on):
    moments = {"2024-03-31T08:59:59": 1, "2024-03-31T09:00:00": 10, "2024-06-29T08:59:59": 100,
               "2024-06-29T09:00:00": 1000}  # fmt: skip
    booked = [{"customer_id": "a", "booked_at": m, "margin": margin + 0.25} for m, margin in moments.items()]
    rows = _by_customer(labels([_drawn("a"), _drawn("b")], booked, value_days=90))
    assert rows["margin_after"].to_dict() == {"a": 110.5, "b": 0}
    early = _by_customer(labels([_drawn("a"), _drawn("b")], booked, observed_until=date(2024, 6, 29)))
    assert early["margin_after"].isna().all()
    assert early["responded"].notna().all(), "the response window was over"


def test_leaving_is_the_closing_of_the_last_account(labels):
    def account(customer: str, number: int, closed: str | None) -> dict:
        return {"account_id": f"{customer}{number}", "customer_id": customer, "product": "current",
                "opened_at": "2020-01-01", "closed_at": closed}  # fmt: skip

    accounts = [
        account("gone", 1, "2024-04-01T00:00:00"), account("gone", 2, "2024-06-29T08:59:59"),
        account("later", 1, "2024-06-29T09:00:00"), account("half", 1, "2024-04-01T00:00:00"),
        account("half", 2, None),
    ]  # fmt: skip
    drawn = [_drawn(c) for c in ("gone", "later", "half")]
    assert _by_customer(labels(drawn, accounts=accounts))["closed_after"].to_dict() == {
        "gone": 1,
        "later": 0,
        "half": 0,
    }
    assert _by_customer(labels(drawn))["closed_after"].isna().all(), "no accounts, no closing"


def test_silence_counts_from_the_last_own_transaction_and_needs_to_be_observed(labels, make_on):
    booked = [*make_on("silent", "2024-03-15"), *make_on("loud", "2024-03-15", "2024-05-01", "2024-07-01", "2024-09-01",
                                                         "2024-11-01")]  # fmt: skip
    drawn = [_drawn("silent"), _drawn("loud")]
    silence = {"churn_definition": "silence", "silent_days": 90}
    assert _by_customer(labels(drawn, booked, **silence))["closed_after"].to_dict() == {"silent": 1, "loud": 0}
    short = labels(drawn, booked, **silence, observed_until=date(2024, 9, 1))
    assert _by_customer(short)["closed_after"].isna().all(), "90 and 90 days were not observed"


def test_windows_and_definitions_are_checked(labels):
    with pytest.raises(ParamsError, match="silent_days is a number of days from 1 on, not 0"):
        labels([_drawn("a")], silent_days=0)
    with pytest.raises(ParamsError, match="closure or silence, not 'closing'"):
        labels([_drawn("a")], churn_definition="closing")


def test_leaving_means_the_same_to_churn_and_to_promotion(request):
    params = request.config.rootpath / "params"
    features, own = read_yaml(params / "features.yaml"), read_yaml(params / "assignments.yaml")
    assert {n: features[n] for n in ("churn_definition", "silent_days")} == {
        n: own[n] for n in ("churn_definition", "silent_days")
    }


def test_the_naive_effect_is_a_difference_of_rates_with_its_interval():
    groups = [("P1", 0, 10, 100), ("P1", 1, 30, 100), ("P2", 1, 5, 10)]
    rows = pd.concat(
        pd.DataFrame({"campaign_id": c, "treated": t, "responded": [1.0] * k + [0.0] * (n - k)})
        for c, t, k, n in groups
    )
    unlabelled = rows.assign(responded=None).astype({"responded": float})
    found = naive_effects(pd.concat([rows, unlabelled])).set_index("campaign_id")
    assert found.loc["P1", ["control", "treated"]].tolist() == [100, 100]
    assert found.loc["P1", "effect"] == pytest.approx(0.2)
    error = 1.96 * (0.1 * 0.9 / 100 + 0.3 * 0.7 / 100) ** 0.5
    assert found.loc["P1", "low"] == pytest.approx(0.2 - error)
    assert found.loc["P1", "high"] == pytest.approx(0.2 + error)
    assert pd.isna(found.loc["P2", "effect"]), "no control, no effect"
