"""Heads that compare two models, and inputs that a model sets itself."""

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError
from afraz.models.artifact import Artifact, load_artifact, save_artifact
from afraz.models.contract import contract_findings
from afraz.models.pyfunc_model import Predictor

NAMES = ["age", "spend"]
FEATURES = [{"name": name, "type": "double"} for name in NAMES]


def spec_of(heads: list[dict[str, Any]], **output: Any) -> dict[str, Any]:
    outputs = [{"name": "uplift", "head": "uplift", "link": "identity", **output}]
    return {"format": 1, "model": "promotion", "features": FEATURES, "heads": heads, "outputs": outputs}


def linear(name: str, age: float, intercept: float = 0.0) -> dict[str, Any]:
    return {"name": name, "kind": "linear", "intercept": intercept, "coefficients": [age, 0.0], "means": [0.0, 0.0],
            "scales": [1.0, 1.0]}  # fmt: skip


def contrast(link: str = "logit", parts: tuple[str, ...] = ("offer", "control")) -> dict[str, Any]:
    return {"name": "uplift", "kind": "contrast", "parts": list(parts), "link": link}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.normal(size=400), "spend": rng.normal(size=400)})


def squash(z: Any) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


@pytest.fixture(scope="module")
def switched() -> lgb.Booster:
    """Trees with the treatment as a third input, which raises the odds of those with a high age."""
    rng = np.random.default_rng(1)
    x = np.column_stack([table(), rng.integers(0, 2, 400)])
    y = (x[:, 1] + 3 * x[:, 2] * (x[:, 0] > 0) + rng.normal(size=400) > 1).astype(int)
    settings: dict[str, Any] = {"objective": "binary", "num_leaves": 6, "verbose": -1, "num_threads": 1, "seed": 3}
    return lgb.train(settings, lgb.Dataset(x, y, feature_name=[*NAMES, "appended_0"]), 15)


def heads_of_one(link: str = "logit") -> list[dict[str, Any]]:
    given = {"offer": 1.0, "control": 0.0}
    return [*({"name": n, "kind": "lightgbm", "file": f"{n}.txt", "append": [v]} for n, v in given.items()),
            contrast(link)]  # fmt: skip


def test_a_contrast_is_the_difference_of_two_probabilities_or_of_two_amounts() -> None:
    frame = table()
    heads = [linear("offer", 0.5, 1.0), linear("control", 0.2)]
    odds = Artifact(spec_of([*heads, contrast()]), {}).predict(frame)["uplift"]
    np.testing.assert_allclose(odds, squash(0.5 * frame["age"] + 1) - squash(0.2 * frame["age"]), atol=1e-15)
    amounts = Artifact(spec_of([*heads, contrast("identity")]), {}).predict(frame)["uplift"]
    np.testing.assert_allclose(amounts, 0.3 * frame["age"] + 1, atol=1e-12)
    turned = Artifact(spec_of([*heads, contrast(parts=("control", "offer"))]), {}).predict(frame)["uplift"]
    np.testing.assert_allclose(turned, -odds, atol=1e-15)


def test_appended_inputs_are_set_by_the_model_and_not_by_the_table(switched: lgb.Booster, tmp_path: Path) -> None:
    artifact = Artifact(spec_of(heads_of_one()), {"offer": switched, "control": switched})
    frame = table()
    sides = [squash(switched.predict(np.column_stack([frame, np.full(400, v)]), raw_score=True)) for v in (1.0, 0.0)]
    found = artifact.predict(frame)["uplift"]
    np.testing.assert_allclose(found, sides[0] - sides[1], atol=1e-15)
    assert found[frame["age"] > 0.3].mean() > found[frame["age"] < -0.3].mean() + 0.2
    loaded = load_artifact(save_artifact(artifact, tmp_path / "model"))
    pd.testing.assert_series_equal(loaded.predict(frame.assign(appended_0=99.0))["uplift"], found)
    assert loaded.matrix(frame).shape == (400, 2)
    assert contract_findings(tmp_path / "model", frame, probe=False) == []


def test_a_head_alone_gives_the_margin_that_all_together_give(switched: lgb.Booster) -> None:
    predictor = Predictor(spec_of(heads_of_one()), {"offer": switched, "control": switched})
    frame = table()
    for name, margin in predictor.margins(frame).items():
        np.testing.assert_array_equal(predictor.head_margin(name, predictor.matrix(frame)), margin)


def test_contrasts_may_be_blended_where_they_come_first() -> None:
    parts = [linear("offer", 0.5), linear("control", 0.2), contrast("identity")]
    blend = {"name": "mean", "kind": "blend", "parts": ["uplift", "control"], "weights": [0.5, 0.5]}
    found = Artifact(spec_of([*parts, blend], head="mean"), {}).predict(table())["uplift"]
    np.testing.assert_allclose(found, 0.25 * table()["age"], atol=1e-12)
    with pytest.raises(ArtifactError, match="blend 'mean' has part 'uplift', which is no"):
        Artifact(spec_of([*parts[:2], blend, parts[2]], head="mean"), {})


@pytest.mark.parametrize("link", ["probit", None])
def test_a_contrast_needs_a_known_link(link: str) -> None:
    with pytest.raises(ArtifactError, match="contrast 'uplift' needs two parts and the link logit or identity"):
        Artifact(spec_of([linear("offer", 0.5), linear("control", 0.2), contrast(link)]), {})


@pytest.mark.parametrize("parts", [("offer",), ("offer", "control", "offer"), ()])
def test_a_contrast_needs_two_parts(parts: tuple[str, ...]) -> None:
    with pytest.raises(ArtifactError, match="contrast 'uplift' needs two parts"):
        Artifact(spec_of([linear("offer", 0.5), linear("control", 0.2), contrast(parts=parts)]), {})


def test_a_contrast_of_a_head_that_is_not_there_or_of_itself_is_refused() -> None:
    for other in ("nobody", "uplift"):
        with pytest.raises(ArtifactError, match=f"contrast 'uplift' has part '{other}', which is no"):
            Artifact(spec_of([linear("offer", 0.5), contrast(parts=("offer", other))]), {})


def test_trees_of_other_inputs_than_those_listed_and_appended_are_refused(switched: lgb.Booster) -> None:
    both = {"offer": switched, "control": switched}
    heads = heads_of_one()
    with pytest.raises(ArtifactError, match="was trained on 3 features, the spec lists 2"):
        Artifact(spec_of([{**heads[0], "append": []}, *heads[1:]]), both)
    with pytest.raises(ArtifactError, match="was trained on 3 features, the spec lists 2 and appends 2"):
        Artifact(spec_of([{**heads[0], "append": [1.0, 0.0]}, *heads[1:]]), both)
