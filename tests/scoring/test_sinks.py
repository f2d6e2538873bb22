import os
from pathlib import Path

import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.scoring.sinks import is_current, manifest_place, read_scores, write_scores

SCORES = pd.DataFrame({"customer_id": ["a", "b"], "leave_90": [0.1, 0.2]})
MANIFEST = {"model": "churn", "model_digest": "d1", "as_of": "2026-07-01", "rows": 2}


def test_scores_and_manifest_are_written_and_read_back(tmp_path: Path) -> None:
    place = tmp_path / "as_of=2026-07-01" / "churn.parquet"
    assert write_scores(SCORES, MANIFEST, place)
    scores, manifest = read_scores(place)
    pd.testing.assert_frame_equal(scores, SCORES)
    assert manifest["model_digest"] == "d1"
    assert sorted(p.name for p in place.parent.iterdir()) == ["churn.json", "churn.parquet"]


def test_the_same_scores_are_not_written_twice(tmp_path: Path) -> None:
    place = tmp_path / "churn.parquet"
    write_scores(SCORES, MANIFEST, place)
    before = place.stat().st_mtime_ns
    assert not write_scores(SCORES, MANIFEST, place)
    assert place.stat().st_mtime_ns == before
    assert is_current(place, {"model_digest": "d1", "as_of": "2026-07-01"})
    assert write_scores(SCORES, {**MANIFEST, "model_digest": "d2"}, place)


def test_an_altered_file_is_written_again_and_never_read(tmp_path: Path) -> None:
    place = tmp_path / "churn.parquet"
    write_scores(SCORES, MANIFEST, place)
    SCORES.assign(leave_90=0.0).to_parquet(place)
    with pytest.raises(DataError, match=r"churn\.json does not belong to churn\.parquet"):
        read_scores(place)
    assert write_scores(SCORES, MANIFEST, place)
    assert read_scores(place)[0]["leave_90"].tolist() == [0.1, 0.2]


def test_a_crash_between_scores_and_manifest_leaves_nothing_that_looks_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "churn.parquet"
    write_scores(SCORES, MANIFEST, place)
    moves = []
    real = os.replace

    def crash_at_the_manifest(source: Path, target: Path) -> None:
        moves.append(target)
        if target == manifest_place(place):
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", crash_at_the_manifest)
    with pytest.raises(KeyboardInterrupt):
        write_scores(SCORES.assign(leave_90=0.5), {**MANIFEST, "model_digest": "d2"}, place)
    monkeypatch.undo()
    assert moves[0] == place
    assert not is_current(place, {**MANIFEST, "model_digest": "d2"})
    with pytest.raises(DataError, match="score again"):
        read_scores(place)
    assert write_scores(SCORES, {**MANIFEST, "model_digest": "d2"}, place)


def test_equal_scores_give_equal_bytes(tmp_path: Path) -> None:
    write_scores(SCORES, MANIFEST, tmp_path / "one.parquet")
    write_scores(SCORES.copy(), MANIFEST, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_absent_scores_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run `afraz score` or `dvc repro score`"):
        read_scores(tmp_path / "churn.parquet")
    (tmp_path / "churn.json").write_text("{")
    assert not is_current(tmp_path / "churn.parquet", MANIFEST)
