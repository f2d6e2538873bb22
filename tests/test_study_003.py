"""Study 003: its results are those that it claims, and what it learns from ends where the hold-out starts."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "003-public-segments-and-value"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((STUDY / "results.json").read_text("utf-8"))["cdnow"]


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("study_003_cdnow", STUDY / "cdnow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_published_figures_are_reproduced_to_their_printed_digits(results: dict[str, Any]) -> None:
    bg, pareto, money = results["bg_nbd"], results["pareto_nbd"], results["gamma_gamma"]
    assert [round(bg[name], 4) for name in ("r", "alpha", "a", "b")] == [0.2426, 4.4136, 0.7929, 2.4259]
    assert [round(pareto[name], 3) for name in ("r", "alpha", "s", "beta")] == [0.553, 10.578, 0.606, 11.669]
    assert [round(money[name], 2) for name in ("p", "q", "gamma")] == [6.25, 3.74, 15.44]
    found = [round(part["log_likelihood"], digits) for part, digits in ((bg, 3), (pareto, 1), (money, 3))]
    assert found == [-9582.429, -9595.0, -4055.918]
    errors = (bg["cumulative_error_week_78"], bg["holdout_error"], bg["correlation"])
    assert [round(value, digits) for value, digits in zip(errors, (3, 2, 3), strict=True)] == [-0.041, -0.12, 0.626]


def test_every_measure_lies_within_its_interval(results: dict[str, Any]) -> None:
    master = results["master"]
    found = [master["bg_nbd"], *(master[name] for name in master["difference"]), *master["difference"].values()]
    for values in found:
        names = [name for name in values if not name.endswith(("_low", "_high"))]
        assert [n for n in names if not values[f"{n}_low"] < values[n] < values[f"{n}_high"]] == []


def test_the_readme_states_what_the_study_found(results: dict[str, Any]) -> None:
    readme = (STUDY / "README.md").read_text("utf-8")
    master = results["master"]
    for name in ("bg_nbd", *master["difference"]):
        v = master[name]
        total = f"{100 * v['total_error']:.1f}".replace("-", "−")
        row = (
            f"{v['poisson_deviance']:.3f} | {v['poisson_deviance_at_true_total']:.3f} | {v['rmse']:.3f} | {total} % | "
            f"{v['correlation']:.3f} | {v['mean_absolute_error']:.3f}".replace(" 0.", " .")
        )
        assert row in readme.replace(" 0.", " ."), name
    gap = master["difference"]["lightgbm"]
    low, high = (f"{gap[f'poisson_deviance_{end}']:.3f}".replace("-0", "−") for end in ("low", "high"))
    assert f"({low} to {high})" in readme
    decided = {
        name: gap[f"{name}_low"] * gap[f"{name}_high"] > 0 for name in ("poisson_deviance", "rmse", "correlation")
    }
    assert decided == {"poisson_deviance": True, "rmse": False, "correlation": False}


def test_features_do_not_see_beyond_their_date(study: ModuleType) -> None:
    rng = np.random.default_rng(3)
    since = np.concatenate([np.arange(200) % 80, rng.integers(0, 500, 700)])  # everybody comes in the first weeks
    days = pd.Timestamp("1997-01-01") + pd.to_timedelta(since, "D")
    spent = {"dollar_value": rng.gamma(2, 20, 900), "number_of_cds": rng.integers(1, 5, 900)}
    orders = pd.DataFrame({"customer_id": (np.arange(900) % 200).astype(str), "date": days, **spent})
    early = orders[orders["date"] <= study.INNER_END]
    history = study.history_at(orders, study.INNER_END)
    pd.testing.assert_frame_equal(
        study.features(orders, history, study.INNER_END), study.features(early, history, study.INNER_END)
    )


def test_measures_are_those_of_their_definitions(study: ModuleType) -> None:
    y, forecast = np.array([0.0, 1.0, 4.0]), np.array([0.5, 1.0, 2.0])
    found = {name: float(v[0]) for name, v in study.measures(y, forecast, np.ones((1, 3))).items()}
    assert found["poisson_deviance"] == pytest.approx((2 * 0.5 + 2 * (4 * np.log(2) - 2)) / 3)
    assert found["rmse"] == pytest.approx(np.sqrt((0.25 + 4) / 3))
    assert found["total_error"] == pytest.approx(3.5 / 5 - 1)
    assert found["correlation"] == pytest.approx(np.corrcoef(y, forecast)[0, 1])
    level = study.measures(y, forecast * 5 / 3.5, np.ones((1, 3)))["poisson_deviance"][0]
    assert found["poisson_deviance_at_true_total"] == pytest.approx(level)
