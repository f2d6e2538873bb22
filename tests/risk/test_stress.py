"""Stress and its reverse."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from afraz.errors import ParamsError
from afraz.risk.positions import expected_loss
from afraz.risk.settings import Shock, StressScenario
from afraz.risk.stress import reverse_stress, shocked, single_lever, stress

from .books import rows

CORRELATION = np.array([[1.0, 0.5], [0.5, 1.0]])


def scenario(**units: Shock) -> StressScenario:
    return StressScenario(name="downturn", story="more defaults", units=units)


def test_a_scenario_adds_to_the_unit_that_it_names_alone() -> None:
    have = {"credit": rows(), "service": rows("service")}
    found = stress(have, [scenario(credit=Shock(probability=2, severity=1.5))], list(have)).set_index("unit")
    assert found.loc["credit", "added"] == pytest.approx(10)  # severity stays at 1
    assert found.loc["service", "added"] == 0


def test_shocks_stop_at_certainty() -> None:
    assert expected_loss(shocked(rows(n=1, probability=0.4), Shock(probability=5))).sum() == 1


def test_of_a_unit_counted_elsewhere_only_the_addition_counts() -> None:
    found = stress({"concentration": rows("concentration")}, [scenario(concentration=Shock(probability=3))],
                   ["concentration"], ["concentration"]).iloc[0]  # fmt: skip
    assert found["expected_loss"] == 0
    assert found["stressed_loss"] == found["added"] == pytest.approx(20)


def test_a_scenario_of_a_unit_that_was_not_measured_is_fine_and_of_one_unknown_is_not() -> None:
    assert len(stress({"credit": rows()}, [scenario(service=Shock())], ["credit", "service"])) == 1
    with pytest.raises(ParamsError, match="stress 'downturn': no unit of risk 'servise': did you mean service"):
        stress({"credit": rows()}, [scenario(servise=Shock())], ["credit", "service"])


def normal(n: int = 200_000) -> tuple[pd.DataFrame, np.ndarray]:
    joint = np.random.default_rng(7).multivariate_normal([0, 0], CORRELATION, n) * [1.0, 3.0]
    return pd.DataFrame(joint, columns=["a", "b"]), joint


def test_the_most_probable_way_is_that_of_the_closed_form() -> None:
    marginal, joint = normal()
    scale = np.diag([1.0, 3.0])
    covariance = scale @ CORRELATION @ scale
    found = reverse_stress(marginal, joint, CORRELATION, 8.0)
    exact = 8.0 * covariance.sum(axis=1) / covariance.sum()
    assert found.units["loss"].to_numpy() == pytest.approx(exact, abs=0.1)
    assert found.units["loss"].sum() == pytest.approx(8.0, rel=1e-3)
    assert found.probability == pytest.approx(norm.sf(8.0 / np.sqrt(covariance.sum())), rel=0.1)


def test_losses_that_come_in_jumps_have_a_way_too() -> None:
    rng = np.random.default_rng(7)
    jumps = pd.DataFrame({"a": (rng.random(20_000) < 0.05) * 100.0, "b": rng.gamma(4, 5, 20_000)})
    found = reverse_stress(jumps, jumps.to_numpy(), CORRELATION, 125.0)
    assert found.units["loss"].sum() == pytest.approx(125.0, rel=0.02)
    assert found.units.set_index("unit").loc["a", "loss"] > 90  # b alone would need a year in millions


def test_more_than_everything_is_refused() -> None:
    marginal, joint = normal(20_000)
    with pytest.raises(ParamsError, match="reverse stress: 1,000 is more than the worst of the scenarios"):
        reverse_stress(marginal, joint, CORRELATION, 1000.0)


def test_the_lever_reaches_the_loss_exactly() -> None:
    have = {"credit": rows(n=100, probability=np.linspace(0.001, 0.3, 100)), "service": rows("service", n=10)}
    total = sum(expected_loss(r).sum() for r in have.values())
    lever = single_lever(have, total + 30).set_index("unit")["times"]
    reached = expected_loss(shocked(have["credit"], Shock(probability=lever["credit"]))).sum()
    assert reached == pytest.approx(expected_loss(have["credit"]).sum() + 30)
    assert np.isnan(lever["service"])  # ten contacts cannot cost thirty
