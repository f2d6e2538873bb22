"""From a table of assignments to a model: what it finds, what it says, what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.artifact import load_artifact, save_artifact
from afraz.models.contract import contract_findings
from afraz.models.promotion.promotion import PromotionResult, fit_promotion
from afraz.models.promotion.settings import PromotionSettings

from .trials import TREES, campaigns, squash

QUICK: dict[str, Any] = {"folds": 3, "max_rounds": 10, "bootstrap": 30, "drop": ["true_effect"], "test_dates": 1,
                         "lightgbm": TREES, "learners": ["response", "proportional", "dr"]}  # fmt: skip


def fit(table: pd.DataFrame, **changes: Any) -> PromotionResult:
    return fit_promotion(table, PromotionSettings(**{**QUICK, **changes}))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return campaigns(4000, seed=1, effect="hidden")


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    """The response only."""
    return campaigns(1000, seed=2, effect="some").drop(columns=["net_value", "closed_after"])


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> PromotionResult:
    return fit(table, max_rounds=40, learners=["response", "proportional", "dr", "t", "average"])


def test_a_trial_with_an_effect_that_response_does_not_show_is_learned_and_told(
    result: PromotionResult, table: pd.DataFrame
) -> None:
    found = result.metrics
    assert found["trial"]["randomised"]
    assert found["trial"]["estimator"] == "difference in means"
    assert found["choice"]["chosen"] in ("dr", "t", "average")
    assert found["choice"]["verdict"].endswith("is used")
    assert "more than response ranking: " in found["choice"]["verdict"]
    assert found["choice"]["mean_effect"] == pytest.approx(table["true_effect"].mean(), abs=0.04)
    assert found["population"] == {
        "rows": 4000, "window_not_over": 0, "arm_missing": 0, "other_arms": 0, "used": 4000, "train_rows": 3000,
        "test_rows": 1000, "split": "out of time", "purged_rows": 0, "train_from": "2025-01-01",
        "train_to": "2025-07-02", "test_from": "2025-10-01", "test_to": "2025-10-01",
    }  # fmt: skip
    test = found["test"]
    assert (test["rows"], test["treated"]) == (1000, int((table["arm"].eq("offer") & (table.index % 4 == 3)).sum()))
    assert test["qini_auc"]["low"] > 0
    assert test["uplift_at_30pct_over_response"]["low"] > 0
    assert test["gain_at_50pct"]["low"] > 0
    assert test["treated_share_gap"]["low"] < 0 < test["treated_share_gap"]["high"]
    assert list(result.summary().columns) == ["value", "low", "high"]


def test_uplift_means_what_it_says(result: PromotionResult, table: pd.DataFrame) -> None:
    predicted = result.predictions["response_uplift"].to_numpy()
    truth = table["true_effect"].to_numpy()[result.predictions["row"]]
    assert np.corrcoef(predicted, truth)[0, 1] > 0.6
    assert predicted.mean() == pytest.approx(truth.mean(), abs=0.04)
    assert np.polyfit(predicted, truth, 1)[0] == pytest.approx(1, abs=0.35)
    deciles = result.tables["calibration_by_decile"]
    assert deciles["predicted"].between(deciles["low"], deciles["high"]).sum() >= 7


def test_predictions_are_those_of_the_last_campaign(result: PromotionResult, table: pd.DataFrame) -> None:
    told = result.predictions
    assert told["campaign_id"].unique().tolist() == ["P3"]
    rows = table.iloc[told["row"]].reset_index(drop=True)
    assert (told["customer_id"] == rows["customer_id"]).all()
    assert (told["label"] == rows["responded"]).all()
    assert (told["treated"] == rows["arm"].eq("offer")).all()
    again = result.model.predict(rows)
    pd.testing.assert_frame_equal(again, told[list(again.columns)])


def test_the_offer_response_is_that_of_customers_with_it(result: PromotionResult) -> None:
    told = result.predictions
    got = told[told["treated"] == 1]
    assert got["response_offer"].mean() == pytest.approx(got["label"].mean(), abs=0.05)
    assert np.corrcoef(got["response_offer"], got["label"])[0, 1] > 0.4


def test_value_and_leaving_are_outcomes_of_their_own(result: PromotionResult, table: pd.DataFrame) -> None:
    found = result.metrics["outcomes"]
    assert set(found) == {"value", "closing"}
    value = (
        table["net_value"].where(table["arm"] == "offer").mean()
        - table["net_value"].where(table["arm"] == "control").mean()
    )
    assert found["value"]["mean_effect"] == pytest.approx(value, abs=0.4)
    assert found["closing"]["mean_effect"] < -0.05
    assert {"learners", "learners_value", "learners_closing", "balance", "test_measures"} <= set(result.tables)
    leaving = result.predictions["closing_uplift"].to_numpy()
    kept = table["x2"].to_numpy()[result.predictions["row"]] > 0
    assert leaving[kept].mean() <= leaving[~kept].mean() + 1e-9


def test_the_model_keeps_its_contract_and_holds_no_pickle(result: PromotionResult, tmp_path: Path) -> None:
    result.model.save(tmp_path / "model")
    assert contract_findings(tmp_path / "model", result.sample, probe=False) == []
    loaded = load_artifact(tmp_path / "model")
    assert (loaded.spec["targeting"], loaded.spec["learner"]) == (True, result.metrics["choice"]["chosen"])
    files = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert {"model.json", "pyfunc.py", "why.txt"} <= set(files)
    assert all(name.endswith((".txt", ".json", ".py")) for name in files)
    assert not any(path.read_bytes().startswith(b"\x80") for path in (tmp_path / "model").iterdir())
    outcomes = {"response_uplift", "value_uplift", "closing_uplift", "response_offer"}
    assert {output["name"] for output in loaded.spec["outputs"]} == outcomes
    features = [feature["name"] for feature in loaded.spec["features"]]
    assert features == [f"x{j}" for j in range(8)], "who got it, what came of it and the truth are no features"


def test_where_all_gain_alike_response_ranking_stays_and_the_verdict_says_so() -> None:
    found = fit(campaigns(2000, seed=3, effect="constant"))
    assert found.metrics["choice"]["chosen"] == "response"
    assert "do not support more than response ranking, which is used" in found.metrics["choice"]["verdict"]
    assert found.model.spec["targeting"] is False
    best = max((row for name, row in found.metrics["choice"]["learners"].items() if name not in ("response", "random")),
               key=lambda row: row["policy_value"])  # fmt: skip
    assert f"{best['over_rival']:+.5f}" in found.metrics["choice"]["verdict"]
    assert found.predictions["response_uplift"].mean() == pytest.approx(0.15, abs=0.06)


def test_a_champion_of_two_models_becomes_a_folder(table: pd.DataFrame, tmp_path: Path) -> None:
    found = fit(table.drop(columns=["net_value", "closed_after"]), max_rounds=40, learners=["response", "t"])
    assert found.model.spec["learner"] == "t"
    folder = save_artifact(found.model, tmp_path / "model")
    assert contract_findings(folder, found.sample, probe=False) == []
    heads = {head["name"]: head for head in found.model.spec["heads"]}
    assert heads["response_uplift"]["parts"] == ["response_offer", "response_control"]


def test_a_targeted_campaign_is_no_trial_and_its_effect_is_not_overrated() -> None:
    trial = campaigns(3000, seed=4, effect="constant")
    rng = np.random.default_rng(5)
    first = trial["x0"].to_numpy()
    aimed = rng.random(3000) < 0.1 + 0.8 * squash(1.5 * first)
    without = squash(-1.0 + 1.2 * first)
    outcome = (rng.random(3000) < without + 0.1 * aimed * (without < 0.9)).astype(float)
    table = trial.assign(arm=np.where(aimed, "offer", "control"), responded=outcome).drop(columns="propensity")
    found = fit(table).metrics
    assert not found["trial"]["randomised"]
    assert found["trial"]["estimator"] == "doubly robust with an estimated treatment model"
    assert "x0" in found["trial"]["why"]
    naive = outcome[aimed].mean() - outcome[~aimed].mean()
    assert naive > 0.25
    assert found["choice"]["mean_effect"] == pytest.approx(0.1, abs=0.06)


def test_stated_propensities_that_vary_are_used() -> None:
    table = campaigns(3000, seed=6, effect="constant")
    rng = np.random.default_rng(7)
    first = table["x0"].to_numpy()
    e = 0.1 + 0.8 * squash(1.5 * first)
    got = rng.random(3000) < e
    outcome = (rng.random(3000) < squash(-1 + 1.2 * first) * 0.85 + 0.15 * got).astype(float)
    stated = table.assign(arm=np.where(got, "offer", "control"), responded=outcome, propensity=np.where(got, e, 1 - e))
    found = fit(stated).metrics
    assert found["trial"]["randomised"]
    assert found["trial"]["estimator"] == "stated propensities"
    assert found["choice"]["mean_effect"] == pytest.approx(0.15, abs=0.06)
    assert abs(found["test"]["treated_share_gap"]["value"]) < 0.12
    assert outcome[got].mean() - outcome[~got].mean() > 0.25, "the plain difference would be far off"


def test_no_control_group_or_nobody_else_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="nobody of 4,000 customers is in the control group .arm = 'control'.*without"):
        fit(table.assign(arm="offer"))
    with pytest.raises(DataError, match="everybody of 4,000 customers is in the control group"):
        fit(table.assign(arm="control"))


def test_an_offer_that_nobody_got_is_refused_by_name(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="nobody got the offer 'bonus': the arms are control, offer"):
        fit(table, offer="bonus")


def test_several_arms_are_compared_one_at_a_time() -> None:
    table = campaigns(2400, seed=8, effect="some")
    rng = np.random.default_rng(9)
    arm = rng.choice(["control", "bonus", "letter"], 2400)
    outcome = (rng.random(2400) < 0.2 + 0.4 * (arm == "bonus")).astype(float)
    several = table.assign(arm=arm, responded=outcome, propensity=1 / 3).drop(columns=["net_value", "closed_after"])
    said = {offer: fit(several, offer=offer) for offer in ("bonus", "letter")}
    for offer, found in said.items():
        kept = int(np.isin(arm, ["control", offer]).sum())
        population = found.metrics["population"]
        assert (population["used"], population["other_arms"]) == (kept, 2400 - kept)
        assert any("propensity: left out, there are more than two arms" in note for note in found.metrics["notes"])
        assert found.metrics["trial"]["randomised"], "a third each is no share of two"
    assert said["bonus"].metrics["choice"]["mean_effect"] == pytest.approx(0.4, abs=0.06)
    assert said["letter"].metrics["choice"]["mean_effect"] == pytest.approx(0.0, abs=0.06)
    assert fit(several).metrics["choice"]["mean_effect"] == pytest.approx(0.2, abs=0.06)


def test_two_arms_in_each_campaign_keep_their_propensities(small: pd.DataFrame) -> None:
    named = small["campaign_id"].where(small["arm"] == "offer", "control")  # five arms, two in each campaign
    found, plain = fit(small.assign(arm=named)), fit(small)
    assert not any("propensity" in note for note in found.metrics["notes"])
    assert found.metrics["choice"] == plain.metrics["choice"]


def test_arms_may_be_zeros_and_ones_and_flags(small: pd.DataFrame) -> None:
    named = fit(small).metrics["choice"]
    offered = small["arm"] == "offer"
    assert fit(small.assign(arm=offered.astype(int))).metrics["choice"] == named
    assert fit(small.assign(arm=offered)).metrics["choice"] == named


def test_missing_labels_and_arms_are_counted_and_left_out(small: pd.DataFrame) -> None:
    holes = small.copy()
    holes.loc[holes.index[:40], "responded"] = np.nan
    holes.loc[holes.index[40:70], "arm"] = None
    found, clean = fit(holes), fit(small.iloc[70:])
    population = found.metrics["population"]
    assert (population["window_not_over"], population["arm_missing"], population["used"]) == (40, 30, 930)
    assert found.metrics["choice"] == clean.metrics["choice"]
    rows = holes.iloc[found.predictions["row"]]
    assert rows["customer_id"].tolist() == found.predictions["customer_id"].tolist()
    coded = holes.assign(arm=holes["arm"].map({"offer": 1.0, "control": 0.0}))
    assert fit(coded).metrics["choice"] == clean.metrics["choice"]
    with pytest.raises(DataError, match="no row is left to learn from: of 1,000 rows, 1,000 have no finished window"):
        fit(small.assign(responded=np.nan))


def test_rows_may_carry_any_index(small: pd.DataFrame) -> None:
    assert fit(small.set_index(np.zeros(1000, int))).metrics["choice"] == fit(small).metrics["choice"]


@pytest.mark.parametrize("bad", [0.0, 1.0, 1.3])
@pytest.mark.parametrize("campaign", ["P1", "P3"])
def test_propensities_without_an_alternative_are_refused(small: pd.DataFrame, bad: float, campaign: str) -> None:
    wrong = small.copy()
    wrong.loc[wrong.index[wrong["campaign_id"] == campaign][:5], "propensity"] = bad
    with pytest.raises(DataError, match="5 of 1,000 propensities are not strictly between 0 and 1"):
        fit(wrong)
    wrong.loc[wrong["propensity"] == bad, "propensity"] = np.nan
    with pytest.raises(DataError, match="propensity is missing in 5 of 1,000 rows: state it for all, or for none"):
        fit(wrong)


def test_constant_features_and_texts_are_taken(small: pd.DataFrame) -> None:
    rng = np.random.default_rng(10)
    more = small.assign(country="PT", zero=0.0, channel=rng.choice(["call", "mail"], 1000), empty=np.nan)
    found = fit(more, learners=["response", "proportional", "linear", "s", "x", "dr", "transformed", "average"])
    assert np.isfinite(found.predictions["response_uplift"]).all()
    for name in ("country", "zero", "empty"):
        assert any(note.startswith(f"{name}: left out") for note in found.metrics["notes"])
    assert [feature["name"] for feature in found.model.spec["features"]][-1] == "channel"


def test_a_rule_that_does_as_well_as_any_learner_is_used_and_said() -> None:
    table = campaigns(4000, seed=13, effect="some").drop(columns=["net_value", "closed_after"])
    found = fit(table, learners=["response", "s", "dr", "one_rule"])
    said = found.metrics["choice"]
    assert said["chosen"] == found.model.spec["learner"] == "one_rule"
    assert said["rule"].startswith("x1 above")
    assert float(said["rule"].removeprefix("x1 above ")) == pytest.approx(0, abs=0.1)
    assert said["verdict"].endswith(f"do not support more than one rule, which is used (the rule: {said['rule']})")
    told = found.predictions["response_uplift"].to_numpy()
    assert sorted(set(told.round(9))) == pytest.approx([0.0, 0.4], abs=0.08)


def test_one_feature_is_enough(small: pd.DataFrame) -> None:
    narrow = small.drop(columns=[f"x{j}" for j in range(8) if j != 1])
    found = fit(narrow, learners=["response", "linear", "proportional"])
    told = found.predictions["response_uplift"]
    assert np.corrcoef(told, narrow["true_effect"].to_numpy()[found.predictions["row"]])[0, 1] > 0.6


def test_too_few_responders_are_refused(small: pd.DataFrame) -> None:
    few = small.assign(responded=np.where(small.index % 50 == 0, 1.0, 0.0))
    with pytest.raises(DataError, match=r"events in 750 training rows, 30 are needed"):
        fit(few)
    one_sided = small.assign(responded=small["responded"].where(small["arm"] == "offer", 0.0))
    with pytest.raises(DataError, match="30 are needed: add rows or dates"):
        fit(one_sided)


def test_a_test_part_without_control_is_refused(small: pd.DataFrame) -> None:
    late = small["campaign_id"] == "P3"
    with pytest.raises(DataError, match="test part has no control group or nobody who was treated"):
        fit(small.assign(arm=small["arm"].mask(late, "offer")))
    with pytest.raises(DataError, match="nobody who was treated within a campaign_id"):
        fit(small.assign(arm=small["arm"].mask(late, "offer")).drop(columns="propensity"), test_dates=2)


def test_shares_that_differ_by_campaign_are_no_effect_in_the_test() -> None:
    rng = np.random.default_rng(11)
    many = campaigns(3000, seed=12, effect="none").drop(columns=["propensity", "net_value", "closed_after"])
    rich = many["campaign_id"].isin(["P1", "P3"]).to_numpy()
    got = rng.random(3000) < np.where(rich, 0.85, 0.15)
    outcome = (rng.random(3000) < np.where(rich, 0.6, 0.1)).astype(float)
    found = fit(many.assign(arm=np.where(got, "offer", "control"), responded=outcome), test_dates=2).metrics
    assert found["trial"]["estimator"] == "difference in means within blocks"
    assert found["test"]["gain_at_50pct"]["low"] < 0 < found["test"]["gain_at_50pct"]["high"]
    assert abs(found["test"]["uplift_at_30pct"]["value"]) < 0.2 < outcome[got].mean() - outcome[~got].mean()


def test_columns_that_are_not_there_need_not_be_set_and_misspelled_ones_are_refused(small: pd.DataFrame) -> None:
    bare = small[["x0", "x1", "arm", "responded"]]
    found = fit(bare, drop=[])
    assert found.metrics["population"]["split"] == "customers at random"
    assert found.metrics["outcomes"] == {}
    for name in ("value", "closing", "propensity", "block"):
        with pytest.raises(DataError, match=f"the table has no {name} column 'profit'"):
            fit(bare, drop=[], **{name: "profit"})


def test_equal_seeds_give_equal_bytes_and_the_table_stays(small: pd.DataFrame, tmp_path: Path) -> None:
    before = small.copy()
    folders = [save_artifact(fit(small, threads=threads).model, tmp_path / str(threads)) for threads in (1, 2)]
    pd.testing.assert_frame_equal(small, before)
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two


def test_later_campaigns_are_held_against_earlier_ones(result: PromotionResult) -> None:
    until = pd.Timestamp(result.metrics["population"]["train_to"]) + pd.Timedelta(days=30)
    assert result.model.spec["learned_until"] == str(until.date())
    assert 0 <= result.metrics["drift"]["psi_score"] < 0.25
    assert len(result.tables["csi"]) == len(result.model.spec["features"])
