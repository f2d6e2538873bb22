import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError, DataError
from afraz.models.artifact import Artifact, folder_digest, save_artifact
from afraz.scoring.batch import frame_digest, score, score_frame

AS_OF = dt.date(2026, 7, 1)
WORDS = {"calls": {"high": "called often", "low": "never called"}, "region": {"is": "lives in {value}"}}
LEVELS = {"north": 0.1, "south": 0.6}


def table(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "customer_id": [f"C{i:05d}" for i in rng.permutation(rows)],
        "as_of": pd.Timestamp(AS_OF),
        "balance": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
        "calls": rng.integers(0, 6, rows),
        "region": rng.choice(["north", "south"], rows),
        "phase": rng.choice(["steady", "declining"], rows),
        "revenue_12m": [Decimal(f"{v:.2f}") for v in rng.normal(100, 80, rows)],
    })  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return table()


@pytest.fixture(scope="module")
def folder(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    x = np.column_stack([frame["balance"], frame["calls"], frame["region"].map(LEVELS)]).astype(float)
    y = (x[:, 1] + 4 * x[:, 2] + np.random.default_rng(1).normal(size=len(x)) > 4).astype(int)
    settings: dict[str, Any] = {"objective": "binary", "verbose": -1, "num_threads": 1, "max_depth": 3}
    trees = lgb.train(settings, lgb.Dataset(x, y), 10)
    linear = {"name": "grow", "kind": "linear", "intercept": 0.1, "coefficients": [0.2, 0.1, 0.0], "means": [0, 2, 0.3],
              "scales": [1, 2, 1]}  # fmt: skip
    knots = {"knots_margin": [-4, 4]}
    spec = {
        "format": 1, "model": "churn",
        "features": [{"name": "balance", "type": "double"}, {"name": "calls", "type": "double", "reference": 2.0},
                     {"name": "region", "type": "text", "levels": LEVELS, "missing": None, "other": 0.3}],
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}, linear],
        "outputs": [{"name": "leave_30", "head": "leave", "knots_log_odds": [-5, 2], **knots},
                    {"name": "leave_90", "head": "leave", "knots_log_odds": [-4, 4], **knots},
                    {"name": "grows_90", "head": "grow", "knots_log_odds": [-4, 4], **knots}],
    }  # fmt: skip
    return save_artifact(Artifact(spec, {"leave": trees}), tmp_path_factory.mktemp("scoring") / "model")


def test_scores_are_ordered_ranked_and_worth_money(folder: Path, frame: pd.DataFrame) -> None:
    scores, manifest = score(folder, frame, as_of=AS_OF, dictionary=WORDS)
    assert scores["customer_id"].is_monotonic_increasing
    assert (scores["leave_30"] <= scores["leave_90"]).all()
    by_rank = scores.sort_values("risk_rank")
    assert by_rank["margin"].is_monotonic_decreasing
    assert by_rank["risk_rank"].tolist() == list(range(1, len(scores) + 1))
    assert scores["risk_decile"].value_counts().unique().tolist() == [40]
    revenue = frame.set_index("customer_id")["revenue_12m"].astype(float).loc[scores["customer_id"]].to_numpy()
    assert np.allclose(scores["revenue_at_stake"], scores["leave_90"] * np.maximum(revenue, 0), atol=0.006)
    assert (scores.loc[revenue < 0, "revenue_at_stake"] == 0).all()
    assert manifest["highest_risk_output"] == "leave_90"


def test_each_customer_gets_reasons_in_plain_words(folder: Path, frame: pd.DataFrame) -> None:
    scores, manifest = score(folder, frame, as_of=AS_OF, dictionary=WORDS)
    top = scores.sort_values("risk_rank").head(20)
    assert set(top["reason_1"]) <= {"called often", "lives in south"}
    assert manifest["explanation"]["scale"] == "log-odds"
    assert manifest["explanation"]["additivity_error_below"] <= 1e-4
    plain, _ = score(folder, frame, as_of=AS_OF, dictionary=WORDS, reasons=0)
    assert "reason_1" not in plain


def test_equal_runs_give_equal_scores_whatever_the_order_of_the_rows(folder: Path, frame: pd.DataFrame) -> None:
    one = score(folder, frame, as_of=AS_OF, dictionary=WORDS)
    two = score(folder, frame.sample(frac=1, random_state=3), as_of=AS_OF, dictionary=WORDS)
    pd.testing.assert_frame_equal(one[0], two[0])
    assert one[1] == two[1]


def test_the_manifest_names_model_and_full_input_and_no_time(folder: Path, frame: pd.DataFrame) -> None:
    _, manifest = score(folder, frame, as_of=AS_OF, dictionary=WORDS)
    assert manifest["model_digest"] == folder_digest(folder)
    assert (manifest["rows"], manifest["as_of"]) == (400, "2026-07-01")
    assert set(manifest) == {"model", "model_digest", "as_of", "input_digest", "rows", "columns", "explanation",
                             "highest_risk_output"}  # fmt: skip
    _, other = score(folder, frame.assign(phase="new"), as_of=AS_OF, dictionary=WORDS)
    assert other["input_digest"] != manifest["input_digest"]


def test_only_the_rows_of_the_date_are_scored(folder: Path, frame: pd.DataFrame) -> None:
    earlier = frame.assign(as_of=pd.Timestamp("2026-06-01"))
    scores, _ = score(folder, pd.concat([earlier, frame]), as_of=AS_OF, dictionary=WORDS)
    assert len(scores) == len(frame)
    with pytest.raises(DataError, match="no row at as_of 2025-01-01: the table covers 2026-07-01 to 2026-07-01"):
        score(folder, frame, as_of=dt.date(2025, 1, 1), dictionary=WORDS)


def test_what_cannot_be_scored_is_refused(folder: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="400 rows repeat a customer_id"):
        score(folder, pd.concat([frame, frame]), as_of=AS_OF, dictionary=WORDS)
    with pytest.raises(DataError, match="no column 'client'"):
        score(folder, frame, as_of=AS_OF, dictionary=WORDS, id_column="client")
    with pytest.raises(DataError, match="is empty"):
        score(folder, frame.drop(columns="as_of").head(0), as_of=AS_OF, dictionary=WORDS)
    with pytest.raises(ArtifactError, match="missing: calls; add them"):
        score(folder, frame.drop(columns="calls"), as_of=AS_OF, dictionary=WORDS)
    with pytest.raises(ArtifactError, match="was altered: digest"):
        score(folder, frame, as_of=AS_OF, dictionary=WORDS, model_digest="0" * 64)


def test_a_table_without_revenue_or_phase_is_scored_without_them(folder: Path, frame: pd.DataFrame) -> None:
    scores, _ = score(folder, frame.drop(columns=["revenue_12m", "phase", "as_of"]), as_of=AS_OF, dictionary=WORDS)
    assert "revenue_at_stake" not in scores
    assert "phase" not in scores
    assert (scores["as_of"] == pd.Timestamp(AS_OF)).all()


def test_the_unwrapped_model_refuses_in_our_words_too(folder: Path, frame: pd.DataFrame) -> None:
    class RefusedTableError(ValueError):
        pass

    class Registered:
        def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
            raise (RefusedTableError if "calls" not in frame else ValueError)("calls")

    with pytest.raises(ArtifactError, match="calls"):
        score_frame(Registered(), frame.drop(columns="calls"))
    with pytest.raises(ValueError, match="calls"):
        score_frame(Registered(), frame)


@pytest.mark.parametrize("column", ["balance", "calls", "region", "as_of", "revenue_12m"])
def test_the_input_digest_sees_every_value(frame: pd.DataFrame, column: str) -> None:
    altered = frame.copy()
    altered.loc[17, column] = altered.loc[altered[column].ne(altered.loc[17, column]).idxmax(), column] \
        if column != "as_of" else pd.Timestamp("2026-06-01")  # fmt: skip
    assert frame_digest(altered) != frame_digest(frame)
    assert frame_digest(frame.copy()) == frame_digest(frame)
