"""Study 005, Berka: the risk units on a real bank's loans."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "005-public-support-and-risk"


@pytest.fixture(scope="module")
def berka() -> ModuleType:
    spec = importlib.util.spec_from_file_location("study_005_berka", STUDY / "berka.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_hazard_of_equal_loans_is_that_of_the_closed_form(berka: ModuleType) -> None:
    duration = pd.Series(np.full(200, 24.0))
    assert berka.monthly_hazard(20.0, duration) == pytest.approx(1 - 0.9 ** (1 / 24))
    mixed = pd.Series([12.0, 60.0] * 50)
    found = berka.monthly_hazard(15.0, mixed)
    assert (1 - (1 - found) ** mixed).sum() == pytest.approx(15.0)


def test_the_published_loans_are_counted_and_finished_ones_foresee_those_in_debt(
    berka: ModuleType, public_data: Path
) -> None:
    found = berka.results(public_data)
    assert (found["loans"], found["finished"], found["finished_bad"]) == (682, 234, 31)
    assert (found["running"], found["in_debt"]) == (448, 45)
    assert found["in_debt_expected_low"] < found["in_debt"] < found["in_debt_expected_high"]
    assert found["expected_loss_low"] < found["expected_loss"] < found["expected_loss_high"]
    assert found["loss_999_half_correlation"] < found["loss_999"] < found["loss_999_larger_correlation"]
    assert found["euler_gap"] < 1e-9
    assert 1 / 403 < found["name_concentration"] < found["district_concentration"] < 1
    assert found["not_known_in_this_source"] == ["product"]


def test_balances_are_what_the_plan_of_payments_leaves(berka: ModuleType, public_data: Path) -> None:
    loans = berka.read_loans(public_data / "berka")
    running = loans[loans["status"].isin(["C", "D"])]
    assert (running["remaining_months"] > 0).all()
    assert (loans.loc[loans["status"].isin(["A", "B"]), "remaining_months"] <= 1).all()
    assert (running["balance"] > 0).all()
