"""The supervisory formula against its published numbers."""

import numpy as np
import pytest

from afraz.risk.basel import Class, asset_correlation, capital_requirement, risk_weight


@pytest.mark.parametrize(
    ("kind", "weight"),
    [("corporate", 92.32), ("residential_mortgage", 56.40), ("other_retail", 45.77), ("qualifying_revolving", 17.22)],
)
def test_risk_weights_at_one_percent_are_those_of_the_framework(kind: Class, weight: float) -> None:
    assert 100 * float(risk_weight(kind, 0.01, 0.45)) == pytest.approx(weight, abs=0.005)


# Basel Committee 2006, International Convergence of Capital Measurement and Capital Standards, Annex 5
@pytest.mark.parametrize(
    ("p", "corporate", "mortgage", "retail", "retail_85", "revolving", "revolving_85"),
    [
        (0.0003, 14.44, 4.15, 4.45, 8.41, 0.98, 1.85),
        (0.0005, 19.65, 6.23, 6.63, 12.52, 1.51, 2.86),
        (0.005, 69.61, 35.08, 32.36, 61.13, 10.04, 18.97),
        (0.02, 114.86, 87.94, 57.99, 109.53, 28.92, 54.63),
    ],
)
def test_illustrative_risk_weights_as_published(
    p: float, corporate: float, mortgage: float, retail: float, retail_85: float, revolving: float, revolving_85: float
) -> None:
    asked: list[tuple[Class, float, float]] = [
        ("corporate", 0.45, corporate), ("residential_mortgage", 0.45, mortgage), ("other_retail", 0.45, retail),
        ("other_retail", 0.85, retail_85), ("qualifying_revolving", 0.45, revolving),
        ("qualifying_revolving", 0.85, revolving_85),
    ]  # fmt: skip
    for kind, lgd, weight in asked:
        assert 100 * float(risk_weight(kind, p, lgd)) == pytest.approx(weight, abs=0.01)


def test_capital_is_linear_in_the_loss_given_default_and_takes_arrays() -> None:
    p = np.array([0.01, 0.05])
    half, whole = (capital_requirement("other_retail", p, lgd) for lgd in (0.45, 0.9))
    assert whole == pytest.approx(2 * half)
    assert asset_correlation("corporate", p)[0] == pytest.approx(0.1928, abs=1e-4)


def test_longer_corporate_loans_need_more() -> None:
    assert risk_weight("corporate", 0.01, 0.45, maturity=5) > risk_weight("corporate", 0.01, 0.45)
