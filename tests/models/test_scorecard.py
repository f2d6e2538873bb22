"""The scorecard: points add up, equal those of optbinning without it, and planted variables are chosen."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError, DataError, ParamsError
from afraz.models import pyfunc_model
from afraz.models.artifact import Artifact, load_artifact, save_artifact
from afraz.models.artifact_spec import check_spec
from afraz.models.bin_search import LEAST, RARE_ROWS, RARE_SHARE
from afraz.models.contract import contract_findings
from afraz.models.explain import explain
from afraz.models.metrics import measure
from afraz.models.scorecard import Scaling, Scorecard, fit_scorecard
from afraz.models.variable_choice import RIDGE, estimator

ROWS = 2500
TELLING = ("income", "debt", "purpose")


def draw(rows: int = ROWS, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Income, debt and purpose move the odds; the twin repeats debt; the noise columns do nothing."""
    rng = np.random.default_rng(seed)
    income, debt = rng.normal(size=(2, rows))
    purpose = rng.choice(
        ["car", "home", "travel", "study", "boat", "horse", "ship"], rows, p=[0.4, 0.3, 0.15, 0.12, 0.01, 0.01, 0.01]
    )
    odds = -1.6 - income + 0.7 * debt + 0.8 * (purpose == "travel") - 0.6 * (purpose == "home")
    frame = pd.DataFrame({
        "income": np.where(rng.random(rows) < 0.06, np.nan, income), "debt": debt,
        "twin": debt + 0.05 * rng.normal(size=rows), "count": rng.integers(0, 4, rows),
        "purpose": pd.array(np.where(rng.random(rows) < 0.05, None, purpose), dtype="str"),
        **{f"noise_{j}": rng.normal(size=rows) for j in range(5)},
    })  # fmt: skip
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, np.ndarray]:
    return draw()


@pytest.fixture(scope="module")
def card(drawn: tuple[pd.DataFrame, np.ndarray]) -> Scorecard:
    return fit_scorecard(*drawn, significance=0.05)


def spec_of(card: Scorecard, names: list[str] | None = None) -> dict[str, Any]:
    scaling = card.scaling.spelled()
    return {
        "format": 1, "model": "credit_risk", "features": card.features(names),
        "heads": [{"name": "default", **card.head(names)}],
        "outputs": [
            {"name": "default_probability", "head": "default"},
            {"name": "points", "head": "default", "link": "points", "factor": scaling["factor"],
             "offset": scaling["offset"]},
        ],
    }  # fmt: skip


def test_the_scaling_of_siddiqi_has_his_factor_and_offset() -> None:
    # N. Siddiqi (2006), Credit Risk Scorecards, ch. 6: odds 50:1 at 600 points, 20 points to double the odds
    scaling = Scaling(pdo=20, odds=50, points=600)
    assert (round(scaling.factor, 4), round(scaling.offset, 4)) == (28.8539, 487.1229)
    assert scaling.of(np.array([-np.log(50), -np.log(100), 0.0])) == pytest.approx([600, 620, 487.1229], abs=1e-4)


def test_the_planted_variables_are_chosen_and_their_twin_and_noise_are_not(card: Scorecard) -> None:
    assert set(TELLING) <= set(card.variables) | {"debt"}
    assert ("debt" in card.variables) != ("twin" in card.variables)
    assert not [name for name in card.variables if name.startswith("noise")]
    told = card.selection.set_index("variable")
    assert any(text.startswith("correlation ") for text in told.loc[["debt", "twin"], "reason"])
    assert (told.loc[list(card.variables), "coefficient"] < 0).all()
    assert told["reason"].ne("").all()


def test_it_ranks_later_rows_nearly_as_well_as_the_truth(card: Scorecard) -> None:
    frame, bad = draw(20_000, seed=1)
    truth = -frame["income"].fillna(0) + 0.7 * frame["debt"] + 0.8 * (frame["purpose"] == "travel")
    found = measure(bad, card.margin(frame), ("roc_auc",))["roc_auc"]
    assert found > measure(bad, truth, ("roc_auc",))["roc_auc"] - 0.02


def test_points_are_the_sum_of_the_printed_bins(card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame = drawn[0].head(300)
    table = card.points_table()
    assert table.columns.tolist() == ["variable", "bin", "points", "woe", "count", "bad_rate"]
    total = np.zeros(len(frame))
    for name in card.variables:
        points = table[table["variable"] == name].set_index("woe")["points"]
        places = points.index.to_numpy()
        woe = card.binning.woe(frame, [name])[name].to_numpy()
        total += points.to_numpy()[np.abs(woe[:, None] - places).argmin(axis=1)]
    assert total == pytest.approx(card.points(frame))
    assert card.points_table(digits=0)["points"].tolist() == table["points"].round(0).tolist()


def test_points_of_the_model_folder_are_those_of_optbinnings_scorecard(
    drawn: tuple[pd.DataFrame, np.ndarray], tmp_path: Path
) -> None:
    from optbinning import BinningProcess
    from optbinning import Scorecard as Theirs

    frame, bad = drawn
    chosen = ["income", "debt", "count", "purpose"]
    splits = [-1.0, 0.25, 1.5]
    card = fit_scorecard(frame[chosen], bad, force=chosen, overrides={"debt": {"splits": splits}})
    assert card.binning.variables["purpose"].labels[-3] == "3 other levels"  # the pool is compared too
    ours = {"min_bin_n_event": int(LEAST), "min_bin_n_nonevent": int(LEAST), "monotonic_trend": "auto_asc_desc"}
    rare = max(RARE_SHARE, RARE_ROWS / frame["purpose"].notna().sum())
    process = BinningProcess(
        chosen, max_n_bins=6, min_bin_size=0.05, categorical_variables=["purpose"],
        binning_fit_params={
            "income": ours, "count": ours, "purpose": {**ours, "cat_cutoff": rare},
            "debt": {"user_splits": splits, "user_splits_fixed": [True] * 3},
        },
    )  # fmt: skip
    theirs = Theirs(
        process, estimator(RIDGE), scaling_method="pdo_odds",
        scaling_method_params={"pdo": 20, "odds": 50, "scorecard_points": 600},
    )  # fmt: skip
    table = frame[chosen].astype({"purpose": object})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optbinning 1.0 writes texts into columns of numbers, as pandas 4 forbids
        theirs.fit(table, bad, metric_missing="empirical")
    save_artifact(Artifact(spec_of(card), {}), tmp_path / "model")
    alone = (  # nothing but the folder: neither this project nor optbinning can be imported
        "import sys, json; sys.modules['optbinning'] = None; sys.modules['afraz'] = None\n"
        "import types, pandas as pd\n"
        "code = types.ModuleType('alone.code'); code.__package__ = 'alone'\n"
        "exec(open(sys.argv[1] + '/pyfunc.py').read(), code.__dict__)\n"
        "found = code.Predictor.load(sys.argv[1]).predict(pd.read_parquet(sys.argv[2]))\n"
        "print(json.dumps(found['points'].tolist()))"
    )
    frame[chosen].to_parquet(tmp_path / "rows.parquet")
    command = [sys.executable, "-I", "-c", alone, str(tmp_path / "model"), str(tmp_path / "rows.parquet")]
    points = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert np.abs(np.array(points) - theirs.score(table)).max() < 1e-9
    assert np.std(points) > 10


def test_a_folder_with_probability_and_points_keeps_the_contract(
    card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray], tmp_path: Path
) -> None:
    folder = save_artifact(Artifact(spec_of(card), {}), tmp_path / "model")
    assert contract_findings(folder, drawn[0], probe=False) == []
    found = load_artifact(folder).predict(drawn[0])
    odds = np.log(1 / found["default_probability"] - 1)
    assert found["points"].to_numpy() == pytest.approx(card.scaling.offset + card.scaling.factor * odds)


def test_points_follow_the_calibrated_log_odds_and_are_no_horizon(card: Scorecard) -> None:
    spec = spec_of(card)
    for output in spec["outputs"]:
        output |= {"knots_margin": [-10.0, 10.0], "knots_log_odds": [-11.0, 9.0]}  # one less than the margin
    spec["outputs"].append({"name": "later", "head": "default"})
    found = pyfunc_model.Predictor(spec, {}).outputs({"default": np.array([-2.0])})
    assert found["points"] == pytest.approx(card.scaling.of(np.array([-3.0])))
    assert found["default_probability"] == pytest.approx(1 / (1 + np.exp(3.0)))
    assert found["later"] == pytest.approx(1 / (1 + np.exp(2.0)))


def test_a_head_over_more_features_scores_the_same(card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame = drawn[0]
    wide = Artifact(spec_of(card, list(frame.columns)), {})
    assert wide.spec["heads"][0]["bins"][frame.columns.get_loc("noise_1")] is None
    assert np.allclose(wide.margins(frame)["default"], card.margin(frame), rtol=0, atol=1e-12)
    with pytest.raises(ParamsError, match="leave out"):
        card.head(["noise_1"])
    with pytest.raises(ParamsError, match="did you mean noise_1"):
        card.head([*card.variables, "noise1"])


def test_values_unseen_in_training_score_neutrally(card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame = drawn[0].head(1).assign(purpose="rocket")
    terms = list(pyfunc_model.scorecard_terms(card.head(), Artifact(spec_of(card), {}).matrix(frame)))
    assert terms[card.variables.index("purpose")].tolist() == [0.0]


def test_explanations_of_a_scorecard_add_up_and_average_to_nothing(
    card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]
) -> None:
    artifact = Artifact(spec_of(card), {})
    told = explain(artifact, artifact.matrix(drawn[0]))
    assert told.engine == "scorecard"
    assert told.additivity_error < 1e-5
    assert told.values.mean(axis=0) == pytest.approx(np.zeros(len(card.variables)), abs=1e-5)
    assert told.base == pytest.approx(told.margin.mean())


def test_a_blend_may_have_a_scorecard_as_a_part(card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    spec = spec_of(card)
    spec["heads"] = [{"name": "both", "kind": "blend", "parts": ["default"], "weights": [0.5]}, *spec["heads"]]
    spec["outputs"][0]["head"] = "both"
    artifact = Artifact(spec, {})
    assert np.allclose(artifact.margins(drawn[0])["both"], 0.5 * card.margin(drawn[0]))
    assert explain(artifact, artifact.matrix(drawn[0])).engine == "scorecard"


def test_forced_variables_stay_and_forbidden_ones_leave(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    card = fit_scorecard(frame, bad, force=["noise_0", "twin"], forbid=["income"])
    assert {"noise_0", "twin"} <= set(card.variables)
    assert "income" not in card.variables
    assert "debt" not in card.variables  # the twin was forced, so debt is what repeats
    told = card.selection.set_index("variable")
    assert told.loc["income", "reason"] == "forbidden"
    assert told.loc["noise_0", "reason"] == "forced"


def test_at_most_so_many_variables_are_taken(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    card = fit_scorecard(*drawn, max_variables=1)
    assert card.variables == ("income",)
    assert "1 variables were stronger" in card.selection["reason"].tolist()


def test_a_variable_whose_coefficient_contradicts_its_bins_leaves() -> None:
    rng = np.random.default_rng(3)
    true = rng.normal(size=6000)
    echo = true + 0.6 * rng.normal(size=6000)  # rises with the odds alone, falls beside the truth
    bad = (rng.random(6000) < 1 / (1 + np.exp(1 - 2 * true + 0.7 * echo))).astype(int)
    card = fit_scorecard(pd.DataFrame({"true": true, "echo": echo}), bad, max_correlation=1.0)
    assert card.variables == ("true",)
    assert "wrong sign" in card.selection.set_index("variable").loc["echo", "reason"]


def test_a_strict_test_leaves_out_most_noise_that_bins_believe_in() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2000, 30))
    bad = (rng.random(2000) < 1 / (1 + np.exp(2.6 - x[:, 0]))).astype(int)
    frame = pd.DataFrame(x, columns=["true", *(f"noise_{j}" for j in range(29))])
    card = fit_scorecard(frame, bad, significance=0.05)
    assert card.variables[0] == "true"
    assert len(card.variables) <= 4
    assert (card.selection["iv"] > 0.02).sum() >= 10  # the bins alone would have believed in many


def test_equal_rows_and_seed_give_equal_heads(card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    again = fit_scorecard(*drawn, significance=0.05, n_jobs=1)
    assert json.dumps(again.head()) == json.dumps(card.head())
    pd.testing.assert_frame_equal(again.selection, card.selection)


def test_weights_and_customers_change_nothing_where_they_say_nothing(
    card: Scorecard, drawn: tuple[pd.DataFrame, np.ndarray]
) -> None:
    once = fit_scorecard(*drawn, significance=0.05, weight=np.ones(ROWS), groups=np.arange(ROWS))
    assert once.variables == card.variables
    assert once.coefficients == pytest.approx(card.coefficients)


def test_what_cannot_become_a_scorecard_is_refused(drawn: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, bad = drawn
    with pytest.raises(DataError, match="no variable tells goods from bads"):
        fit_scorecard(frame[["noise_0"]].assign(one=1.0), bad)
    with pytest.raises(DataError, match="20 bads of 2500 rows"):
        fit_scorecard(frame, np.arange(ROWS) % 125 == 0)
    with pytest.raises(ParamsError, match="forbidden variable 'incom' is no column: did you mean income"):
        fit_scorecard(frame, bad, forbid=["incom"])
    with pytest.raises(ParamsError, match="sign 'incom' is no column"):
        fit_scorecard(frame, bad, signs={"incom": 1})
    with pytest.raises(ParamsError, match="'debt' is forced and forbidden"):
        fit_scorecard(frame, bad, force=["debt"], forbid=["debt"])
    with pytest.raises(ParamsError, match="pdo, odds and points must be above 0"):
        Scaling(odds=-1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coefficients": [-1.0]}, "coefficients has 1 entries for"),
        ({"reference_terms": None}, "lacks reference_terms"),
        ({"intercept": float("nan")}, "not finite"),
        ({"scaling": {"factor": -1.0, "offset": 0.0}}, "factor above 0"),
        ({"splits": [1.0, 1.0]}, "must be finite and rise"),
        ({"woe": [0.1]}, "needs a finite woe for each"),
        ({"missing": float("inf")}, "needs a finite woe"),
        ({"missing": None}, "lack missing"),
    ],
)
def test_a_broken_scorecard_head_is_refused(card: Scorecard, change: dict[str, Any], said: str) -> None:
    spec = spec_of(card)
    head = spec["heads"][0]
    place = card.variables.index("income")
    for key, value in change.items():
        (head["bins"][place] if key in ("splits", "woe", "missing") else head)[key] = value
    head = {key: value for key, value in head.items() if value is not None}
    with pytest.raises(ArtifactError, match=said):
        check_spec({**spec, "heads": [head]}, set())


def test_a_feature_without_bins_and_broken_points_are_refused(card: Scorecard) -> None:
    spec = spec_of(card)
    spec["heads"][0]["bins"][0] = None
    with pytest.raises(ArtifactError, match="feature 0 has no bins, so its coefficient"):
        check_spec(spec, set())
    spec = spec_of(card)
    del spec["outputs"][1]["factor"]
    with pytest.raises(ArtifactError, match="output 'points': points need a factor above 0"):
        check_spec(spec, set())
    spec["outputs"][1]["link"] = "point"
    with pytest.raises(ArtifactError, match="link 'point': did you mean points"):
        check_spec(spec, set())
