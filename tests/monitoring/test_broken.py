import numpy as np
import pandas as pd

from afraz.monitoring.broken import broken_inputs
from afraz.monitoring.profile import Profile

DATES = pd.date_range("2026-05-01", periods=3, freq="MS")


def rows(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "spend": rng.normal(size=500), "visits": rng.integers(0, 9, 500), "rare": rng.random(500) < 0.002,
        "age": rng.normal(size=500), "home": rng.choice(["own", "rent"], 500),
    })  # fmt: skip


def watched(tables: list[pd.DataFrame]) -> pd.DataFrame:
    kept = Profile.of(rows(0), list(rows(0)))
    for month, table in zip(DATES, tables, strict=True):
        kept.add(month, table)
    return broken_inputs(kept)


def test_sound_months_have_nothing_broken_not_even_a_feature_that_hardly_anybody_has() -> None:
    assert watched([rows(1), rows(2), rows(3)]).empty


def test_each_way_to_break_is_found_until_it_is_mended() -> None:
    second = rows(2).drop(columns="spend").assign(age=np.nan, visits=4, home="own")
    found = watched([rows(1), second, rows(3)])
    assert set(map(tuple, found[["as_of", "feature", "broken"]].to_numpy())) == {
        (DATES[1], "spend", "vanished"), (DATES[1], "age", "empty"), (DATES[1], "visits", "constant"),
        (DATES[1], "home", "constant"),
    }  # fmt: skip


def test_what_stays_broken_stays_named() -> None:
    gone = rows(2).drop(columns="spend")
    found = watched([rows(1), gone, gone])
    assert found["as_of"].tolist() == [DATES[1], DATES[2]]
    assert found["words"].unique().tolist() == ["spend is no longer in the table"]


def test_text_where_numbers_were_reads_as_missing() -> None:
    found = watched([rows(1), rows(2).assign(spend="n/a"), rows(3)])
    assert found[["feature", "broken"]].values.tolist() == [["spend", "empty"]]


def test_a_month_without_rows_breaks_nothing() -> None:
    assert watched([rows(1), rows(2).head(0), rows(3)]).empty
