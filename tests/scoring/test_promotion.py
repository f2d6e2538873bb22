"""Every customer with every offer that was tried: effects, margins, and reasons for the best one."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError, DataError
from afraz.models.artifact import Artifact, folder_digest, save_artifact
from afraz.scoring.promotion import best_offers, score_promotion, told_apart

AS_OF = dt.date(2026, 7, 1)
OFFERS = pd.DataFrame({
    "offer": ["rate", "bonus", "bonus"], "channel": ["email", "email", "call"], "campaigns": [1, 2, 1],
    "contact_cost": [0.1, 0.1, 3.0], "offer_cost": [0.0, 5.0, 5.0], "response_value": [20.0, 20.0, 20.0],
})  # fmt: skip
WORDS = pd.DataFrame([
    {"name": name, "meaning": name, "unit": "", "type": type, "low": f"{name} is low", "high": f"{name} is high"}
    for name, type in (("spend", "double"), ("visits", "double"), ("offer", "text"), ("channel", "text"))
])  # fmt: skip


def linear(name: str, **coefficients: float) -> dict[str, Any]:
    order = ("spend", "visits", "offer", "channel")
    return {"name": name, "kind": "linear", "intercept": coefficients.get("intercept", 0.0), "means": [0.0] * 4,
            "coefficients": [coefficients.get(c, 0.0) for c in order], "scales": [1.0] * 4}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bonus adds 0.2, a call 0.1, spend a tenth of itself; with an offer one in two responds."""
    texts = {"offer": {"bonus": 1.0, "rate": 0.0}, "channel": {"call": 1.0, "email": 0.0}}
    spec = {
        "format": 1, "model": "promotion", "targeting": True, "learner": "linear",
        "features": [{"name": "spend", "type": "double", "reference": 0.0},
                     {"name": "visits", "type": "double", "reference": 0.0},
                     *({"name": n, "type": "text", "levels": levels, "missing": None, "other": 0.0}
                       for n, levels in texts.items())],
        "heads": [linear("why", spend=0.1, visits=0.01, offer=0.2, channel=0.1),
                  linear("response_uplift", spend=0.1, visits=0.01, offer=0.2, channel=0.1), linear("offered")],
        "outputs": [{"name": "response_uplift", "head": "response_uplift", "link": "identity"},
                    {"name": "response_offer", "head": "offered"}],
    }  # fmt: skip
    return save_artifact(Artifact(spec, {}), tmp_path_factory.mktemp("promotion") / "model")


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["c", "a", "b"], "as_of": pd.Timestamp(AS_OF), "spend": [-3.0, 1.0, 4.0],
        "visits": [0.0, 1.0, -1.0],
    })  # fmt: skip


def scored(folder: Path, customers: pd.DataFrame, **changes: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    given = {"offers": OFFERS, "as_of": AS_OF, "dictionary": WORDS, "reasons": 2, **changes}
    return score_promotion(folder, customers, **given)


def test_every_customer_meets_every_offer_in_order(folder: Path, customers: pd.DataFrame) -> None:
    scores, manifest = scored(folder, customers)
    assert scores["customer_id"].tolist() == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert scores[["offer", "channel"]].head(3).to_numpy().tolist() == [
        ["bonus", "call"], ["bonus", "email"], ["rate", "email"],
    ]  # fmt: skip
    assert scores["as_of"].eq(pd.Timestamp(AS_OF)).all()
    assert list(scores.columns[-2:]) == ["reason_1", "reason_2"]
    assert manifest["columns"] == list(scores.columns)
    assert manifest["rows"] == 3
    assert (manifest["targeting"], manifest["learner"]) == (True, "linear")
    assert manifest["offers"][0]["offer"] == "rate"
    assert manifest["model_digest"] == folder_digest(folder)


def test_the_model_sees_the_offer_and_the_margin_counts_value_and_both_costs(
    folder: Path, customers: pd.DataFrame
) -> None:
    of = scored(folder, customers)[0].set_index(["customer_id", "offer", "channel"])
    assert of.loc[("a", "rate", "email"), "response_uplift"] == pytest.approx(0.11)
    assert of.loc[("a", "bonus", "email"), "response_uplift"] == pytest.approx(0.31)
    assert of.loc[("a", "bonus", "call"), "response_uplift"] == pytest.approx(0.41)
    assert of["response_offer"].to_numpy() == pytest.approx(0.5)
    assert of.loc[("a", "rate", "email"), "incremental_margin"] == pytest.approx(0.11 * 20 - 0.1)
    assert of.loc[("a", "bonus", "call"), "incremental_margin"] == pytest.approx(0.41 * 20 - 5 * 0.5 - 3)
    assert of.loc[("c", "rate", "email"), "incremental_margin"] == pytest.approx(-0.3 * 20 - 0.1), "an offer may harm"


def test_reasons_are_of_the_customer_and_never_name_the_offer(folder: Path, customers: pd.DataFrame) -> None:
    scores, _ = scored(folder, customers)
    said = scores.groupby("customer_id")[["reason_1", "reason_2"]]
    assert said.nunique(dropna=False).eq(1).all(axis=None), "one set a customer"
    first = said.first()["reason_1"]
    assert first["a"] == "spend is high"
    assert first["b"] == "spend is high"
    assert pd.isna(first["c"]), "nothing of c raises the effect: the offer alone does, and it is no reason"
    words = " ".join(scores[["reason_1", "reason_2"]].fillna("").to_numpy().ravel())
    assert "offer" not in words
    assert "channel" not in words
    assert "reason_1" not in scored(folder, customers, reasons=0)[0]


def test_best_offers_count_customers_once_and_only_where_it_pays(folder: Path, customers: pd.DataFrame) -> None:
    scores, _ = scored(folder, customers)
    table = best_offers(scores).set_index(["offer", "channel"])
    by = scores.pivot_table(index="customer_id", columns=["offer", "channel"], values="incremental_margin")
    assert table["pays_with"].to_dict() == (by > 0).sum().to_dict()
    assert table["best_for"].sum() == int((by.max(axis=1) > 0).sum()) == 2
    assert table.loc[("rate", "email"), "mean_uplift"] == pytest.approx(np.mean([-0.3, 0.11, 0.39]))


def test_offers_that_bring_the_same_are_not_each_the_best() -> None:
    scores = pd.DataFrame({
        "customer_id": np.repeat(["a", "b"], 3), "offer": ["x", "y", "z"] * 2, "channel": "email",
        "response_uplift": 0.1, "incremental_margin": [2.0, 2.0, 1.0, 3.0, 2.0, 2.0],
    })  # fmt: skip
    table = best_offers(scores).set_index("offer")
    assert table["best_for"].to_dict() == {"x": 1, "y": 0, "z": 0}
    assert table["best_with_others"].to_dict() == {"x": 1, "y": 1, "z": 0}
    assert told_apart(scores).startswith("the model expects every offer to change a customer alike")
    other = scores.assign(response_uplift=[0.1, 0.3, 0.1] * 2)
    assert told_apart(other) == "between the offers to a customer, the expected effect differs by 0.2 on average"


def test_the_order_and_index_of_customers_do_not_matter(folder: Path, customers: pd.DataFrame) -> None:
    turned = customers.iloc[::-1].set_index(np.array([5, 5, 9]))
    pd.testing.assert_frame_equal(scored(folder, turned)[0], scored(folder, customers)[0])


def test_other_dates_repeated_customers_and_altered_models_are_refused(
    folder: Path, customers: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no row at as_of 2026-08-01"):
        scored(folder, customers, as_of=dt.date(2026, 8, 1))
    with pytest.raises(DataError, match="customer_id"):
        scored(folder, pd.concat([customers, customers]))
    with pytest.raises(ArtifactError, match="was altered: digest"):
        scored(folder, customers, model_digest="0" * 64)
    with pytest.raises(ArtifactError, match="1 of 4 columns of model 'promotion' are missing: visits"):
        scored(folder, customers.drop(columns="visits"))
