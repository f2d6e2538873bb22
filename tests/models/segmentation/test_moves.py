"""The list of moves: who is on it, in which order, and why."""

import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.segmentation.moves import Move, moves_that_matter

LEAVING = Move(lens="loyalty", before=["loyal"], after=["at_risk", "lost"], among={"value": ["high"]}, weight=2,
               why="a valuable customer is leaving")  # fmt: skip
WON = Move(lens="loyalty", before=["passing"], after=["loyal"], why="has become loyal")


def _table(**paths: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    dates = pd.date_range("2026-05-01", periods=3, freq="MS")
    rows = [(who, date, *row) for who, path in paths.items() for date, row in zip(dates, path, strict=True)]
    return pd.DataFrame(rows, columns=["customer_id", "as_of", "loyalty", "value", "margin", "visits"])


@pytest.fixture
def table() -> pd.DataFrame:
    steady = ("loyal", "high", 50.0, 9.0)
    return _table(
        ann=[steady, steady, ("at_risk", "high", 80.0, 1.0)],
        bob=[steady, steady, ("lost", "low", 300.0, 9.0)],
        cyd=[steady, ("at_risk", "high", 900.0, 1.0), ("at_risk", "high", 900.0, 1.0)],
        dan=[("loyal", "low", 70.0, 9.0), ("loyal", "low", 70.0, 9.0), ("at_risk", "low", 70.0, 1.0)],
        eve=[("passing", "low", 10.0, 1.0), ("passing", "low", 10.0, 1.0), ("loyal", "low", 10.0, 9.0)],
        fay=[steady, steady, ("at_risk", "high", -5.0, 9.0)],
    )


def test_moves_come_in_the_order_of_what_is_at_stake_with_the_reason(table):
    phrases = {"visits": ("comes less often", "comes more often")}
    found = moves_that_matter(table, [LEAVING, WON], "margin", inputs=["visits"], phrases=phrases)
    assert found["customer_id"].tolist() == ["bob", "ann", "eve", "fay"]
    assert found["rank"].tolist() == [1, 2, 3, 4]
    assert found["priority"].tolist() == [600.0, 160.0, 10.0, 0.0]
    ann = found.set_index("customer_id").loc["ann"]
    assert ann["reason"] == "a valuable customer is leaving; comes less often"
    assert (ann["before"], ann["after"]) == ("loyal", "at_risk")
    assert found.set_index("customer_id").loc["bob", "reason"] == "a valuable customer is leaving"


def test_words_are_told_only_where_the_value_reached_bears_them_out(table):
    last = table["as_of"] == table["as_of"].max()
    more = table["customer_id"].map({"ann": -0.9, "bob": 0.6, "fay": 0.1}).fillna(0.0)
    compared = table.assign(visits=more.where(~last, more.map({-0.9: -0.2, 0.6: 0.4, 0.1: -0.7}).fillna(0.0)))
    phrases = {"visits": ("comes less often than last year", "comes more often than last year")}
    found = moves_that_matter(compared, [LEAVING], "margin", inputs=["visits"], phrases=phrases)
    said = found.set_index("customer_id")["reason"].str.removeprefix("a valuable customer is leaving").to_dict()
    assert said == {
        "ann": "",
        "bob": "",
        "fay": "; comes less often than last year",
    }  # ann: still fewer; bob: still more


def test_what_speaks_against_a_move_is_no_reason_for_it(table):
    last = table["as_of"] == table["as_of"].max()
    visits = table["customer_id"].map({"ann": -0.9, "fay": 0.9}).fillna(0.0).where(last, 0.0)
    phrases = {"visits": ("comes less often", "comes more often")}
    move = LEAVING.model_copy(update={"told_by": {"visits": "low"}})
    found = moves_that_matter(table.assign(visits=visits), [move], "margin", inputs=["visits"], phrases=phrases)
    said = found.set_index("customer_id")["reason"]
    assert said["ann"] == "a valuable customer is leaving; comes less often"
    assert said["fay"] == "a valuable customer is leaving"


def test_a_move_that_must_hold_is_listed_once_when_it_has_held(table):
    found = moves_that_matter(table, [LEAVING], "margin", held=2)
    assert found["customer_id"].tolist() == ["cyd"]
    assert found["since"].tolist() == [pd.Timestamp("2026-06-01")]


def test_nobody_moved_gives_an_empty_list_with_its_columns(table):
    still = table[table["customer_id"].isin(["cyd"])]
    assert moves_that_matter(still, [LEAVING], "margin").empty
    assert "reason" in moves_that_matter(still, [LEAVING], "margin")


def test_wrong_input_is_refused(table):
    with pytest.raises(ParamsError, match="no lens 'mood'"):
        moves_that_matter(table, [Move(lens="mood", before=["x"], after=["y"], why="w")], "margin")
    with pytest.raises(DataError, match="at stake"):
        moves_that_matter(table, [LEAVING], "money")
    with pytest.raises(ParamsError, match="at least 1"):
        moves_that_matter(table, [LEAVING], "margin", held=0)
    with pytest.raises(DataError, match="repeat"):
        moves_that_matter(pd.concat([table, table]), [LEAVING], "margin")
