"""The desk table: one row per customer, with an offer or the reason why there is none, and looked up by itself."""

import datetime as dt
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from afraz.decisioning.desk import NOT_CHOSEN, NOT_DECIDED, WITHHELD, desk_table, write_index
from afraz.decisioning.next_action import COLUMNS, Desk
from afraz.errors import DataError

from .conftest import AS_OF

IDS = ["C00000001", "C00000002", "C00000003", "C00000004", "C00000005", "C00000010"]


@pytest.fixture
def desk() -> pd.DataFrame:
    customers = pd.DataFrame({"customer_id": IDS[::-1]})
    value = pd.DataFrame({
        "customer_id": IDS, "expected_margin_12m": [90.0, 50, 10, 20, 30, None],
        "tier": ["high", "high", "none", "medium", "medium", None],
    })  # fmt: skip
    churn = pd.DataFrame({"customer_id": IDS[:3], "leave_90": [0.3, 0.1, 0.2]})
    contacts = pd.DataFrame({
        "customer_id": [IDS[0], IDS[0], IDS[1]], "campaign_id": ["P1", "P2", "P1"], "priority": [1, 9, 2],
        "contact_on": pd.to_datetime(["2026-07-20", "2026-07-06", "2026-07-07"]), "offer": ["b", "a", "a"],
        "channel": ["call", "email", "email"], "reason_1": ["x", "pays many fees", "leaving"],
        "reason_2": ["y", "may leave", None], "expires_at": pd.to_datetime(["2026-08-01", "2026-07-20", "2026-07-21"]),
    })  # fmt: skip
    judged = pd.DataFrame({
        "customer_id": [IDS[2], IDS[2], IDS[3], IDS[3], IDS[4]],
        "eligible": [False, False, True, False, True], "reason": ["late", "too often", None, "late", None],
    })  # fmt: skip
    strips = pd.DataFrame({"customer_id": IDS, "strip": ["decided"] * 4 + ["holdout", "decided"]})
    return desk_table(customers, AS_OF, churn=churn, value=value, contacts=contacts, strips=strips, judged=judged)


def test_every_customer_has_an_offer_or_a_reason_why_not(desk: pd.DataFrame) -> None:
    by = desk.set_index("customer_id")
    assert list(by.index) == IDS
    assert by["next_offer"].dropna().to_dict() == {IDS[0]: "a", IDS[1]: "a"}
    assert by.loc[IDS[0], "reason"] == "pays many fees; may leave"
    assert by.loc[IDS[1], "reason"] == "leaving"
    assert by["nothing_because"].dropna().to_dict() == {
        IDS[2]: "late; too often", IDS[3]: NOT_CHOSEN, IDS[4]: WITHHELD, IDS[5]: NOT_DECIDED,
    }  # fmt: skip
    assert by["next_offer"].isna().eq(by["nothing_because"].notna()).all()
    assert list(desk) == list(COLUMNS)


def test_a_customer_set_apart_whom_nothing_could_be_offered_hears_why() -> None:
    customers = pd.DataFrame({"customer_id": ["C1", "C2"]})
    strips = pd.DataFrame({"customer_id": ["C1", "C2"], "strip": "holdout"})
    judged = pd.DataFrame({"customer_id": ["C1", "C2"], "eligible": [False, True], "reason": ["late", None]})
    found = desk_table(customers, AS_OF, strips=strips, judged=judged)["nothing_because"]
    assert found.tolist() == ["late", WITHHELD]


def test_worth_and_risk_set_the_priority(desk: pd.DataFrame) -> None:
    by = desk.set_index("customer_id")
    assert by["routing_priority"].to_dict() == dict(zip(IDS, [1, 2, 2, 3, 3, 3], strict=True))
    assert by["value_rank"].to_dict() == pytest.approx(dict(zip(IDS, [100, 80, 20, 40, 60, float("nan")], strict=True)),
                                                       nan_ok=True)  # fmt: skip


def test_without_scores_and_decisions_there_is_still_a_table() -> None:
    bare = desk_table(pd.DataFrame({"customer_id": IDS}), AS_OF)
    assert bare["nothing_because"].eq(NOT_DECIDED).all()
    assert bare["routing_priority"].eq(3).all()
    assert bare[["value_rank", "tier", "leaving_risk", "next_offer"]].isna().all(axis=None)
    with pytest.raises(DataError, match="1 customers repeat"):
        desk_table(pd.DataFrame({"customer_id": ["C1", "C1"]}), AS_OF)


def test_the_index_gives_back_the_row_and_equal_tables_equal_bytes(desk: pd.DataFrame, tmp_path: Path) -> None:
    place = write_index(desk, tmp_path / "desk.sqlite")
    with Desk(place) as opened:
        found = opened.next_action(f" {IDS[0]} ")
        assert (found.next_offer, found.channel, found.expires_at) == ("a", "email", "2026-07-20")
        assert (found.value_rank, found.routing_priority, found.nothing_because) == (100.0, 1, None)
        nobody = opened.next_action(IDS[5])
        assert (nobody.value_rank, nobody.tier, nobody.nothing_because) == (None, None, NOT_DECIDED)
    other = write_index(desk.iloc[::-1], tmp_path / "again.sqlite")
    assert other.read_bytes() == place.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.sqlite", "desk.sqlite"]


def test_an_offer_is_made_until_it_ends(desk: pd.DataFrame, tmp_path: Path) -> None:
    with Desk(write_index(desk, tmp_path / "desk.sqlite")) as opened:
        assert opened.next_action(IDS[0], dt.date(2026, 7, 19)).next_offer == "a"
        ended = opened.next_action(IDS[0], dt.date(2026, 7, 20))
    assert (ended.next_offer, ended.channel, ended.reason) == (None, None, None)
    assert ended.nothing_because == "the offer a ended on 2026-07-20"
    assert ended.leaving_risk == 0.3


@pytest.mark.parametrize(
    ("asked", "near"),
    [("10", IDS[5]), ("c00000010", IDS[5]), ("C10", IDS[5]), ("C0000001O", IDS[0]), ("C00000011", IDS[5])],
)
def test_an_unknown_customer_is_refused_with_those_that_come_nearest(
    desk: pd.DataFrame, tmp_path: Path, asked: str, near: str
) -> None:
    with (
        Desk(write_index(desk, tmp_path / "desk.sqlite")) as opened,
        pytest.raises(DataError, match=f"no customer '{asked}' on the desk table: did you mean .*{near}"),
    ):
        opened.next_action(asked)


def test_ids_that_are_names_are_found_in_other_letters(tmp_path: Path) -> None:
    names = pd.DataFrame({"customer_id": ["ANNA", "BERTA", "CARL", "DORA", "EMIL", "FRIDA"]})
    with Desk(write_index(desk_table(names, AS_OF), tmp_path / "desk.sqlite")) as opened:
        assert "BERTA" in opened.nearest("berta")


def test_a_customer_id_is_no_sql_and_an_empty_table_knows_nobody(desk: pd.DataFrame, tmp_path: Path) -> None:
    with (
        Desk(write_index(desk, tmp_path / "desk.sqlite")) as opened,
        pytest.raises(DataError, match="no customer"),
    ):
        opened.next_action("' OR 1=1 --")
    with (
        Desk(write_index(desk.head(0), tmp_path / "none.sqlite")) as opened,
        pytest.raises(DataError, match="nobody is on the desk table"),
    ):
        opened.next_action("C1")


def test_an_absent_or_broken_index_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run `dvc repro decide` first"):
        Desk(tmp_path / "desk.sqlite")
    (tmp_path / "desk.sqlite").write_text("no database" * 100)
    with pytest.raises(DataError, match="is no desk index"):
        Desk(tmp_path / "desk.sqlite")
    sqlite3.connect(tmp_path / "other.sqlite").close()
    with pytest.raises(DataError, match="is no desk index"):
        Desk(tmp_path / "other.sqlite")


def test_only_the_row_is_read(tmp_path: Path, desk: pd.DataFrame) -> None:
    place = write_index(desk, tmp_path / "desk.sqlite")
    with sqlite3.connect(place) as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM desk WHERE customer_id = 'C1'").fetchall()
    connection.close()
    assert [step[-1] for step in plan] == ["SEARCH desk USING PRIMARY KEY (customer_id=?)"]


def test_looking_up_loads_no_library_of_tables_and_no_other_command() -> None:
    heavy = "{'pandas', 'numpy', 'pyarrow', 'duckdb', 'ibis', 'sqlalchemy', 'pydantic', 'mlflow', 'yaml', 'typer'}"
    code = f"import sys, afraz.cli, afraz.cli.desk; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
