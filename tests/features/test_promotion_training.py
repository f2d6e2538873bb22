"""What the promotion-response model learns from: the assignments stage's tables, or a ready table with treatments."""

from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable, ParamsError
from afraz.features.promotion_training import promotion_training


def _rows(campaign: str, kind: str, treated: list[int], responded: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame({
        "campaign_id": campaign, "customer_id": [f"c{i}" for i in range(len(treated))], "as_of": "2024-03-31",
        "arm": ["bonus" if t else "control" for t in treated], "offer": "bonus", "channel": "email", "kind": kind,
        "propensity": 0.5, "visits": 1.0, "treated": treated, "responded": responded, "net_value": 2.0,
        "margin_after": 3.0,
    })  # fmt: skip


def _stage(*parts: pd.DataFrame) -> None:
    rows = pd.concat(parts)
    after = ["treated", "responded", "net_value", "margin_after"]
    catalog.save("assignment_features", rows.drop(columns=after))
    catalog.save("assignment_outcomes", rows[["campaign_id", "customer_id", "as_of", "arm", *after]])


@pytest.fixture
def stage(workspace: Path) -> Path:
    _stage(
        _rows("P1", "randomised", [0, 0, 1, 1, 1], [1, 0, 1, 1, None]), _rows("P2", "placebo", [0, 1], [1, 1]),
        _rows("P3", "targeted", [0, 1], [0, 1]),
    )  # fmt: skip
    return workspace


def test_assignments_meet_their_outcomes_and_those_without_one_are_left_out(stage: Path) -> None:
    table, _ = promotion_training({}, min_responses=1)
    assert table.groupby("campaign_id").size().to_dict() == {"P1": 4, "P3": 2}
    assert str(table["as_of"].dtype).startswith("datetime64")
    assert table.index.tolist() == list(range(6))
    only = promotion_training({}, kinds=["randomised"], min_responses=1)[0]
    assert only[["treated", "responded"]].values.tolist() == [[0, 1], [0, 0], [1, 1], [1, 1]]


def test_every_column_that_is_no_input_is_named(stage: Path) -> None:
    table, columns = promotion_training({}, min_responses=1)
    names = ("label", "treatment", "propensity", "id", "as_of", "block", "value", "closing")
    single = [columns[n] for n in names]
    assert set(table.columns) - {*columns["extras"], *single} == {"visits", "offer", "channel"}
    assert columns["extras"] == ["arm", "kind", "margin_after"]


def test_without_campaigns_of_these_kinds_or_responses_it_is_not_applicable(stage: Path) -> None:
    with pytest.raises(NotApplicable, match="no campaign of kind service has an outcome"):
        promotion_training({}, kinds=["service"])
    with pytest.raises(NotApplicable, match="1 of 2 customers of control groups responded, at least 2 responses"):
        promotion_training({}, kinds=["randomised"], min_responses=2)


def test_without_a_control_group_it_is_not_applicable(workspace: Path) -> None:
    _stage(_rows("P1", "uncontrolled", [1, 1], [1, 1]))
    with pytest.raises(NotApplicable, match="no campaign of kind randomised or targeted"):
        promotion_training({})
    with pytest.raises(NotApplicable, match="0 of 0 customers of control groups responded"):
        promotion_training({}, kinds=["uncontrolled"], min_responses=1)


def test_a_source_without_campaigns_is_not_applicable(workspace: Path) -> None:
    with pytest.raises(NotApplicable, match="there are no campaigns in this source"):
        promotion_training({})


def test_a_ready_table_says_who_was_treated_in_its_own_words(workspace: Path) -> None:
    (workspace / "t.csv").write_text("id,age,sent,chance,bought\n1,20,no,.4,0\n2,30,mail,.6,1\n3,40,mail,.6,0\n")
    ready = {"path": "t.csv", "label": "bought", "id": "id", "treatment": "sent", "treated": "mail"}
    table, columns = promotion_training({**ready, "propensity": "chance"})
    assert table["treated"].tolist() == [0, 1, 1]
    assert columns == {"label": "bought", "id": "id", "as_of": None, "treatment": "treated", "propensity": "chance",
                       "drop": ["sent"]}  # fmt: skip
    (workspace / "t.csv").write_text("id,treated,bought\n1,0,0\n2,1,1\n")
    table, columns = promotion_training({"path": "t.csv", "label": "bought", "treatment": "treated"})
    assert table["treated"].tolist() == [0, 1]
    assert (columns["propensity"], columns["drop"]) == (None, [])


def test_a_ready_table_is_refused_by_what_is_wrong_with_it(workspace: Path) -> None:
    (workspace / "t.csv").write_text("sent,arm,gap,bought\n1,a,1,0\n1,b,,1\n1,b,0,1\n")
    ready = {"path": "t.csv", "label": "bought"}
    with pytest.raises(ParamsError, match="treatment is missing"):
        promotion_training(ready)
    with pytest.raises(ParamsError, match="unknown key 'propensities'"):
        promotion_training({**ready, "treatment": "sent", "propensities": "x"})
    with pytest.raises(DataError, match="no column 'arms': did you mean arm"):
        promotion_training({**ready, "treatment": "arms"})
    with pytest.raises(DataError, match="no column 'chance'"):
        promotion_training({**ready, "treatment": "sent", "propensity": "chance"})
    with pytest.raises(DataError, match="'arm' holds a, b: expected 1 and 0"):
        promotion_training({**ready, "treatment": "arm"})
    with pytest.raises(DataError, match="3 of 3 rows are treated"):
        promotion_training({**ready, "treatment": "sent"})
    (workspace / "twice.csv").write_text("sent,treated,bought\n1,a,1\n0,b,0\n")
    with pytest.raises(DataError, match="a column 'treated' beside 'sent'"):
        promotion_training({**ready, "path": "twice.csv", "treatment": "sent"})
    with pytest.raises(DataError, match="1 are missing"):
        promotion_training({**ready, "treatment": "gap", "treated": "1.0"})
