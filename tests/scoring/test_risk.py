"""Risk at a date and at an earlier one: by today's models, else by kept scores, else said."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import ArtifactError, GateError
from afraz.risk.settings import RiskSettings
from afraz.scoring import risk
from afraz.scoring.sinks import write_scores

from ..risk.books import frames

NOW, THEN = dt.date(2026, 7, 1), dt.date(2026, 4, 1)
SETTINGS = RiskSettings(scenarios=2000, level=0.9)
SCORES = ("credit_book", "churn_scores", "value_scores")


def keep(day: dt.date, digest: str, **factors: float) -> None:
    """Write scores of a day; default probabilities and the like are multiplied."""
    for name in SCORES:
        table = frames()[name]
        if name == "credit_book":
            table["default_probability"] *= factors.get(name, 1.0)
        write_scores(table, {"model_digest": digest}, catalog.target(name, as_of=day))


@pytest.fixture
def bank(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Scores and tables of today; the models of the scores are in no registry."""
    given = frames()
    keep(NOW, "today")
    for name in ("customers", "loans"):
        catalog.save(name, given[name])
    both = [given["balances"].rename(columns={"balance": "balance_estimate"}).assign(as_of=d) for d in (NOW, THEN)]
    catalog.save("customer_features", pd.concat(both))
    when = pd.date_range("2025-03-01", "2026-06-30", periods=200)
    catalog.save("contacts", pd.DataFrame({
        "contact_id": [f"c{i:03d}" for i in range(200)], "started_at": when, "direction": "inbound", "topic": "card",
        "resolved": [i % 5 > 0 for i in range(200)],
    }))  # fmt: skip

    def gone(name: str, digest: str) -> Any:
        raise GateError(f"{name}: no version with digest {digest}")

    monkeypatch.setattr(risk, "_model", gone)
    return workspace


def test_all_units_measure_today(bank: Path) -> None:
    found = risk.measured_at(NOW, SETTINGS)
    assert found.failed == {}
    assert all((rows["as_of"] == "2026-07-01").all() for rows in found.positions.values())


def test_a_unit_alone_asks_for_nothing_of_the_others(bank: Path) -> None:
    for name in SCORES:
        catalog.path(name, as_of=NOW).unlink()
    assert list(risk.measured_at(NOW, SETTINGS, ["service"]).deliveries) == ["service"]


def test_without_models_and_kept_scores_it_is_said_and_the_rest_compared(bank: Path) -> None:
    found = risk.measured_before(NOW, 3, SETTINGS)
    assert found.as_of == "2026-04-01"
    assert found.measured is not None
    assert list(found.measured.deliveries) == ["service"]
    assert len(found.remarks) == 4
    assert "not compared: no credit book at 2026-04-01: none were kept, and the model of today's is" in found.remarks[0]


def test_kept_scores_of_the_same_model_are_compared_without_a_remark(bank: Path) -> None:
    keep(THEN, "today", credit_book=0.5)
    found = risk.measured_before(NOW, 3, SETTINGS)
    assert found.remarks == ()
    assert found.measured is not None
    before, now = (
        m.positions["credit"]["probability"].sum() for m in (found.measured, risk.measured_at(NOW, SETTINGS))
    )
    assert before == pytest.approx(now / 2)


def test_kept_scores_of_another_model_are_compared_with_a_warning(bank: Path) -> None:
    keep(THEN, "yesterday")
    found = risk.measured_before(NOW, 3, SETTINGS)
    assert "credit book of 2026-04-01 are another model's: part of the change may be the model's" in found.remarks


def test_todays_model_comes_before_kept_scores(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(THEN, "yesterday")
    asked = []

    def again(name: str) -> Any:
        def made(day: dt.date, model: Any) -> pd.DataFrame:
            asked.append((name, day, model.digest))
            return frames()[name]

        return made

    monkeypatch.setattr(risk, "_model", lambda name, digest: SimpleNamespace(digest=digest))
    monkeypatch.setattr(risk, "RESCORE", {name: ("model", again(name)) for name in SCORES})
    found = risk.measured_before(NOW, 3, SETTINGS)
    assert found.remarks == ()
    assert set(asked) == {(name, THEN, "today") for name in SCORES}


def test_an_altered_model_folder_sends_to_the_registry(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from afraz.governance import registry

    monkeypatch.setattr(registry, "version_of", lambda name, digest: SimpleNamespace(folder=workspace / "of-registry"))
    opened = []

    def opens(folder: Path, digest: str) -> str:
        opened.append(folder)
        if folder.name != "of-registry":
            raise ArtifactError("model folder was altered")
        return "the version"

    monkeypatch.setattr(risk, "load_artifact", opens)
    assert risk._model("credit", "d1") == "the version"
    assert [f.name for f in opened] == ["model", "of-registry"]
