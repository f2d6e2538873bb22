"""Lights: at the edges, the other way round, and for what nobody measured."""

import pytest

from afraz.errors import ParamsError
from afraz.risk.limits import light, lights
from afraz.risk.settings import Limit


def limit(**given: object) -> Limit:
    told = {"name": "capital", "measure": "total.capital", "amber": 0.5, "red": 0.8, "why": "own funds", **given}
    return Limit(**told)  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "found"), [(0.49, "green"), (0.5, "amber"), (0.79, "amber"), (0.8, "red")])
def test_a_threshold_is_reached_at_its_value(value: float, found: str) -> None:
    assert light(value, limit()) == found


@pytest.mark.parametrize(("value", "found"), [(0.9, "green"), (0.5, "amber"), (0.2, "red")])
def test_low_values_may_be_the_harmful_ones(value: float, found: str) -> None:
    assert light(value, limit(amber=0.5, red=0.2, harmful="below")) == found


def test_the_worst_come_first_with_sign_and_reason() -> None:
    have = {"total.a": 0.1, "total.b": 0.9, "total.c": 0.6}
    found = lights(have, [limit(name=n, measure=f"total.{n}") for n in "abc"],
                   ["credit"])  # fmt: skip
    assert found["light"].tolist() == ["red", "amber", "green"]
    assert found["sign"].tolist() == ["■", "▲", "●"]
    assert set(found["why"]) == {"own funds"}


def test_a_unit_that_failed_is_not_measured_rather_than_green() -> None:
    found = lights({"total.a": 0.1}, [limit(measure="credit.expected_loss_rate")], ["credit"])
    assert found["light"].tolist() == ["not measured"]


def test_what_is_never_measured_and_thresholds_in_the_wrong_order_are_mistakes() -> None:
    with pytest.raises(ParamsError, match="limit 'capital': no measure 'total.capitol': did you mean total.capital"):
        lights({"total.capital": 0.1}, [limit(measure="total.capitol")], ["credit"])
    with pytest.raises(ParamsError, match="no measure 'market.loss'"):
        lights({"total.capital": 0.1}, [limit(measure="market.loss")], ["credit"])
    with pytest.raises(ParamsError, match="amber 0.9 must be reached before red 0.8"):
        lights({"total.capital": 0.1}, [limit(amber=0.9)], ["credit"])
