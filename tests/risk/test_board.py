"""What the board asks: levels, lights, changes, sensitivities, from the same measurements."""

import json

import numpy as np
import pandas as pd
import pytest

from afraz.risk.aggregate import Measured, measure_units
from afraz.risk.board import Earlier, Report, numbers, report, sensitivity
from afraz.risk.settings import RiskSettings

from .books import TERMS, frames

SETTINGS = RiskSettings(
    scenarios=20_000, level=0.99,
    units={"credit": {"correlation": 0.05, "persistence": 0.0}, "attrition": {"correlation": 0.03}},
    stress=[{"name": "A 'downturn', so to speak", "story": "more defaults", "units": {"credit": {"probability": 2}}}],
    limits=[{"name": "capital", "measure": "total.economic_capital_rate", "amber": 0.0001, "red": 0.9, "why": "funds"},
            {"name": "rate", "measure": "credit.expected_loss_rate", "amber": 0.5, "red": 0.6, "why": "margin"}],
)  # fmt: skip


def measured(**changed: pd.DataFrame) -> Measured:
    given = {**frames(), **changed}
    return measure_units(given.__getitem__, TERMS, SETTINGS)


@pytest.fixture(scope="module")
def found() -> Report:
    book = frames()["credit_book"]
    before = measured(credit_book=book.assign(default_probability=book["default_probability"] / 2))
    return report(measured(), SETTINGS, Earlier("2026-04-01", before), 7)


def test_every_number_that_a_limit_may_ask_for_is_finite_and_named(found: Report) -> None:
    have = numbers(found.measured, found.view)
    assert {"total.economic_capital_rate", "credit.stage_2_share", "concentration.region_largest_share",
            "deposits.outflow_rate", "service.probability"} <= set(have)  # fmt: skip
    assert np.isfinite(list(have.values())).all()
    assert have["credit.expected_loss_rate"] == pytest.approx(have["credit.expected_loss"] / have["credit.exposure"])


def test_a_light_shows_what_it_was_before(found: Report) -> None:
    lights = found.tables["lights"].set_index("limit")
    assert lights["light"].to_dict() == {"capital": "amber", "rate": "green"}
    assert lights["was"].to_dict() == {"capital": "amber", "rate": "green"}
    assert lights.loc["rate", "before"] == pytest.approx(lights.loc["rate", "value"] / 2, rel=1e-9)


def test_doubled_probabilities_are_found_as_that_and_nothing_else(found: Report) -> None:
    changes = found.tables["changes"].set_index("unit")
    credit = changes.loc["credit"]
    assert credit["probability"] == pytest.approx(credit["now"] / 2)
    assert changes.loc["attrition", ["came", "went", "exposure", "probability", "severity"]].abs().max() < 1e-9
    assert changes.loc["total", "now"] == pytest.approx(changes.drop(index="total")["now"].sum())
    assert changes.loc["total", "now"] == pytest.approx(found.view.total["expected_loss"])


def test_capital_is_shown_at_both_dates(found: Report) -> None:
    credit = found.tables["capital_changes"].set_index("unit").loc["credit"]
    assert credit["economic_capital_before"] < 0.8 * credit["economic_capital_now"]


def test_a_larger_correlation_and_one_factor_for_all_lose_more() -> None:
    credit = sensitivity(measured(), SETTINGS, 7).query("unit == 'credit'").set_index("key")["value_at_risk"]
    assert credit["correlation_times_0.5"] < credit["correlation_times_1"] < credit["correlation_times_1.5"]
    assert credit["one_factor"] > credit["correlation_times_1"]


def test_units_without_a_stated_correlation_have_no_sensitivity_to_it() -> None:
    assert set(sensitivity(measured(), SETTINGS, 7)["unit"]) == {"credit", "attrition"}


def test_a_total_of_other_units_is_not_set_beside_todays() -> None:
    fewer = measured(contacts_by_topic=frames()["contacts_by_topic"].iloc[:0])
    found = report(measured(), SETTINGS, Earlier("2026-04-01", fewer), 7)
    lights = found.tables["lights"].set_index("limit")
    assert np.isnan(lights.loc["capital", "before"])
    assert np.isfinite(lights.loc["rate", "before"])
    assert "service" not in set(found.tables["changes"]["unit"])
    assert found.summary["complete"]


def test_a_total_without_a_unit_is_incomplete_and_says_why_apart_from_the_notes() -> None:
    fewer = measured(contacts_by_topic=frames()["contacts_by_topic"].iloc[:0])
    said = report(fewer, SETTINGS, Earlier("2026-04-01"), 7).summary
    assert not said["complete"]
    assert list(said["failed"]) == ["service"]
    assert said["notes"] == []


def test_without_an_earlier_date_nothing_is_compared() -> None:
    found = report(measured(), SETTINGS, Earlier("2026-04-01", None, ("no scores were kept",)), 7)
    assert found.before is None
    assert "changes" not in found.tables
    assert "before" not in found.tables["lights"]


def test_the_summary_is_plain_and_its_names_can_be_keys_of_metrics(found: Report) -> None:
    spelled = json.loads(json.dumps(found.summary, allow_nan=False))
    assert spelled["euler_gap"] < 1e-9
    assert spelled["reconciliation_gap"] < 1e-6
    assert list(spelled["stress_added"]) == ["a_downturn_so_to_speak"]
    assert spelled["lights"] == {"amber": 1, "green": 1}


def test_reverse_stress_explains_its_losses(found: Report) -> None:
    for share, reverse in zip(SETTINGS.reverse_stress, found.reverse, strict=True):
        assert reverse.loss == pytest.approx(
            found.view.total["expected_loss"] + share * found.view.total["economic_capital"]
        )
        assert reverse.units["loss"].sum() == pytest.approx(reverse.loss, rel=1e-3)
    assert found.reverse[-1].probability == pytest.approx(1 - SETTINGS.level, rel=0.1)
