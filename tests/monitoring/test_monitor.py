"""The stage's own function on a small bank that is made of files: what each model is told, and what goes wrong."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import NotApplicable, ParamsError
from afraz.features.matured import matured_outcomes
from afraz.governance.registry import Champion
from afraz.models.artifact import Artifact, folder_digest, save_artifact
from afraz.models.calibration import sigmoid
from afraz.monitoring import monitor as stage
from afraz.monitoring import watcher
from afraz.monitoring.monitor import MonitorTerms, monitor
from afraz.monitoring.subjects import SUBJECTS
from afraz.pipeline.monitored import history, last_verdicts, record_monitored
from afraz.scoring.sinks import write_scores

REPO = Path(__file__).resolve().parents[2]
MONTHS, LAST = 18, date(2026, 7, 1)
DATES = pd.date_range("2025-02-01", periods=MONTHS, freq="MS")
WEIGHTS = np.array([1.0, 0.5, -0.5])
NAMES = ["spend", "visits", "age"]


def model(learned_until: str | None) -> Artifact:
    spec: dict[str, Any] = {
        "format": 1, "model": "churn", "features": [{"name": n, "type": "double"} for n in NAMES],
        "heads": [{"name": "leave", "kind": "linear", "intercept": -2.0, "coefficients": WEIGHTS.tolist(),
                   "means": [0.0] * 3, "scales": [1.0] * 3}],
        "outputs": [{"name": "leave_90", "head": "leave", "knots_margin": [-9, 9], "knots_log_odds": [-9, 9]}],
    }  # fmt: skip
    return Artifact({**spec, **({"learned_until": learned_until} if learned_until else {})}, {})


def bank(rows: int = 2000, relation: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels; the relation of inputs and leaving holds until 2026-02, then as given."""
    rng, parts, labels = np.random.default_rng(5), [], []
    who = [f"C{i:05d}" for i in range(rows)]
    for day in DATES:
        x = rng.normal(size=(rows, 3))
        factor = relation if day >= pd.Timestamp("2026-02-01") else 1.0
        leaves = (rng.random(rows) < sigmoid(factor * (x @ WEIGHTS) - 2)).astype(float)
        known = day + pd.Timedelta(days=90) <= pd.Timestamp(LAST)
        parts.append(pd.DataFrame(x, columns=NAMES).assign(customer_id=who, as_of=day.date()))
        labels.append(pd.DataFrame({
            "customer_id": who, "as_of": day.date(), "at_risk": np.arange(rows) % 20 != 0,
            "leaves_90": np.where((np.arange(rows) % 20 != 0) & known, leaves, np.nan),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True), pd.concat(labels, ignore_index=True)


@pytest.fixture
def place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a small bank, and a champion for churn alone."""
    for name in ("20_features.py", "70_monitor.py"):
        shutil.copy(REPO / "notebooks" / name, workspace / "notebooks" / name)
    for name in ("common.yaml", "features.yaml"):
        shutil.copy(REPO / "params" / name, workspace / "params" / name)
    shared = (workspace / "params" / "common.yaml").read_text().splitlines()
    kept = [line for line in shared if line.startswith(("as_of", "seed"))]
    (workspace / "params" / "common.yaml").write_text("\n".join(kept))
    shutil.copy(REPO / "mlflow" / "registry.yaml", workspace / "mlflow" / "registry.yaml")
    settle(workspace, *bank())
    save_artifact(model("2026-02-01"), workspace / "model")
    monkeypatch.setattr(stage, "champion_in_use", crowned(workspace))
    return workspace


def crowned(folder: Path) -> Any:
    def resolve(name: str) -> Champion:
        if name != "churn":
            raise NotApplicable(f"{name} has no champion")
        return Champion(name, 1, folder_digest(folder / "model"), folder / "model")

    return resolve


def settle(folder: Path, features: pd.DataFrame, labels: pd.DataFrame) -> None:
    for name in ("features", "canonical", "rejects"):
        (folder / "data" / name).mkdir(parents=True, exist_ok=True)
    features.to_parquet(folder / "data/features/customer_features.parquet")
    labels.to_parquet(folder / "data/features/churn_labels.parquet")
    pd.DataFrame({"name": NAMES}).to_parquet(folder / "data/features/dictionary.parquet")
    booked = pd.DataFrame({"booked_at": pd.date_range("2025-01-01", "2026-06-30", freq="D")})
    booked.to_parquet(folder / "data/canonical/transactions.parquet")
    said = {"transactions": {"last": "2026-06-30 12:00:00"}, "observed_until": "2026-07-01 00:00:00"}
    (folder / "data/canonical/coverage.json").write_text(catalog.to_json(said))


def scored(folder: Path, rows: int = 1900) -> None:
    people = [f"C{i:05d}" for i in range(2000) if i % 20][:rows]
    manifest = {"model_digest": folder_digest(folder / "model"), "as_of": "2026-07-01"}
    write_scores(pd.DataFrame({"customer_id": people}), manifest, catalog.target("churn_scores", as_of="2026-07-01"))


def watched(*models: str) -> stage.Monitored:
    return monitor(models or ("churn",), LAST, MONTHS, MonitorTerms(bootstrap=30))


def test_terms_out_of_range_or_unknown_are_refused_in_one_line() -> None:
    with pytest.raises(ParamsError, match="^monitor term least_coverage: .* less than or equal to 1, got 98$"):
        MonitorTerms(least_coverage=98)
    with pytest.raises(ParamsError, match="^drift term bins: input should be greater than or equal to 2, got 0$"):
        MonitorTerms(drift={"bins": 0})
    with pytest.raises(ParamsError, match="^unknown monitor term 'remember'"):
        MonitorTerms(remember=1)


def test_outcomes_of_applications_are_read_once_and_are_those_of_the_month(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pd.date_range("2025-01-10", periods=4, freq="MS") + pd.Timedelta(days=9)
    ids = [f"L{i}" for i in range(4)]
    catalog.save("application_outcomes", pd.DataFrame({
        "loan_id": ids, "customer_id": "C1", "as_of": made, "defaults": [1.0, 0.0, 1.0, np.nan]
    }))  # fmt: skip
    (workspace / "data/canonical").mkdir(parents=True, exist_ok=True)
    (workspace / "data/canonical/coverage.json").write_text('{"observed_until": "2026-07-01 00:00:00"}')
    asked: list[date] = []

    def counted(model: str, as_of: date) -> pd.DataFrame:
        asked.append(as_of)
        return matured_outcomes(model, as_of)

    monkeypatch.setattr(watcher, "matured_outcomes", counted)
    credit = watcher.Watcher("credit", SUBJECTS["credit"], model(None), "", None, [])
    parts = [credit._outcomes(day, pd.DataFrame({"loan_id": [name]})) for name, day in zip(ids, made, strict=True)]
    assert pd.concat(parts).tolist() == pytest.approx([1.0, 0.0, 1.0, np.nan], nan_ok=True)
    assert asked == [date(2026, 7, 1)]


def about(found: stage.Monitored, what: str) -> list[str]:
    now = found.findings[found.findings["as_of"] == pd.Timestamp(LAST)]
    return now.loc[now["about"] == what, "words"].tolist()


def test_a_sound_model_is_kept_and_one_without_a_champion_does_not_stop_it(place: Path) -> None:
    scored(place)
    found = watched("value", "churn")
    assert found.now()[["model", "verdict"]].values.tolist() == [["churn", "keep"]]
    assert found.not_watched == {"value": "value has no champion"}
    assert found.verdicts["as_of"].tolist() == list(DATES[12:]), "months before learned_until get no verdict"
    performance = found.tables["performance"]
    assert performance["as_of"].tolist() == list(DATES[12:])
    assert performance["realised"].notna().tolist() == [True, True, True, False, False, False]
    assert found.drift.loc[found.drift["in_sample"], "as_of"].max() == DATES[11]


def test_equal_inputs_give_equal_tables(place: Path) -> None:
    one, two = watched(), watched()
    pd.testing.assert_frame_equal(one.drift, two.drift)
    pd.testing.assert_frame_equal(one.findings, two.findings)
    pd.testing.assert_frame_equal(one.tables["performance"], two.tables["performance"])


def test_a_changed_relation_is_found_by_outcomes_and_the_estimate_is_disowned(place: Path) -> None:
    settle(place, *bank(relation=0.0))
    found = watched()
    assert found.now()["verdict"].item() in {"retrain", "withdraw"}
    assert "the relation of inputs and outcome has changed" in about(found, "relation")[0]
    assert "which the last outcomes contradict" in about(found, "estimate")[0]


def test_a_vanished_input_withdraws_and_is_named(place: Path) -> None:
    features, labels = bank()
    gone = features.assign(visits=features["visits"].where(features["as_of"] != LAST))
    settle(place, gone, labels)
    found = watched()
    assert found.now()["verdict"].item() == "withdraw"
    assert "visits is missing for everybody" in about(found, "inputs")[0]
    settle(place, features.drop(columns="visits"), labels)
    assert "missing: visits" in about(watched(), "inputs")[0]


def test_scores_without_a_manifest_and_customers_without_scores_are_said(place: Path) -> None:
    scored(place, rows=1500)
    catalog.path("churn_manifest", as_of="2026-07-01").unlink()
    said = about(watched(), "coverage")
    assert "no scores with a manifest" in said[0]
    assert "1,500 of 1,900 to be scored" in said[1]
    assert "100 dormant" in said[1]


def test_an_empty_month_is_said_and_the_others_are_judged(place: Path) -> None:
    features, labels = bank()
    gone = date(2026, 5, 1)
    settle(place, features[features["as_of"] != gone], labels)
    assert pd.Timestamp(gone) not in set(watched().verdicts["as_of"])
    settle(place, features, labels.assign(at_risk=labels["at_risk"] & (labels["as_of"] != LAST)))
    found = watched()
    assert about(found, "inputs") == ["there are no rows in this month: nothing can be said of it"]
    assert found.now()["verdict"].item() == "watch"


def test_a_model_that_does_not_say_until_when_it_learned_is_not_measured(place: Path) -> None:
    scored(place)
    shutil.rmtree(place / "model")
    save_artifact(model(None), place / "model")
    scored(place)
    found = watched()
    assert found.tables["performance"].empty
    assert "does not say until when it learned" in about(found, "age")[0]
    assert found.verdicts["as_of"].tolist() == [pd.Timestamp(LAST)]


def test_what_cannot_be_watched_is_refused_with_a_reason(place: Path) -> None:
    with pytest.raises(ParamsError, match="nothing is watched of 'chrun': did you mean churn"):
        watched("chrun")
    with pytest.raises(NotApplicable, match="value: value has no champion"):
        watched("value")
    with pytest.raises(NotApplicable, match="built none of the 18 months until 2020-01-01"):
        monitor(("churn",), date(2020, 1, 1), MONTHS, MonitorTerms())


def test_verdicts_are_kept_once_and_a_new_one_beside_the_old(place: Path, store: Path) -> None:
    found = watched()
    catalog.save("monitor_verdicts", found.verdicts)
    catalog.save("monitor_metrics", found.metrics())
    assert [d.model for d in record_monitored()] == ["churn"]
    assert record_monitored() == []
    catalog.save("monitor_verdicts", found.verdicts.assign(verdict="retrain", evidence="age: too old"))
    assert len(record_monitored()) == 1
    assert [d.evidence["verdict"] for d in history("churn")][-1] == "retrain"
    assert len(history()) == 2
    assert last_verdicts().reached("watch") == ["churn"]
    assert last_verdicts().reached("withdraw") == []
    with pytest.raises(ParamsError, match="no verdict 'retrian': did you mean retrain"):
        last_verdicts().reached("retrian")
