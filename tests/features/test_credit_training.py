"""What the credit model learns from: the applications stage's tables, or a ready table."""

from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable, ParamsError
from afraz.features.credit_training import credit_history, credit_training
from afraz.models.credit.settings import CreditSettings

DAYS = pd.to_datetime(["2024-01-01", "2024-03-30", "2024-03-31", "2024-07-01"])
KEYS = {"loan_id": ["a", "b", "c", "d"], "customer_id": ["x", "y", "x", "z"], "as_of": DAYS}


@pytest.fixture
def stage(workspace: Path) -> Path:
    catalog.save("application_features", pd.DataFrame({**KEYS, "late_months": [0.0, 1, 2, 3], "income": [9.0, 8, 7, 6],
                                                       "visits": [1.0, 2, 3, 4]}))  # fmt: skip
    catalog.save("application_outcomes", pd.DataFrame({**KEYS, "granted": [True, True, False, True],
        "defaults": [0.0, 1, None, None], "amount": 1000.0, "gender": "female", "age_years": 40.0}))  # fmt: skip
    catalog.save("application_dictionary", pd.DataFrame({
        "name": ["late_months", "income", "visits", "loan_amount"], "sign": [1, 0, -1, 1],
        "family": ["repayment", "application", "activity", "application"],
    }))  # fmt: skip
    return workspace


def test_features_meet_their_outcomes_and_the_first_days_are_left_out(stage: Path) -> None:
    table, _ = credit_training({}, use_signs=False, history_days=90, min_events=0)
    assert table["loan_id"].tolist() == ["c", "d"], "the ninetieth day counts"
    assert table["cohort"].tolist() == ["2024Q1", "2024Q3"]
    assert table.index.tolist() == [0, 1]
    assert len(credit_training({}, use_signs=False, history_days=0, min_events=1)[0]) == 4


def test_outcomes_and_protected_attributes_are_told_from_inputs(stage: Path) -> None:
    table, columns = credit_training({}, use_signs=False, history_days=0, min_events=1)
    assert columns == {"outcomes": ["granted", "amount", "cohort"], "protected": ["gender", "age_years"]}
    settings = CreditSettings(**columns)
    named = {settings.id, settings.customer, settings.as_of, settings.label, *settings.no_inputs}
    assert set(table.columns) - named == {"late_months", "income", "visits"}


def test_how_long_loans_were_watched_is_told_where_asked(stage: Path) -> None:
    outcomes = catalog.load("application_outcomes").assign(
        granted_at=pd.to_datetime(["2024-01-02", "2024-04-01", None, "2024-07-02"]),
        default_at=pd.to_datetime([None, "2024-06-01", None, None]), closed_at=pd.Series(pd.NaT, index=range(4)),
    )  # fmt: skip
    catalog.save("application_outcomes", outcomes)
    table, columns = credit_training({}, use_signs=False, history_days=0, min_events=1, follow_up_until="2024-12-31")
    assert (columns["duration"], columns["seen"]) == ("months_watched", "default_seen")
    assert table["months_watched"].round(2).tolist()[:2] == [11.96, 2.0]
    assert table["default_seen"].tolist()[:2] == [0, 1]
    assert table["months_watched"].isna().tolist() == [False, False, True, False]
    assert set(CreditSettings(**columns).no_inputs) >= {"months_watched", "default_seen", "granted_at"}


def test_signs_of_inputs_that_speak_of_default_are_handed_on_and_no_others(stage: Path) -> None:
    columns = credit_training({}, use_signs=True, history_days=0, min_events=1)[1]
    assert columns["monotone"] == {"late_months": 1}, "visits speaks of churn, loan_amount is no column"


def test_too_few_bad_outcomes_are_not_applicable_and_the_left_out_days_do_not_count(stage: Path) -> None:
    with pytest.raises(NotApplicable, match=r"1 bad outcomes, at least 50 are needed \(49 more\): wait for windows"):
        credit_training({}, use_signs=False, history_days=0, min_events=50)
    with pytest.raises(NotApplicable, match=r"0 bad outcomes, at least 1 are needed \(1 more\)"):
        credit_training({}, use_signs=False, history_days=90, min_events=1)


def test_a_source_without_loans_is_not_applicable(workspace: Path) -> None:
    with pytest.raises(NotApplicable, match="there are no applications for loans in this source"):
        credit_training({}, use_signs=True, history_days=90, min_events=0)


def test_a_ready_table_has_no_customers_beside_its_ids_and_no_history(workspace: Path) -> None:
    (workspace / "t.csv").write_text("id,age,bad\n1,20,2\n2,30,1\n")
    table, columns = credit_training({"path": "t.csv", "label": "bad", "id": "id", "event": 2}, True, 90, 50)
    assert table["age"].tolist() == [20, 30]
    assert columns == {"label": "bad", "id": "id", "as_of": None, "event": "2", "customer": None}
    assert CreditSettings(**columns).customer is None
    assert credit_history(ready=True) is None


def test_a_ready_table_is_refused_by_what_is_wrong_with_it(workspace: Path) -> None:
    with pytest.raises(ParamsError, match=r"table: unknown key 'evnt': did you mean event\?"):
        credit_training({"path": "t.csv", "label": "bad", "evnt": 2}, True, 90, 50)
    with pytest.raises(DataError, match="no file"):
        credit_training({"path": "t.csv", "label": "bad"}, True, 90, 50)


def test_the_history_is_what_the_applications_stage_wrote(stage: Path) -> None:
    (stage / "notebooks" / "21_applications.py").write_text('# %% tags=["parameters"]\nwindow_months: int = 12\n')
    (stage / "params" / "applications.yaml").write_text("window_months: 9\n")
    defaults = pd.DataFrame({"loan_id": ["a"], "exposure": [500.0]})
    recovered = pd.DataFrame({"loan_id": ["a"], "received_at": DAYS[:1], "amount": [100.0]})
    arrears = pd.DataFrame({"bucket": ["0"], "loans": [5], "defaults": [1]})
    for name, frame in {"defaults": defaults, "recovered": recovered, "arrears": arrears}.items():
        catalog.save(name, frame)
    history = credit_history(ready=False)
    assert history is not None
    assert history.window_months == 9
    assert history.defaults["exposure"].tolist() == [500.0]
    assert history.recovered["amount"].tolist() == [100.0]
    assert history.arrears["bucket"].tolist() == ["0"]
