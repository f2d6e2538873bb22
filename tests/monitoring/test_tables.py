import json
from pathlib import Path

import ibis
import pandas as pd

from afraz.monitoring.coverage import NOT_IN_FILE, coverage_of, scores_at
from afraz.monitoring.quality import refused_by_month, unusual_shares
from afraz.monitoring.segment_shares import segments_by_month
from afraz.scoring.sinks import manifest_place, write_scores

DATES = pd.date_range("2026-01-01", periods=8, freq="MS")


def counted(rejected: list[int], accepted: int = 5000) -> pd.DataFrame:
    return pd.DataFrame({
        "as_of": DATES[: len(rejected)], "table": "contacts", "rule": "key_repeated", "rejected": rejected,
        "accepted": accepted,
    })  # fmt: skip


def test_a_rule_that_refuses_more_than_usual_is_found_in_its_month_beside_quiet_ones() -> None:
    quiet = counted([30, 35, 28, 33, 31, 30, 29, 34]).assign(rule="topic_bad_characters")
    found = unusual_shares(pd.concat([counted([30, 35, 28, 33, 31, 30, 29, 150]), quiet]))
    assert found.loc[found["alarm"], ["as_of", "rule"]].values.tolist() == [[DATES[7], "key_repeated"]]


def test_two_rows_in_a_small_table_are_no_alarm_and_fewer_refusals_never_are() -> None:
    assert not unusual_shares(counted([0, 0, 0, 0, 0, 0, 0, 2], accepted=340))["alarm"].any()
    assert not unusual_shares(counted([90, 95, 88, 93, 91, 90, 89, 0]))["alarm"].any()


def test_shares_that_always_varied_are_given_room() -> None:
    restless, steady = [10, 90, 15, 80, 5, 95, 12, 120], [51, 50, 52, 49, 50, 51, 50, 120]
    assert not unusual_shares(counted(restless))["alarm"].any()
    assert unusual_shares(counted(steady))["alarm"].tolist()[-1]


def test_refused_rows_belong_to_the_month_of_their_own_date_and_undated_ones_to_none() -> None:
    accepted = pd.DataFrame(
        {"started_at": pd.to_datetime(["2026-05-03 08:00", "2026-05-31 23:00", "2026-06-02 09:00"])}
    )
    refused = pd.DataFrame({
        "rule": ["key_repeated", "key_repeated", "started_at_not_a_date", "started_at_in_the_future"],
        "started_at": ["2026-05-07 10:00:00", "2026-06-30 23:59:59", "soon", "2031-01-01 00:00:00"],
    })  # fmt: skip
    by_month, undated = refused_by_month(
        {"contacts": ibis.memtable(accepted)},
        {"contacts": ibis.memtable(refused)},
        DATES[0],
        pd.Timestamp("2026-07-01"),
    )
    repeated = by_month[by_month["rule"] == "key_repeated"]
    assert repeated[["as_of", "rejected", "accepted"]].values.tolist() == [
        [pd.Timestamp("2026-06-01"), 1, 2], [pd.Timestamp("2026-07-01"), 1, 1]
    ]  # fmt: skip
    assert undated.set_index("rule")["rejected"].to_dict() == {
        "started_at_in_the_future": 1, "started_at_not_a_date": 1
    }  # fmt: skip


def test_scores_are_traced_to_the_champion_or_it_is_said_why_not(tmp_path: Path) -> None:
    place = tmp_path / "churn.parquet"
    assert scores_at(place, "customer_id", "a" * 64)[1] == "there are no scores of this date"
    write_scores(pd.DataFrame({"customer_id": ["C1", "C2"]}), {"model_digest": "a" * 64}, place)
    keys, untraced = scores_at(place, "customer_id", "a" * 64)
    assert (keys.tolist(), untraced) == (["C1", "C2"], "")
    assert "made by aaaaaaaaaaaa, the champion is bbbbbbbbbbbb" in scores_at(place, "customer_id", "b" * 64)[1]
    said = json.loads(manifest_place(place).read_text())
    manifest_place(place).write_text(json.dumps({**said, "file_digest": "0"}))
    assert "does not belong to" in scores_at(place, "customer_id", "a" * 64)[1]
    manifest_place(place).unlink()
    keys, untraced = scores_at(place, "customer_id", "a" * 64)
    assert keys.tolist() == ["C1", "C2"]
    assert "no scores with a manifest" in untraced


def test_who_is_missing_from_the_scores_is_told_apart_from_who_was_left_out_on_purpose() -> None:
    people = pd.Series([f"C{i}" for i in range(10)])
    reasons = pd.Series([None] * 8 + ["dormant"] * 2, dtype=object)
    found = coverage_of(people, reasons, people.iloc[:6])
    assert (found.eligible, found.scored, found.share) == (8, 6, 0.75)
    assert dict(found.reasons) == {"dormant": 2, NOT_IN_FILE: 2}


def test_an_unusual_month_counts_after_correction_for_the_lenses_and_never_by_chance_alone() -> None:
    segments = pd.DataFrame({"as_of": DATES[:3].repeat(4), "value": ["high", "low"] * 6, "needs": ["a", "b"] * 6})
    movement = pd.DataFrame([
        (DATES[1], "value", "high", 0.001, "chance alone"), (DATES[2], "value", "high", 0.02, "the months before"),
        (DATES[2], "needs", "a", 0.04, "the months before"),
    ], columns=["as_of", "lens", "segment", "p_adjusted", "held_against"])  # fmt: skip
    found = segments_by_month(segments, movement, ["value", "needs"])
    assert found.loc[found["unusual"], ["as_of", "lens", "segments"]].values.tolist() == [[DATES[2], "value", "high"]]
