"""The whole main job once, on a tiny bank, through DVC, papermill, MLflow and the command line."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import yaml

from afraz.digests import file_digest
from afraz.pipeline.workspace import make_workspace

REPO = Path(__file__).resolve().parents[1]
ALL = [
    "simulate", "ingest", "features", "applications", "assignments", "churn", "credit", "segmentation", "value",
    "promotion", "support", "follow_up", "govern", "score", "score_segments", "score_value", "score_promotion",
    "score_credit", "monitor", "decide", "risk", "feedback", "report", "oracle",
]  # fmt: skip

pytestmark = pytest.mark.slow


def _run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "AFRAZ_STAGING"):
        environment.pop(name, None)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def _ran(output: str) -> list[str]:
    return [stage for stage in ALL if f"Running stage '{stage}'" in output]


def _outputs(bank: Path) -> dict[str, str]:
    places = [p for top in ("data", "experiments") for p in sorted((bank / top).rglob("*")) if p.is_file()]
    kept = [p for p in places if "studies" not in p.parts and p.name != ".gitignore"]
    return {p.relative_to(bank).as_posix(): file_digest(p) for p in kept}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny bank on which ``dvc repro`` has run once."""
    folder = tmp_path_factory.mktemp("bank")
    before = Path.cwd()
    os.chdir(REPO)
    try:
        make_workspace(
            folder,
            {
                "simulate": {"customers": 3000, "months": 36},
                "ingest": {"max_reject_share": 0.2},  # one bad row among fifteen campaigns is more than 2 %
                "features": {"snapshots": 12, "audit_customers": 40},
                "churn": {"n_trials": 2, "bootstrap": 40, "tuning_rows": 2000, "explain_rows": 300},
                "applications": {"audit_customers": 150},
                "assignments": {"audit_customers": 60},
                "promotion": {
                    "learners": ["response", "proportional", "linear", "dr", "average"],
                    "folds": 3,
                    "bootstrap": 40,
                    "max_rounds": 30,
                    "explain_rows": 200,
                },
                "credit": {
                    "n_trials": 2,
                    "bootstrap": 40,
                    "folds": 3,
                    "test_days": 90,
                    "min_events": 30,
                    "explain_rows": 200,
                },
            },
        )
    finally:
        os.chdir(before)
    registry = folder / "mlflow/registry.yaml"
    rules = yaml.safe_load(registry.read_text())
    for model in rules:  # a tiny bank proves wiring, not quality
        wide = {"roc_auc_low": 0.2, "calibration_tolerance": 9, "stability": 0.2, "rank_correlation_low": 0,
                "coverage_tolerance": 1, "treated_share_gap": 1, "equal_opportunity": 1}  # fmt: skip
        rules[model]["bounds"] |= wide | {name: 1 for name in rules[model]["bounds"] if name.startswith("margin_")}
    # a few dozen bad loans show no lead over the best single column, and that check has no bound to widen
    rules["credit"]["checks"].remove("AFZ011")
    registry.write_text(yaml.safe_dump(rules))
    _run(folder, "dvc", "init", "--no-scm", "-q")
    assert _ran(_run(folder, "dvc", "repro")) == ALL
    return folder


def test_every_result_is_there(bank: Path) -> None:
    scores = pd.read_parquet(bank / "data/scores/as_of=2026-07-01/churn.parquet")
    assert scores["customer_id"].is_unique
    assert (scores["leave_30"] <= scores["leave_60"]).all()
    assert (scores["leave_60"] <= scores["leave_90"]).all()
    assert scores["reason_1"].notna().mean() > 0.9
    manifest = json.loads((bank / "data/scores/as_of=2026-07-01/churn.json").read_text())
    champions = json.loads((bank / "mlflow/champions.json").read_text())
    applications = pd.read_parquet(bank / "data/scores/as_of=2026-07-01/credit/applications.parquet")
    book = pd.read_parquet(bank / "data/scores/as_of=2026-07-01/credit/book.parquet")
    said = json.loads((bank / "data/scores/as_of=2026-07-01/credit/applications.json").read_text())
    assigned = json.loads((bank / "data/scores/as_of=2026-07-01/segmentation/customers.json").read_text())
    offered = json.loads((bank / "data/scores/as_of=2026-07-01/promotion/customers.json").read_text())
    digests = {"churn": manifest, "credit": said, "segmentation": assigned, "promotion": offered}
    assert champions == {model: made["model_digest"] for model, made in digests.items()}
    segments = pd.read_parquet(bank / "data/scores/as_of=2026-07-01/segmentation/customers.parquet")
    assert set(segments["loyalty"].dropna()) <= {"new", "loyal", "potential", "passing", "at_risk", "lost"}
    value = json.loads((bank / "experiments/metrics/value.json").read_text())
    assert "a year apart" in value["not_applicable"]  # a year of monthly looks: said, and the pipeline goes on
    assert applications["loan_id"].is_unique
    assert (applications["approved"] == (applications["default_probability"] <= said["cutoff"])).all()
    assert book["expected_loss"].sum() > 0
    assert manifest["explanation"]["additivity_error_below"] <= 1e-4
    test = json.loads((bank / "experiments/metrics/churn.json").read_text())["test"]
    for name in ("roc_auc", "average_precision", "brier", "log_loss", "calibration_error", "lift_at_10pct"):
        assert test[name]["low"] <= test[name]["value"] <= test[name]["high"]
    contacts = pd.read_parquet(bank / "data/decisions/contacts.parquet")
    strips = pd.read_parquet(bank / "data/decisions/strips.parquet").set_index("customer_id")["strip"]
    assert len(contacts)
    assert set(strips[contacts["customer_id"]]) <= {"decided", "exploration"}, "nobody of the holdout is contacted"
    feedback = json.loads((bank / "experiments/metrics/feedback.json").read_text())
    assert sum(feedback["verdicts"]["campaign"].values()) + len(feedback["without_estimate"]) == feedback["campaigns"]
    for page in ("management", "operations"):
        assert "<!doctype html>" in (bank / f"data/reports/feedback/{page}.html").read_text()
    oracle = json.loads((bank / "experiments/metrics/oracle.json").read_text())
    for model in ("churn", "credit"):
        assert 0 < oracle[model]["gini"] < oracle[model]["latent_oracle_gini"] < 1
    assert oracle["credit"]["true_expected_loss"] > 0
    for stage in ALL:
        page = (bank / f"experiments/runs/{stage}/notebook.html").read_text()
        assert "Traceback" not in page
        assert 'data-mime-type="application/vnd.jupyter.stderr"' not in page, "a warning among the results"
        assert str(bank) not in page, "a page names a path of this machine"


def test_a_second_repro_does_nothing_and_a_churn_parameter_reruns_churn_and_its_readers(bank: Path) -> None:
    before = _outputs(bank)
    assert _ran(_run(bank, "dvc", "repro")) == []
    file = bank / "params/churn.yaml"
    stated = file.read_text()
    assert "test_dates: 2" in stated
    file.write_text(stated.replace("test_dates: 2", "test_dates: 1"))  # other months to learn from: another model
    assert _ran(_run(bank, "dvc", "repro")) == ["churn", "govern", "score", "monitor", "risk", "report", "oracle"]
    file.write_text(stated)
    _run(bank, "dvc", "repro")
    assert _outputs(bank) == before  # restored or made anew: the same bytes


def test_the_command_line_answers(bank: Path) -> None:
    assert "version 1" in _run(bank, "afraz", "champion", "churn")
    assert "new runs:" in _run(bank, "afraz", "sync")
    assert _run(bank, "afraz", "sync").startswith("new runs: none")
    assert _run(bank, "afraz", "sync", "--quick").startswith("new runs: none since")
    assert "churn.parquet" in _run(bank, "afraz", "score", "--as-of", "2026-06-15")
    assert "(unchanged: same model, same inputs)" in _run(bank, "afraz", "score", "--as-of", "2026-06-15")
    assert "book.parquet" in _run(bank, "afraz", "score", "--model", "credit", "--as-of", "2026-06-15")
    assert "customers (" in _run(bank, "afraz", "audience", "value == 'high' and loyalty == 'at_risk'")
    desk = pd.read_parquet(bank / "data/decisions/desk.parquet")
    assert "routing priority" in _run(bank, "afraz", "next-action", desk["customer_id"].iloc[0])
    assert "wrote" in _run(bank, "afraz", "lists", "--out", str(bank / "lists"))
    assert "Headline measures" in _run(bank, "afraz", "summary")
    assert "champion churn" in _run(bank, "afraz", "doctor")


def test_a_reviewer_decides_on_evidence_and_an_auditor_finds_it_again(bank: Path) -> None:
    """The other churn model of the test above waits beside the champion."""
    assert "churn" in _run(bank, "afraz", "review")
    said = _run(bank, "afraz", "review", "churn", "--version", "2")
    assert "against champion version 1" in said
    assert "AFZ012" in said
    [place] = [line.removeprefix("dossier: ") for line in said.splitlines() if line.endswith("/review/dossier.html")]
    assert "version 2" in Path(place).read_text("utf-8")
    assert "rows →" in _run(bank, "afraz", "shadow", "churn", "--as-of", "2026-06-15")
    then = file_digest(bank / "data/scores/as_of=2026-07-01/churn.parquet")
    assert "the same bytes as then" in _run(bank, "afraz", "rescore", "churn", "--as-of", "2026-07-01")

    _run(bank, "afraz", "approve", "churn", "--version", "2", "--override", "--reason", "a tiny bank proves wiring")
    assert "a tiny bank proves wiring" in Path(place).read_text("utf-8"), "the decision stands in the dossier"
    assert _ran(_run(bank, "dvc", "repro"))[0] == "score", "an approval scores anew, and fits nothing"
    assert file_digest(bank / "data/scores/as_of=2026-07-01/churn.parquet") != then
    again = _run(bank, "afraz", "rescore", "churn", "--as-of", "2026-07-01", "--out", str(bank / "again"))
    assert "with version 2" in again
    assert "the same bytes as then" in again
    _run(bank, "afraz", "rollback", "churn", "--note", "one try was enough")
    _run(bank, "dvc", "repro")
    assert file_digest(bank / "data/scores/as_of=2026-07-01/churn.parquet") == then
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert "earlier that day: version 2" in _run(bank, "afraz", "champion", "churn", "--as-of", today)
    assert "registry and ledger agree" in _run(bank, "afraz", "ledger", "verify")
    customer = pd.read_parquet(bank / "data/scores/as_of=2026-07-01/churn.parquet")["customer_id"].iloc[0]
    traced = _run(bank, "afraz", "lineage", "data/scores/as_of=2026-07-01/churn.parquet", "--customer", customer)
    assert "notebooks/41_churn.py" in traced
