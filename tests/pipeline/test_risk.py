"""`afraz risk`: a unit by itself, all together, and what is refused."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from afraz import catalog
from afraz.cli.commands import app
from afraz.errors import DataError, ParamsError
from afraz.pipeline.risk import measure
from afraz.scoring.sinks import write_scores

from ..risk.books import frames

REPO = Path(__file__).resolve().parents[2]
AS_OF = "2026-07-01"


@pytest.fixture
def bank(workspace: Path) -> Path:
    """Credit alone: a book with customers and loans."""
    for file in ("notebooks/80_risk.py", "params/risk.yaml"):
        (workspace / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / file, workspace / file)
    (workspace / "params" / "common.yaml").write_text(f'as_of: "{AS_OF}"\nseed: 7\n', "utf-8")
    params = workspace / "params" / "risk.yaml"
    params.write_text(params.read_text("utf-8").replace("scenarios: 100000", "scenarios: 12000"), "utf-8")
    write_scores(frames()["credit_book"], {"model_digest": "x"}, catalog.target("credit_book", as_of=AS_OF))
    for name in ("customers", "loans"):
        catalog.save(name, frames()[name])
    return workspace


def test_a_unit_by_itself_shows_its_tables_and_what_is_stated(bank: Path) -> None:
    found = CliRunner().invoke(app, ["risk", "--unit", "credit"])
    assert found.exit_code == 0, found.output
    assert "credit: provisions" in found.output
    assert "supervisory formula, other_retail" in found.output
    assert "note: credit: stated, not estimated: how loans move together" in found.output
    assert "INCOMPLETE" not in found.output


def test_all_together_is_marked_incomplete_where_units_cannot_measure(bank: Path) -> None:
    found = CliRunner().invoke(app, ["risk"])
    assert found.exit_code == 0, found.output
    assert "INCOMPLETE" in found.output
    assert found.output.count("not in the total: ") == 3  # attrition, deposits, service


def test_programs_get_one_object(bank: Path) -> None:
    said = json.loads(CliRunner().invoke(app, ["risk", "--unit", "credit", "--json"]).stdout)
    assert [row["unit"] for row in said["units"]] == ["credit"]
    assert said["total"]["expected_loss"] == pytest.approx(said["units"][0]["expected_loss"])
    assert said["failed"] == {}


def test_a_unit_that_does_not_exist_and_a_date_without_scores_are_refused(bank: Path) -> None:
    with pytest.raises(ParamsError, match="no unit of risk 'credits': did you mean credit"):
        measure("credits")
    with pytest.raises(
        DataError, match="no unit of risk delivered anything: no scores with a manifest at book.parquet"
    ):
        measure("credit", "2020-01-01")


def test_measuring_writes_nothing(bank: Path) -> None:
    before = sorted(p for p in bank.rglob("*") if p.is_file())
    measure("credit")
    assert sorted(p for p in bank.rglob("*") if p.is_file()) == before
    assert isinstance(measure("credit").tables["credit: provisions"], pd.DataFrame)
